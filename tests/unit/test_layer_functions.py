"""Declaring, building and using layer functions, beyond what the suite asks of every one of them."""

from __future__ import annotations

import copy
import io
from typing import Any

import numpy as np
import pytest
import torch

from neurofn._errors import DefinitionError, SettingError, ShapeError, UnknownNameError
from neurofn._registry import NEURON_NAMES
from neurofn.aggregates import catalogue as aggregates
from neurofn.edges import catalogue as edges
from neurofn.functions import Count, declare
from neurofn.functions import catalogue as elementwise
from neurofn.functions.layerwise import KINDS, Axis, Slot, catalogue, fixed, layer_function, learned, sampled
from neurofn.functions.layerwise._unsettled import UNSETTLED
from neurofn.testing import check


def test_names_are_one_namespace_with_functions_edges_and_aggregates() -> None:
    sizes = [len(part) for part in (elementwise, edges, aggregates, catalogue)]
    owners = {NEURON_NAMES[name] for part in (elementwise, edges, aggregates, catalogue) for name in part}
    assert min(sizes) > 0
    assert owners == {"function", "edge", "aggregate", "layer function"}
    with pytest.raises(DefinitionError, match="already names a part of kind layer function"):
        declare("softmax", "z", source="an2001")


def test_every_kind_is_there() -> None:
    assert {function.kind for function in catalogue.values()} == set(KINDS)
    assert len(catalogue) >= 70


def test_what_is_unsettled_has_a_reason_and_is_not_declared() -> None:
    assert all(len(reason.split()) >= 6 for reason in UNSETTLED.values())
    words = {name.split(" ")[0].lower().replace("-", "_") for name in UNSETTLED}
    assert [word for word in words if word in catalogue] == []


def test_an_unknown_name_is_told_its_neighbours() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'softmax'"):
        catalogue["sofmax"]


def double(x: Any, *, a: Any) -> Any:
    return a * x


