"""Inputs in raw units: ranges from data and from the first batches, what lies outside, and the state."""

from __future__ import annotations

import copy
import warnings

import pytest
import torch
from torch import Tensor, nn

from neurofn._errors import DataError, SettingError, ShapeError, SiteError
from neurofn.neurons import neuron
from neurofn.neurons.layer import NeuronLayer
from neurofn.neurons.ranges import RangeWarning, fit_ranges

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")

IGNORED = pytest.mark.filterwarnings("ignore:.*lie outside:neurofn.neurons.ranges.RangeWarning")
TEXTS = ["sum(silu + bspline)", "silu(sum(linear)) * max(bspline)", "sum(chebyshev)"]


def made(text: str, size: tuple[int, int] = (3, 2)) -> NeuronLayer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return neuron(text).dense(*size).double()


def rows(count: int = 200, columns: int = 3) -> Tensor:
    return torch.rand(count, columns, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("text", TEXTS)
def test_units_do_not_matter(text: str) -> None:
    x, scale, shift = rows(), torch.tensor([4.0, 1e6, 1e-6]).double(), torch.tensor([0.0, -3e6, 1.0]).double()
    plain, raw = made(text), made(text)
    plain.fit_range(x)
    raw.fit_range(x * scale + shift)
    torch.testing.assert_close(raw(x * scale + shift), plain(x), rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(raw.definition(x * scale + shift), raw(x * scale + shift))
    assert plain.outside() == raw.outside() == 0.0


def test_an_interval_is_filled_and_others_get_unit_variance() -> None:
    layer = made("sum(silu + bspline(low=-1, high=3))", (1, 1))
    layer.fit_range(torch.tensor([[10.0], [20.0]]))
    ((_, gather),) = layer.gathers
    for x, free, bound in [(10.0, -(3**0.5), -1.0), (15.0, 0.0, 1.0), (20.0, 3**0.5, 3.0), (30.0, 3 * 3**0.5, 7.0)]:
        seen = [float(each) for each in gather.placed(torch.tensor([[x]], dtype=torch.float64))]
        assert seen == pytest.approx([free, bound], abs=1e-12)


def test_margin_and_quantile() -> None:
    layer, x = made("sum(bspline)", (1, 1)), torch.arange(101.0).unsqueeze(-1)
    for given, expected in [({}, (0, 100)), ({"margin": 0.1}, (-10, 110)), ({"quantile": 0.05}, (5, 95))]:
        layer.fit_range(x, **given)
        assert tuple(float(end) for end in layer.range) == expected


def test_bad_data_is_refused() -> None:
    layer = made("sum(bspline)")
    for bad in (torch.nan, torch.inf):
        x = rows()
        x[3, 1] = bad
        with pytest.raises(DataError, match=r"inputs \[1\] hold NaN or infinity"):
            layer.fit_range(x)
    with pytest.raises(DataError, match="at least one row"):
        layer.fit_range(rows(0))
    with pytest.raises(ShapeError, match="built for 3 inputs"):
        layer.fit_range(rows(5, 2))
    for wrong in ({"margin": -1.0}, {"quantile": 0.5}, {"quantile": -0.1}):
        with pytest.raises(SettingError, match="margin must be"):
            layer.fit_range(rows(), **wrong)
    with pytest.raises(SettingError, match="whole number of at least 1"):
        layer.learn_range(batches=0)
    assert layer.range is None


@IGNORED
def test_a_constant_column_is_finite() -> None:
    layer, x = made("sum(silu + bspline)"), rows()
    x[:, 1] = 1e8
    layer.fit_range(x)
    assert layer(x).isfinite().all()
    assert layer(x + 1).isfinite().all()


@IGNORED
def test_batches_widen_the_range_and_then_no_more() -> None:
    layer, x = made("sum(silu + bspline)"), rows(40) * 100
    layer.learn_range(batches=3)
    assert layer.eval()(x).isfinite().all()  # nothing is learned in evaluation, and nothing breaks
    layer.train()
    for part in x[:30].split(10):
        layer(part)
    low, high = layer.range
    assert torch.equal(low, x[:30].amin(0))
    assert torch.equal(high, x[:30].amax(0))
    layer(1000 * x)
    assert torch.equal(layer.range[1], high)
    fitted = made("sum(silu + bspline)")
    fitted.fit_range(x[:30])
    assert torch.equal(fitted(x), layer(x))


def test_nan_does_not_enter_a_range() -> None:
    layer, x = made("sum(bspline)"), rows(20)
    layer.learn_range(batches=1)
    bad = x.clone()
    bad[0] = torch.nan
    bad[1] = torch.inf
    layer(bad)
    assert torch.equal(layer.range[1], x[2:].amax(0))


@IGNORED
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("before", ["new", "fitted", "learning"])
def test_the_state_is_all_there_is(text: str, before: str) -> None:
    """Whatever the other layer was before, after loading the state it is the same layer; halfway through learning, too."""
    layer, other, x = made(text), made(text), rows() * 50
    layer.learn_range(batches=2)
    layer(x[:50])
    if before == "fitted":
        other.fit_range(x)
    elif before == "learning":
        other.learn_range(9)
    other.load_state_dict(layer.state_dict())
    for twin in (other, copy.deepcopy(layer)):
        reference = copy.deepcopy(layer)
        for part in (x[50:], 2 * x, 3 * x):
            assert torch.equal(twin(part), reference(part))
        assert torch.equal(twin.range[1], reference.range[1])
    bare = made(text)
    other.load_state_dict(bare.state_dict())
    assert other.range is None
    assert torch.equal(other(x / 50), bare(x / 50))


def test_what_is_outside_is_counted_and_warned_of_once() -> None:
    layer, x = made("sum(bspline)", (1, 1)), torch.linspace(-10, 10, 1000, dtype=torch.float64).unsqueeze(-1)
    with pytest.warns(RangeWarning, match="70% of 1000 inputs lie outside the interval"):
        layer(x)
    layer(x)  # not again
    assert layer.outside() == pytest.approx(0.7)
    assert layer.outside() == 0.0
    layer.fit_range(x)
    layer(x)
    assert layer.outside() == 0.0
    layer(torch.tensor([[torch.nan], [torch.inf], [0.0], [-11.0]]).double())
    assert layer.outside() == 0.75
    with pytest.warns(RangeWarning, match="the range it was fitted to, where edges are declared constant"):
        layer(x + 10)


def test_few_inputs_and_inputs_inside_give_no_warning() -> None:
    layer = made("sum(bspline)", (1, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(torch.full((99, 1), 5.0).double())
        layer(torch.full((10_000, 1), 2.0).double())


def test_a_layer_without_an_interval_counts_nothing() -> None:
    layer = made("sum(linear)")
    layer(rows() * 1e6)
    assert layer.outside() == 0.0


def test_ranges_of_a_model_are_fitted_in_the_order_in_which_it_runs() -> None:
    model = nn.Sequential(made("sum(silu + bspline)", (3, 4)), nn.Dropout(0.5), made("sum(bspline)", (4, 2)))
    x = rows() * 1000
    assert fit_ranges(model, x) == ("0", "2")
    assert model.training
    assert not model[0]._forward_pre_hooks
    model.eval()(x)
    assert model[0].outside() == model[2].outside() == 0.0
    low, _ = model[2].range
    assert torch.equal(low, model[0](x).detach().amin(0))
    with pytest.raises(SiteError, match="ran no layer of neurons"):
        fit_ranges(nn.Linear(3, 2).double(), x)
    assert fit_ranges(made("sum(bspline)"), x) == ("",)


def error_of_a_network(scale: float, shift: float, *, told: bool) -> float:
    """The test error of a small network after some steps on f(x, y) = exp(sin(pi*x) + y**2), in units of the given scale."""

    def f(at: Tensor) -> Tensor:
        return torch.exp(torch.sin(torch.pi * at[:, :1]) + at[:, 1:] ** 2)

    model = nn.Sequential(made("sum(silu + bspline)", (2, 5)), made("sum(silu + bspline)", (5, 1)))
    x, z = rows(300, 2), rows(1300, 2)[300:]
    targets = f(x)
    if told:
        fit_ranges(model, x * scale + shift)
    optimiser = torch.optim.LBFGS(model.parameters(), max_iter=40, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = (model(x * scale + shift) - targets).square().mean()
        loss.backward()
        return loss

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RangeWarning)
        optimiser.step(closure)
        with torch.no_grad():
            return float((model(z * scale + shift) - f(z)).square().mean().sqrt())


def test_raw_units_cost_nothing_in_accuracy() -> None:
    """[-4, 4] after a range was fitted is [-1, 1]; with nobody fitting it, it is not."""
    unit = error_of_a_network(1.0, 0.0, told=True)
    assert error_of_a_network(4.0, 0.0, told=True) == pytest.approx(unit, rel=1e-6)
    assert error_of_a_network(1000.0, 37.0, told=True) <= 1.1 * unit
    assert error_of_a_network(4.0, 0.0, told=False) > 1.1 * unit
