"""One foreign class or function, looked at from every side: a row of the audit."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from .._errors import NeurofnError
from ..functions import Function
from ..functions.layerwise import LayerFunction
from ._audit_doubt import POINTS, known_as, other_parameters
from ._audit_faults import (
    Comparison,
    Given,
    add_fault,
    disagreement,
    in_words,
    nan_gradients,
    not_finite,
    shown,
    slopes,
)
from ._audit_match import Match, Pairing, match, pairings
from ._audit_subjects import Subject, how_it_runs
from ._audit_traits import ALONE, TRACED, TRAITS

__all__ = ["examine"]

Row = dict[str, Any]
_NOTHING = "nothing in the catalogue to compare with"
_MOST = 60  # pairings of settings that are tried


def examine(subject: Subject, *, trace: bool) -> Row | None:
    """The row of a subject; None where it is no activation: it takes no single tensor, and the catalogue has no such name."""
    found = match(subject.name)
    row: Row = {
        "name": subject.name, "entry": found.part.name if found else None, "by": found.by if found else "",
        "settings": "", "compared": False, "faults": [], "notes": [], "nan_gradient": [], "doubt": None,
    }  # fmt: skip
    required = _required(subject, found)
    if required is None:
        row["notes"].append(f"not built: it needs {', '.join(subject.required)}")
        return row if found else None
    try:
        module = subject.build(required)
    except BaseException as error:
        if required or "required positional argument" in str(error):
            row["notes"].append(f"not built: {in_words(error)}")
            return row if found else None
        add_fault(row, "cannot be constructed", detail=in_words(error))
        return row
    try:
        given = Given(subject, required, how_it_runs(module))
    except BaseException as error:
        row["notes"].append(f"not run: no input of one tensor suits it; {in_words(error)}")
        return row if found else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            _compare(row, given, found)
        except Exception as error:
            add_fault(row, "does not run", detail=in_words(error))
    random = False
    for kind, trait in {**TRAITS, **(TRACED if trace else {})}.items():
        if random and kind not in ALONE:
            continue
        wrong = trait(module, given.run)
        if "vmap: we do not yet support aten::" in wrong:  # an operator of torch's own, which may call it
            row["notes"].append(f"torch's fault: {wrong}")
        elif wrong:
            add_fault(row, kind, detail=wrong)
            random |= kind == "not deterministic"
    return row


def _required(subject: Subject, found: Match | None) -> dict[str, float] | None:
    """Numbers for the settings without a default, from our parameters; None where we have none for them."""
    if not subject.required:
        return {}
    if found is None or not isinstance(found.part, Function):
        return None
    first = next(pairings(dict.fromkeys(subject.required, 1.0), found.part))
    given = {theirs: found.part.defaults[ours] for theirs, ours in first.names}
    return given if set(given) == set(subject.required) else None


def _compare(row: Row, given: Given, found: Match | None) -> None:
    if not given.run.elementwise:
        _layerwise(row, given, found)
        return
    judged = found is not None and isinstance(found.part, Function)
    random = _random(given)
    nan_gradients(row, given, judged=judged and not random)
    if random:
        row["notes"].append("its start is random: no values to compare")
    elif found is not None and isinstance(found.part, Function):
        _values(row, given, found.part, by=found.by)
    elif found is not None:
        _layerwise(row, given, found)
    else:
        names = known_as(given.values(POINTS))
        row["notes"].append(f"equals {' and '.join(names[:3])} of the catalogue" if names else _NOTHING)


def _random(given: Given) -> bool:
    x = given.run.example()
    first, second = (given.subject.build(given.required, seed=seed)(x.clone()) for seed in (0, 1))
    return first.shape != second.shape or not torch.allclose(first, second, equal_nan=True)


def _values(row: Row, given: Given, function: Function, *, by: str) -> None:
    """Values and gradients at the defaults and at moved settings; what differs is doubted on one side or the other."""
    row["compared"] = True
    pairing, ours = _best_pairing(given, function)
    row["settings"] = str(pairing)
    for settings in ({}, *_moved(given.numbers, pairing, function)):
        mine = pairing.ours({**given.numbers, **settings}, function) or {}
        try:
            case = Comparison.of(given, function, settings=settings, mine=mine)
        except Exception as error:
            if not settings:
                raise
            row["notes"].append(f"with {shown(settings)}: {in_words(error)}")
            continue
        if settings and case.right < 1:
            refitted = other_parameters(function, given.values(POINTS, settings), start={**function.defaults, **mine})
            if refitted is not None:  # its settings mean something else
                row["notes"].append(f"with {shown(settings)} it is {function.name} with {shown(refitted)}")
                continue
        wrong = disagreement(row, case, by=by)
        if wrong and row["doubt"] and case.right < 0.7:
            if not settings:
                nan_gradients(row, given, judged=False)
            return
        if wrong:
            break
        slopes(row, case)
    not_finite(row, given, function, mine=ours)


def _best_pairing(given: Given, function: Function) -> tuple[Pairing, dict[str, float]]:
    """The pairing with which most values agree, at the defaults and then at moved settings; the first of equals."""
    scored: list[tuple[float, Pairing, dict[str, float]]] = []
    for pairing in pairings(given.numbers, function):
        ours = pairing.ours(given.numbers, function)
        if ours is not None and len(scored) < _MOST:
            scored.append((Comparison.of(given, function, settings={}, mine=ours).right, pairing, ours))
    best = max(right for right, *_ in scored)
    level = [one for one in scored if one[0] > best - 1e-9]
    if best < 0.9:  # none fits: the most likely one
        level = [one for one in level if not any(one[1].how)] or scored
    elif len(level) > 1:
        moved = [_moved_right(given, function, pairing) for _, pairing, _ in level]
        if max(moved) > 0.9:
            level = [level[moved.index(max(moved))]]
    return level[0][1:]


def _moved_right(given: Given, function: Function, pairing: Pairing) -> float:
    """The share of values that agree at moved settings; to pair nothing is worth a half."""
    shares = [1.0 if pairing.names else 0.5]
    for settings in _moved(given.numbers, pairing, function):
        mine = pairing.ours({**given.numbers, **settings}, function) or {}
        try:
            shares.append(Comparison.of(given, function, settings=settings, mine=mine).right)
        except Exception:
            return 0.0
    return min(shares)


def _moved(numbers: Mapping[str, float], pairing: Pairing, function: Function) -> list[dict[str, float]]:
    """Their paired settings moved a little, each by another amount, so that ours stay in their domains; [] if none can."""
    for share in (1.0, -1.0, 0.03):
        settings = {name: numbers[name] + share * (0.3 + 0.05 * k) for k, (name, _) in enumerate(pairing.names)}
        ours = pairing.ours({**numbers, **settings}, function) if settings else None
        if ours is not None:
            return [settings]
    return []


def _layerwise(row: Row, given: Given, found: Match | None) -> None:
    """A layer function without weights, beside ours in evaluation mode on one input."""
    part = found.part if found else None
    if not isinstance(part, LayerFunction) or part.needs_channels or part.kind == "network":
        row["notes"].append("no function of one number; " + _NOTHING)
        return
    x = given.run.example()
    ours: nn.Module = part.module().eval()
    try:
        with torch.no_grad():
            mine, theirs = ours(x), given.module()(x.clone())
    except (NeurofnError, RuntimeError) as error:
        row["notes"].append(f"not compared: {in_words(error)}")
        return
    row["compared"] = True
    if mine.shape != theirs.shape or not torch.allclose(mine, theirs, rtol=1e-3, atol=1e-4):
        row["notes"].append(f"differs from ours on shape {tuple(x.shape)}: another axis, another setting, or a fault")
