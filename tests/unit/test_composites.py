"""What each composite neuron promises beyond the suite: its rule of training, its domain, its special cases."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
import torch

from neurofn._errors import LanguageError, SettingError, ShapeError, UnknownNameError
from neurofn.cli import main
from neurofn.functions.layerwise import catalogue as layer_functions
from neurofn.neurons import neuron
from neurofn.neurons.composites import catalogue, composite
from neurofn.testing import check


@pytest.fixture(autouse=True)
def _own_random_numbers() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def test_the_quadratic_neuron_starts_as_a_linear_one_and_its_squares_move_slowly() -> None:
    layer, x = composite("quadratic").dense(4, 3), torch.randn(64, 4)
    assert torch.allclose(layer(x), x @ layer.w_r)
    groups = layer.parameter_groups(0.1)
    assert [group["lr"] for group in groups] == [0.1, pytest.approx(1e-5)]
    before = {name: weight.detach().clone() for name, weight in layer.named_parameters()}
    optimiser = torch.optim.SGD(groups)
    layer(x).square().sum().backward()
    optimiser.step()
    moved = {name: float((weight.detach() - before[name]).abs().max()) for name, weight in layer.named_parameters()}
    assert min(moved["w_r"], moved["b_r"]) > 100 * max(moved[name] for name in layer.part.slow) > 0
    assert len(composite("paon").dense(4, 3).parameter_groups(0.1)) == 1


def test_the_quadratic_neuron_is_the_sentence_of_the_language() -> None:
    layer, x = composite("quadratic").dense(4, 3), torch.randn(8, 4)
    said = neuron("sum(linear) * sum(linear) + sum(square)").dense(4, 3)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.normal_()
        for (_, gather), names in zip(said.gathers, [("w_r", "b_r"), ("w_g", "b_g"), ("w_b", "c")], strict=True):
            gather.weight.copy_(getattr(layer, names[0]).unsqueeze(1))
            assert gather.bias is not None
            gather.bias.copy_(getattr(layer, names[1]))
    assert torch.allclose(layer(x), said(x), atol=1e-5)


def test_the_pade_neuron_with_one_power_below_is_the_quotient_of_the_language() -> None:
    layer, x = composite("paon(p=2, q=1)").dense(4, 3), torch.randn(8, 4)
    said = neuron("sum(linear + square) / sum(linear, bias=False)").dense(4, 3)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.normal_()
        (_, above), (_, below) = said.gathers
        above.weight.copy_(layer.numerator.movedim(0, 1))
        assert above.bias is not None
        above.bias.copy_(layer.bias)
        below.weight.copy_(layer.denominator.movedim(0, 1))
    assert torch.allclose(layer(x), said(x), atol=1e-5)


def test_a_smooth_pade_neuron_without_a_denominator_is_a_mean_of_two_polynomials() -> None:
    layer, x = composite("paon(p=3, q=2, form='smooth')").dense(2, 1), torch.randn(5, 2)
    with torch.no_grad():
        layer.numerator.normal_()
        layer.denominator.zero_()
    powers = [x ** (k + 1) @ layer.numerator[k] for k in range(3)]
    assert torch.allclose(layer(x), powers[0] + powers[1] + powers[2] / 2, atol=1e-5)


@pytest.mark.parametrize(
    ("text", "low", "domain"), [("neural_addition", -1, [-1.0, 0.0, 1.0]), ("neural_multiplication", 0, [0.0, 1.0])]
)
def test_arithmetic_weights_are_clipped_and_driven_to_whole_numbers(text: str, low: int, domain: list[float]) -> None:
    layer = composite(text).dense(3, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[2.0, -3.0], [0.25, 0.75], [0.0, 1.0]]))
    layer.clip()
    assert layer.weight.tolist() == [[1.0, low], [0.25, 0.75], [0.0, 1.0]]
    assert layer.penalty().item() == pytest.approx(0.5 / 6)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(domain).repeat(6)[:6].reshape(3, 2))
    assert layer.penalty().item() == 0


@pytest.mark.slow
def test_the_multiplication_unit_learns_a_product_and_extrapolates() -> None:
    """Two of four inputs; trained on [1, 2], tested on [2, 6], as in the paper."""
    for seed in range(3):
        torch.manual_seed(seed)
        layer = composite("neural_multiplication").dense(4, 1)
        optimiser = torch.optim.Adam(layer.parameters(), lr=1e-2)
        for step in range(3000):
            x = 1 + torch.rand(128, 4)
            loss = (layer(x)[:, 0] - x[:, 0] * x[:, 1]).square().mean()
            loss = loss + 10 * min(1.0, max(0.0, (step - 1000) / 1000)) * layer.penalty()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            layer.clip()
        x = 2 + 4 * torch.rand(1000, 4)
        assert float((layer(x).detach()[:, 0] - x[:, 0] * x[:, 1]).square().mean()) < 1e-6


@pytest.mark.parametrize("function", ["relu", "elu", "softplus"])
def test_the_monotone_neuron_rises_and_falls_as_its_signs_say(function: str) -> None:
    layer, x = composite(f"monotone(function={function!r})").dense(3, 32).double(), 3 * torch.randn(200, 3).double()
    layer.signs.copy_(torch.tensor([1.0, -1.0, 0.0]))
    step = torch.eye(3).double()
    assert bool((layer(x + step[0]) >= layer(x)).all())
    assert bool((layer(x + step[1]) <= layer(x)).all())
    free = layer(x + step[2]) - layer(x)
    assert bool((free > 0).any())
    assert bool((free < 0).any())


def test_the_monotone_neuron_has_three_kinds() -> None:
    layer = composite("monotone").dense(1, 16)
    with torch.no_grad():
        layer.weight.fill_(-1.0)  # its size alone counts
    below, above = layer(torch.tensor([-3.0])).tolist(), layer(torch.tensor([3.0])).tolist()
    assert below == [0.0] * 7 + [-3.0] * 7 + [-1.0] * 2
    assert above == [3.0] * 7 + [0.0] * 7 + [1.0] * 2


def test_two_layers_of_the_micro_network_are_the_layer_function() -> None:
    layer, x = composite("micro_network(width=5, depth=2)").dense(4, 3), torch.randn(8, 4)
    module = layer_functions["nin"].module(4, hidden=5, units=3)
    with torch.no_grad():
        module.load_state_dict({"w1": layer.weight_0.T, "b1": layer.bias_0, "w2": layer.weight_1.T, "b2": layer.bias_1})
    assert torch.allclose(layer(x), module(x), atol=1e-6)


def test_one_degree_of_a_polynomial_network_is_linear() -> None:
    layer, x = composite("pi_net(degree=1, rank=8)").dense(4, 3), torch.randn(8, 4)
    assert torch.allclose(layer(x) + layer(-x), 2 * layer(0 * x), atol=1e-5)


def test_texts_and_settings() -> None:
    part = composite("paon( q = 2, form='smooth', p=2 )")
    assert str(part) == "paon(q=2, form='smooth')"
    assert part == composite(str(part)) == composite(part)
    assert part != composite("paon(q=2)")
    assert len({part, composite(str(part)), composite("paon")}) == 2
    assert str(composite("pi_net(2, 8)")) == "pi_net(degree=2, rank=8)"


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [("paom", UnknownNameError, "did you mean 'paon'"), ("paon(r=2)", SettingError, "no setting 'r'"),
     ("paon(p=0)", SettingError, "paon: p"), ("paon(form='soft')", SettingError, "'absolute', 'smooth'"),
     ("paon(1, 2, 'smooth', 4)", LanguageError, "3 settings, got 4"), ("paon(1, p=2)", LanguageError, "given twice"),
     ("paon(p=x)", LanguageError, "numbers"), ("paon(", LanguageError, "'quadratic'"), ("", LanguageError, "got ''"),
     ("a.b(1)", LanguageError, "a.b"), ("quadratic(1)", LanguageError, "0 settings")],
    ids=str,
)  # fmt: skip
def test_wrong_texts_are_refused_in_words(text: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        composite(text)


def test_wrong_shapes_and_sizes_are_refused_in_words() -> None:
    layer = composite("paon(p=3)").dense(4, 2)
    for run in (layer, layer.definition):
        with pytest.raises(
            ShapeError, match=r"paon\(p=3\) was built for 4 inputs: expected \(\.\.\., 4\), got \(2, 5\)"
        ):
            run(torch.zeros(2, 5))
    with pytest.raises(SettingError, match="n_out must be"):
        composite("paon").dense(4, 0)
    with pytest.raises(LanguageError, match="got int"):
        composite(3)  # type: ignore[arg-type]


def test_the_command_lists_and_shows_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "composites"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"composites ({len(catalogue)})")
    assert "quadratic" in out
    for name in ("paon", "pade_neuron", "paon(p=3)"):
        assert main(["show", name]) == 0
        assert "setting      form = absolute, or smooth" in capsys.readouterr().out
    assert main(["check", "pi_net(degree=1)"]) == 0
    assert capsys.readouterr().out.endswith("everything passed\n")
    assert main(["show", "paon(r=3)"]) == 2
    assert "no setting 'r'" in capsys.readouterr().err


def test_a_composite_of_yours_is_checked_like_ours() -> None:
    assert all(result.passed for result in check(composite("pi_net(degree=2)")))


@pytest.mark.slow
@pytest.mark.parametrize("text", [*catalogue, "monotone(function='softplus')", "paon(q=2, form='smooth')"])
def test_compiled_exported_copied_and_in_16_bits(text: str) -> None:
    layer, x = composite(text).dense(6, 5), torch.randn(3, 6)
    torch._dynamo.reset()  # type: ignore[no-untyped-call]  # one class, compiled anew for each subject
    compiled = torch.compile(layer, fullgraph=True, backend="eager")
    assert torch.allclose(compiled(x), layer(x), atol=1e-6)
    assert torch.allclose(torch.export.export(layer, (x,)).module()(x), layer(x), atol=1e-6)
    assert torch.equal(copy.deepcopy(layer)(x), layer(x))
    for dtype in (torch.float16, torch.bfloat16):
        assert bool(copy.deepcopy(layer).to(dtype)(x.to(dtype)).isfinite().all())
