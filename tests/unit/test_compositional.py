"""The statistics of the study compositional on made-up explanations and networks; its claims on made-up numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from neurofn.explaining import Explanation
from neurofn.studies import Cells
from neurofn.studies._compositional import Setup, accuracy_when_firing, activation_maps, flips, network, probes
from neurofn.studies._compositional_claims import claims
from neurofn.studies._compositional_contributions import matrices, pooled, shared_concepts, together
from neurofn.studies._compositional_explained import Layer, explained, explained_by_length
from neurofn.studies._compositional_formulas import (
    asked_objects,
    concepts_in,
    meaning,
    named_causes,
    objects_at_random,
    shares,
)
from neurofn.tasks._drawing import COLOURS, SHAPES
from neurofn.tasks.scenes import CAUSES, draw_scenes

CLAIMS = {claim.text: claim for claim in claims({"length": 3, "longest": 10})}
SETUP = Setup(scenes=64, probes=60, tests=8, steps=3, width=8, learning_rate=0.01)
LAYER = Layer(SETUP, "untrained", 0, 0.05)


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


# --- Contributions ----------------------------------------------------------------------------------------------------


def test_contributors_are_the_highest_pairs_of_all_and_inhibitors_the_lowest() -> None:
    after = [frozenset({"red"}), frozenset({"ring"})]
    before = [frozenset({"red"}), frozenset({"ring"}), frozenset({"top"})]
    weights = np.array([[5.0, -5.0, 0.0], [-4.0, 4.0, 0.0]])
    found = shared_concepts(after, before, weights, share=0.25)
    assert found == {"contributors": 1.0, "any": 1 / 3, "inhibitors": 0.0}
    weights[0, 0] = 3.0  # of all pairs one in six is above 3.5, whichever unit it belongs to
    weights[1, 2] = 9.0
    assert shared_concepts(after, before, weights, share=0.01)["contributors"] == 0.0
    assert np.isnan(list(shared_concepts([frozenset()], before, weights[:1]).values())).all()


def test_units_that_fire_together_are_seen_in_both_matrices() -> None:
    generator = np.random.default_rng(0)
    after = generator.random((20, 3, 2, 2))
    before = generator.random((20, 4, 2, 2))
    before[:, 2], before[:, 3] = 2 * after[:, 0], 7.0
    found = together(after, before, share=0.25)
    flat = [maps.swapaxes(0, 1).reshape(maps.shape[1], -1) for maps in (after, before)]
    np.testing.assert_allclose(found["correlation"][:, :3], np.corrcoef(flat[0], flat[1][:3])[:3, 3:], atol=1e-12)
    fires = [values > np.quantile(values, 0.75, axis=1)[:, None] for values in flat]
    for a in range(3):
        for b in range(4):
            either = (fires[0][a] | fires[1][b]).sum()
            assert found["firing"][a, b] == (fires[0][a] & fires[1][b]).sum() / either
    assert found["correlation"][0, 2] == pytest.approx(1.0)
    assert found["firing"][0, 2] == 1.0
    assert (found["correlation"][:, 3] == 0).all()


def test_maps_are_averaged_down_to_the_places_of_the_next_layer() -> None:
    maps = np.arange(16.0).reshape(1, 1, 4, 4)
    np.testing.assert_array_equal(pooled(maps, (2, 2))[0, 0], [[2.5, 4.5], [10.5, 12.5]])


def test_the_three_matrices_have_a_row_for_each_unit_and_know_the_weights() -> None:
    net = network(SETUP, "untrained", 0)
    found = matrices(net, draw_scenes(8, seed=0), share=0.05)
    assert {matrix.shape for matrix in found.values()} == {(8, 4)}
    np.testing.assert_allclose(found["weight"], net[6].weight.detach().mean(dim=(2, 3)), rtol=1e-6)  # type: ignore[index]


# --- Explanations -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_length() -> list[tuple[Explanation, ...]]:
    return explained_by_length(LAYER, proved=2, longest=4)


def test_longer_formulas_are_never_worse_where_they_were_sought(by_length: list[tuple[Explanation, ...]]) -> None:
    assert len(by_length) == 4
    assert by_length[1] == explained(LAYER, length=2)
    scores = np.array([[one.score or 0.0 for one in found] for found in by_length])
    assert (np.diff(scores, axis=0) >= 0).all()
    assert (scores[3] > scores[1]).any()


def test_activations_that_are_dealt_out_have_nothing_to_explain(by_length: list[tuple[Explanation, ...]]) -> None:
    dealt = explained(replace(LAYER, dealt_out=True), length=2)
    own, other = (np.mean([one.score or 0.0 for one in found]) for found in (by_length[1], dealt))
    assert 0 < other < own
    maps = activation_maps(network(SETUP, "untrained", 0), probes(SETUP).images)
    assert maps.shape == (60, 8, 9, 9)


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
    first = {kind: network(SETUP, kind, 0)[0].weight.detach().clone() for kind in ("untrained", "trained", "shuffled")}  # type: ignore[index]
    assert not torch.equal(first["untrained"], first["trained"])
    assert not torch.equal(first["shuffled"], first["trained"])
    network.cache_clear()
    assert torch.equal(first["trained"], network(SETUP, "trained", 0)[0].weight)  # type: ignore[index]
    assert not torch.equal(first["untrained"], network(SETUP, "untrained", 1)[0].weight)  # type: ignore[index]


# --- Claims -----------------------------------------------------------------------------------------------------------

GOOD = {
    "held-out IoU 1": 0.1, "held-out IoU 3": 0.1, "held-out IoU 10": 0.3, "unique by mask 1": 0.3, "unique by mask 10": 0.8,
    "flips explained": 0.2, "flips dealt out": 0.02, "flips random": 0.02, "causes named": 0.9, "r with accuracy": 0.4,
    "shared with contributors by weight": 0.3, "shared with contributors by correlation": 0.3,
    "shared with contributors by firing": 0.3, "shared with any": 0.1,
}  # fmt: skip
NOTHING = {
    **GOOD, "held-out IoU 10": 0.1, "unique by mask 10": 0.3, "flips explained": 0.02, "causes named": 3 / 36,
    "r with accuracy": 0.0, "shared with contributors by weight": 0.1, "shared with contributors by correlation": 0.1,
    "shared with contributors by firing": 0.1,
}  # fmt: skip
OTHERS = [text for text in CLAIMS if "chosen for" not in text and "learning" not in text]


def between(share: float) -> dict[str, float]:
    """Numbers of which this share is the effect and the rest is nothing."""
    return {name: share * GOOD[name] + (1 - share) * NOTHING[name] for name in GOOD}


def cells(trained: dict[str, float], other: dict[str, float]) -> Cells:
    rows = []
    for seed in range(10):
        jitter = 0.01 * ((seed * 7) % 10 - 4.5)
        for kind in ("trained", "untrained", "shuffled"):
            values = trained if kind == "trained" else other
            made = {name: value + jitter * (k % 3 - 1) for k, (name, value) in enumerate(values.items())}
            if kind == "trained":
                made |= {f"dealt out {name}": other[name] for name in other}
            rows.append({"network": kind, "seed": seed, **made})
    return Cells.of(rows)


@pytest.mark.parametrize("text", CLAIMS)
def test_a_claim_holds_where_only_the_trained_network_shows_it(text: str) -> None:
    assert CLAIMS[text].judge(cells(GOOD, NOTHING)).verdict == "holds"


@pytest.mark.parametrize("text", OTHERS)
def test_a_claim_is_uncontrolled_where_its_control_shows_as_much(text: str) -> None:
    assert CLAIMS[text].judge(cells(GOOD, GOOD)).verdict == "uncontrolled"
    assert CLAIMS[text].judge(cells(between(0.9), GOOD)).verdict == "uncontrolled"


@pytest.mark.parametrize("text", OTHERS)
def test_a_claim_holds_beside_a_control_that_shows_much_less(text: str) -> None:
    judged = CLAIMS[text].judge(cells(GOOD, between(0.4)))
    assert judged.verdict == "holds"
    assert "the effect is smaller by" in str(judged.control)


@pytest.mark.parametrize("word", ["better than single", "one unit alone"])
def test_chance_that_formulas_are_fitted_to_is_a_control_of_its_own(word: str) -> None:
    text = next(text for text in CLAIMS if word in text)
    rows = cells(GOOD, NOTHING)
    fitted = [{**row, **{f"dealt out {name}": value for name, value in GOOD.items()}} for row in rows.table]
    assert CLAIMS[text].judge(Cells.of(fitted)).verdict == "uncontrolled"


def test_pasting_is_uncontrolled_where_any_explanation_will_do() -> None:
    text = next(text for text in CLAIMS if "chosen for" in text)
    same = {**GOOD, "flips dealt out": 0.2}
    assert CLAIMS[text].judge(cells(same, NOTHING)).verdict == "uncontrolled"


def test_learning_is_uncontrolled_where_any_labels_will_do() -> None:
    text = next(text for text in CLAIMS if "learning" in text)
    rows = [
        {"network": kind, "seed": seed, "held-out IoU 10": 0.1 + 0.001 * seed + 0.2 * (kind != "untrained")}
        for seed in range(10) for kind in ("trained", "untrained", "shuffled")
    ]  # fmt: skip
    assert CLAIMS[text].judge(Cells.of(rows)).verdict == "uncontrolled"


@pytest.mark.parametrize("text", CLAIMS)
def test_a_claim_is_never_said_to_hold_where_there_is_nothing(text: str) -> None:
    assert CLAIMS[text].judge(cells(NOTHING, NOTHING)).verdict in ("undecided", "fails")


@pytest.mark.parametrize("text", [text for text in CLAIMS if "chosen for" not in text])
def test_without_its_control_a_claim_is_undecided(text: str) -> None:
    rows = [{**row} for row in cells(GOOD, NOTHING).table if row["network"] == "trained"]
    if "learning" in text:  # its effect is over the untrained network
        rows += [{**row} for row in cells(GOOD, NOTHING).table if row["network"] == "untrained"]
    judged = CLAIMS[text].judge(Cells.of(rows))
    assert judged.verdict == "undecided"
    assert "nothing to control it with" in judged.sentence


@pytest.mark.parametrize("text", CLAIMS)
def test_no_seed_decides_nothing(text: str) -> None:
    assert CLAIMS[text].judge(Cells.of([])).verdict == "undecided"
