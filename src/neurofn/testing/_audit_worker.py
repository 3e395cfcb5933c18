"""The process in which foreign code runs. It reads requests and writes answers, one JSON text a line each.

The first request says what to import and is answered with the names to audit; every other names one of them and is answered
with its row. What the package prints goes nowhere; what it does to the process, its parent survives.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from typing import IO, Any

__all__ = ["main"]


def main() -> None:
    """Serve until the requests end."""
    requests, answers = _private_pipes()
    first = json.loads(requests.readline())
    sys.path[:] = first["path"]
    import torch

    from ._audit_examine import examine
    from ._audit_match import match
    from ._audit_subjects import subjects

    torch.set_num_threads(1)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found, problems = subjects(first["package"], lambda name: match(name) is not None)
        except BaseException as error:
            _answer(answers, {"error": f"{type(error).__name__}: {error}"})
            return
    problems += [f"while importing: {one.message}" for one in said if first["package"] in str(one.filename)]
    _answer(answers, {"names": [one.name for one in found], "problems": problems[:20]})
    by_name = {one.name: one for one in found}
    warnings.simplefilter("ignore")
    for line in requests:
        asked = json.loads(line)
        try:
            answer: dict[str, Any] = {"row": examine(by_name[asked["name"]], trace=asked["trace"])}
        except Exception as error:  # what the class raises is in its row; this is ours
            answer = {"row": None, "failure": f"{asked['name']} was not audited: {type(error).__name__}: {error}"[:300]}
        _answer(answers, answer)


def _private_pipes() -> tuple[IO[str], IO[str]]:
    """Standard input and output under other numbers; what had their names is the null device from now on."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    return requests, answers


def _answer(answers: IO[str], content: dict[str, Any]) -> None:
    answers.write(json.dumps(content) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
