"""What could not be settled is said, with its reason, and is not declared all the same."""

from __future__ import annotations

import re

from neurofn.functions import catalogue
from neurofn.functions._unsettled import UNSETTLED


def test_what_is_unsettled_has_a_reason() -> None:
    assert all(len(reason.split()) >= 6 for reason in UNSETTLED.values())


def test_what_is_unsettled_is_not_declared() -> None:
    whole = {re.sub(r"\W+", "_", name.split("(")[0].lower()).strip("_") for name in UNSETTLED}
    short = {name.lower() for key in UNSETTLED for name in re.findall(r"\((\w+)\)", key)}
    assert [name for name in whole | short if name in catalogue] == []