GOOD: dict[str, Any] = {"kind": "vector", "formula": "a*z", "source": "an2001", "a": fixed(2.0)}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"kind": "vektor"}, "did you mean 'vector'"),
        ({"b": fixed(1.0)}, "the code asks for"),
        ({"draw": sampled("normal")}, "the code asks for"),
        ({"law": double}, "sampled slots and their statistics or law come together"),
        ({"statistics": (double, double)}, "running slots and their statistics"),
        ({"kind": "surrogate"}, "declares a slope"),
        ({"slope": double}, "declares a slope"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        layer_function(double, **{**GOOD, **changed})(double)
    assert "double" not in catalogue


def test_a_count_may_shape_a_slot_and_no_more() -> None:
    def scaled_by_first(x: Any, *, a: Any) -> Any:
        return a[0] * x

    given = {**GOOD, "a": learned(2.0, shape=("copies",)), "copies": Count(3)}
    layer_function(scaled_by_first, **given)(scaled_by_first)
    try:
        module = catalogue["scaled_by_first"].module(copies=5)
        assert module.a.shape == (5,)
        assert torch.equal(module(torch.ones(2)), torch.full((2,), 2.0))
    finally:
        catalogue.remove("scaled_by_first")


@pytest.mark.parametrize("slot", [{"role": "guessed"}, {"role": "sampled"}, {"role": "fixed", "law": "normal"}])
def test_a_slot_of_no_kind_is_refused(slot: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError, match="a slot is one of"):
        Slot(**slot)


def test_granularity_is_told() -> None:
    shapes = ((), ("channels",), ("input",), ("channels", 3))
    assert [Slot("learned", shape=shape).granularity for shape in shapes] == ["tensor", "channel", "element", "array"]


def test_the_contract_of_shapes_in_words() -> None:
    axis = Axis(multiple="groups", least=4, grow=2, shrink="groups")
    assert axis.text == (
        "vector; the width is a multiple of groups; the width is at least 4; output width = 2 * width / groups"
    )
    assert axis.output(12, {"groups": 3}) == 8
    assert [axis.takes(width, {"groups": 3}) for width in (3, 4, 6)] == [False, False, True]


def test_a_value_per_channel_is_one_value_where_the_width_is_not_known() -> None:
    assert catalogue["rsign_ste"].module().a.shape == ()
    assert catalogue["rsign_ste"].module(channels=5).a.shape == (5,)
    with pytest.raises(SettingError, match="needs the width"):
        catalogue["gdn"].module()


def test_a_module_says_what_it_is() -> None:
    assert repr(catalogue["kwta"].module(k=2)) == "LayerModule(kwta, k=2)"


def test_scheduled_numbers_are_set_checked_and_saved() -> None:
    module, x = catalogue["all_relu"].module(), torch.tensor([-1.0, 2.0])
    assert module(x).tolist() == pytest.approx([-0.1, 2.0])
    module.set(layer=2)
    assert module(x).tolist() == pytest.approx([0.1, 2.0])
    with pytest.raises(SettingError, match="no scheduled number 'a'"):
        module.set(a=1.0)
    with pytest.raises(SettingError, match="layer must lie in"):
        module.set(layer=-1)
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    fresh = catalogue["all_relu"].module()
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(fresh(x), module(x))


def test_running_statistics_serve_evaluation() -> None:
    module = catalogue["dice"].module(channels=2)
    x = torch.tensor([[0.0, 10.0], [2.0, 30.0]])
    for _ in range(200):
        module(x)
    assert torch.allclose(module.mean, torch.tensor([1.0, 20.0]), atol=1e-3)
    module.eval()
    alone = module(x[:1])
    assert torch.equal(alone, module(x)[:1])


def test_training_draws_and_evaluation_does_not() -> None:
    module, x = catalogue["rrelu"].module(), torch.full((4, 3), -1.0)
    source = torch.Generator().manual_seed(0)
    first, second = module(x, generator=source), module(x, generator=source)
    assert not torch.equal(first, second)
    assert bool(((first >= -1 / 3) & (first <= -1 / 8)).all())
    module.eval()
    assert torch.equal(module(x, generator=source), torch.full_like(x, -1 / 5.5))


def test_copies_share_the_function_and_nothing_else() -> None:
    module = catalogue["swiglu"].module()
    other = copy.deepcopy(module)
    assert other.function is module.function
    assert other.b is not module.b


def test_torch_agrees_where_it_has_the_same() -> None:
    x = torch.linspace(-4, 4, 24, dtype=torch.float64).reshape(2, 12)
    pairs = {
        "softmax": torch.nn.Softmax(-1), "log_softmax": torch.nn.LogSoftmax(-1), "softmin": torch.nn.Softmin(-1),
        "glu": torch.nn.GLU(),
    }  # fmt: skip
    for name, theirs in pairs.items():
        assert torch.allclose(catalogue[name].module().eval()(x), theirs(x)), name


def test_sparsemax_of_two_is_a_clipped_line() -> None:
    t = torch.linspace(-2, 2, 41, dtype=torch.float64)
    found = catalogue["sparsemax"].module()(torch.stack([t, torch.zeros_like(t)], -1))[:, 0]
    assert torch.allclose(found, ((t + 1) / 2).clamp(0, 1))


def test_moments_of_gelu_agree_with_draws() -> None:
    rng = np.random.default_rng(0)
    for mean, variance in ((0.3, 2.0), (-1.0, 0.5), (4.0, 9.0)):
        z = torch.as_tensor(mean + variance**0.5 * rng.standard_normal(400_000))
        y = torch.nn.functional.gelu(z)
        got = catalogue["mp_gelu"].module()(torch.tensor([mean, variance], dtype=torch.float64))
        assert got.tolist() == pytest.approx([float(y.mean()), float(y.var())], rel=0.02, abs=0.005)


def test_hysteresis_lets_a_gradient_through_below_zero() -> None:
    x = torch.tensor([-0.1, -0.04, 0.2], requires_grad=True)
    y = catalogue["helu"].module()(x)
    y.sum().backward()
    assert y.tolist() == pytest.approx([0, 0, 0.2])
    assert x.grad is not None
    assert x.grad.tolist() == [0, 1, 1]


def test_a_wrong_width_says_what_is_taken() -> None:
    with pytest.raises(ShapeError, match=r"glu takes vector; the width is a multiple of 2; .*got 5 features"):
        catalogue["glu"].module()(torch.ones(3, 5))


@pytest.mark.slow
def test_a_part_of_the_catalogue_passes_the_public_check() -> None:
    failed = [
        result
        for result in check(catalogue["oplu"])
        if not result.passed and result.name not in ("compiles", "exports")
    ]
    assert failed == []


def test_owens_function_has_sixteen_digits() -> None:
    from scipy.special import owens_t

    from neurofn.functions.layerwise.moments import _owen

    h, a = torch.meshgrid(
        torch.linspace(-9, 9, 181, dtype=torch.float64), torch.linspace(1e-3, 1, 50, dtype=torch.float64), indexing="ij"
    )
    assert np.allclose(_owen(h, a).numpy(), owens_t(h.numpy(), a.numpy()), rtol=0, atol=1e-15)


def test_slots_tell_what_parameters_of_functions_tell() -> None:
    slot = catalogue["probact"].parameters["s"]
    assert (slot.learned, slot.per, slot.default) == (True, "channel", 0.1)
