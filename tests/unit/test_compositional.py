"""The statistics of the study compositional on made-up explanations and networks; its claims on made-up numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from neurofn.studies import Cells
from neurofn.studies._compositional import Setup, accuracy_when_firing, flips, network
from neurofn.studies._compositional_claims import claims
from neurofn.studies._compositional_formulas import (
    asked_objects,
    concepts_in,
    meaning,
    named_causes,
    objects_at_random,
    shared_concepts,
    shares,
)
from neurofn.tasks._drawing import COLOURS, SHAPES
from neurofn.tasks.scenes import CAUSES, draw_scenes

CLAIMS = {claim.text: claim for claim in claims({"length": 3})}


# --- Formulas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("red AND ring", "ring AND red", True),
        ("red OR ring", "ring OR red", True),
        ("(red OR green) AND ring", "(green OR red) AND ring", True),
        ("red AND green", "ring AND circle", True),  # both never
        ("(red AND NOT small) AND NOT large", "red AND green", True),  # an object has a size
        ("red", "red AND large", False),
        ("top AND NOT left", "top", False),
    ],
)
def test_meanings_are_those_of_possible_scenes(one: str, other: str, equal: bool) -> None:
    assert (meaning(one) == meaning(other)) is equal


def test_shares_count_units_per_explanation() -> None:
    assert shares(["a", "b", "c"]) == (1.0, 1.0)
    assert shares(["a", "a", "a", "b"]) == (2.0, 0.5)
    assert np.isnan(shares([])).all()


def test_units_that_know_the_causes_ask_for_them() -> None:
    formulas = [f"({causes[0][0]} AND {causes[0][1]}) AND NOT top" for causes in CAUSES]
    weights = np.eye(8) + 0.01
    asked = asked_objects(formulas, [0.5] * 8, weights, units=1)
    assert asked == [causes[0] for causes in CAUSES]
    assert named_causes(asked) == 1.0
    assert named_causes([asked[(k + 1) % 8] for k in range(8)]) == 0.0


def test_units_without_weight_or_formula_ask_for_nothing_that_fails() -> None:
    asked = asked_objects(["", "red"], [0.0, float("nan")], -np.ones((8, 2)))
    assert len(asked) == 8


def test_random_objects_are_of_all_kinds() -> None:
    objects = objects_at_random(200, seed=0)
    assert objects.shape == (8, 200, 2)
    assert set(objects[..., 0].ravel()) == set(COLOURS)
    assert set(objects[..., 1].ravel()) == set(SHAPES)
    np.testing.assert_array_equal(objects, objects_at_random(200, seed=0))


def test_what_is_denied_is_not_asked_for() -> None:
    assert concepts_in("(red OR ring) AND NOT top") == {"red", "ring"}
    assert concepts_in("") == frozenset()


def test_contributors_are_the_pairs_with_the_largest_weights() -> None:
    after = [frozenset({"red"}), frozenset({"ring"})]
    before = [frozenset({"red"}), frozenset({"ring"}), frozenset({"top"})]
    weights = np.array([[5.0, -5.0, 0.0], [-4.0, 4.0, 0.0]])
    assert shared_concepts(after, before, weights, share=1 / 3) == (1.0, 1 / 3, 0.0)
    assert shared_concepts([frozenset()], before, weights[:1]) == (0.0, 0.0, 0.0)


# --- Networks ---------------------------------------------------------------------------------------------------------


def test_accuracy_is_over_the_images_in_which_a_unit_fires() -> None:
    maps = np.zeros((4, 3, 2, 2))
    maps[0, 0, 0, 0] = maps[1, 0, 1, 1] = 1.0  # unit 0 fires in images 0 and 1
    maps[3, 1, 0, 0] = 2.0
    found = accuracy_when_firing(maps, np.array([True, False, True, False]), share=0.2)
    np.testing.assert_array_equal(found, [0.5, 0.0, np.nan])


class Redness(nn.Module):
    """Says class 1 where anything is red, else class 0."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        red = (x[:, 0] - x[:, 1:].amax(dim=1)).amax(dim=(1, 2)) > 1
        return torch.stack([~red, red, *[torch.zeros_like(red)] * 6], dim=1).float()


def test_flips_are_predictions_that_the_paste_changed() -> None:
    scenes = draw_scenes(60, seed=2)
    red = np.broadcast_to(np.array(["red", "circle"]), (8, 60, 2))
    green = np.broadcast_to(np.array(["green", "circle"]), (8, 60, 2))
    found = flips(Redness(), scenes, pairs=red, seed=0)
    assert 0 < found < 1 / 7
    assert flips(Redness(), scenes, pairs=green, seed=0) == 0.0


def test_networks_of_a_seed_begin_alike_and_training_changes_them() -> None:
    setup = Setup(scenes=64, probes=8, tests=8, steps=3, width=8, learning_rate=0.01)
    first = {kind: network(setup, kind, 0)[0].weight.detach().clone() for kind in ("untrained", "trained", "shuffled")}  # type: ignore[index]
    assert not torch.equal(first["untrained"], first["trained"])
    assert not torch.equal(first["shuffled"], first["trained"])
    network.cache_clear()
    assert torch.equal(first["trained"], network(setup, "trained", 0)[0].weight)  # type: ignore[index]
    assert not torch.equal(first["untrained"], network(setup, "untrained", 1)[0].weight)  # type: ignore[index]


# --- Claims -----------------------------------------------------------------------------------------------------------

GOOD = {
    "held-out IoU 1": 0.1, "held-out IoU 3": 0.3, "unique by mask 1": 0.3, "unique by mask 3": 0.8, "flips explained": 0.2,
    "flips dealt out": 0.02, "flips random": 0.02, "causes named": 0.9, "r with accuracy": 0.4,
    "concepts shared with contributors": 0.3, "concepts shared with any": 0.1,
}  # fmt: skip
NOTHING = {
    **GOOD, "held-out IoU 3": 0.1, "unique by mask 3": 0.3, "flips explained": 0.02, "causes named": 3 / 36,
    "r with accuracy": 0.0, "concepts shared with contributors": 0.1,
}  # fmt: skip


def cells(trained: dict[str, float], other: dict[str, float]) -> Cells:
    rows = []
    for seed in range(10):
        jitter = 0.01 * ((seed * 7) % 10 - 4.5)
        for kind in ("trained", "untrained", "shuffled"):
            values = trained if kind == "trained" else other
            made = {name: value + jitter * (k % 3 - 1) for k, (name, value) in enumerate(values.items())}
            rows.append({"network": kind, "seed": seed, **made})
    return Cells.of(rows)


@pytest.mark.parametrize("text", CLAIMS)
def test_a_claim_holds_where_only_the_trained_network_shows_it(text: str) -> None:
    assert CLAIMS[text].judge(cells(GOOD, NOTHING)).verdict == "holds"


@pytest.mark.parametrize("text", [text for text in CLAIMS if "chosen for" not in text and "describable" not in text])
def test_a_claim_is_uncontrolled_where_its_control_shows_it_too(text: str) -> None:
    assert CLAIMS[text].judge(cells(GOOD, GOOD)).verdict == "uncontrolled"


def test_pasting_is_uncontrolled_where_any_explanation_will_do() -> None:
    text = next(text for text in CLAIMS if "chosen for" in text)
    same = {**GOOD, "flips dealt out": 0.2}
    assert CLAIMS[text].judge(cells(same, NOTHING)).verdict == "uncontrolled"


@pytest.mark.parametrize("text", CLAIMS)
def test_a_claim_is_never_said_to_hold_where_there_is_nothing(text: str) -> None:
    assert CLAIMS[text].judge(cells(NOTHING, NOTHING)).verdict in ("undecided", "fails")


@pytest.mark.parametrize("text", CLAIMS)
def test_no_seed_decides_nothing(text: str) -> None:
    assert CLAIMS[text].judge(Cells.of([])).verdict == "undecided"
