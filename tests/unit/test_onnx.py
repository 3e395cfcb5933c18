"""Networks of neurons leave PyTorch: exported, written as ONNX, and run by another machine, they say the same."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neurofn import neuron
from neurofn.neurons.ranges import fit_ranges
from neurofn.neurons.saved import Scale

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")

RANGED = "sum(silu + bspline)"
NETWORKS = {
    "kan": (RANGED, RANGED),
    "glu": ("silu(sum(linear)) * sum(linear)", "sum(linear)"),
    "pade": ("sum(linear) / sum(linear)", "sum(rational)"),
    "mean": ("mean(bspline(grid=8, order=2))", "tanh(sum(linear))"),
    "median": ("median(bspline)", "max(linear)"),
    "polynomial": ("sum(chebyshev)", "sum(fourier)"),
}


def built(texts: tuple[str, ...]) -> tuple[nn.Module, Tensor]:
    """A network in raw units that was pruned a little, and rows it has not seen, some of them outside."""
    layers = [neuron(text).dense(n_in, n_out) for text, n_in, n_out in zip(texts, (3, 5), (5, 2), strict=True)]
    model = nn.Sequential(*layers, Scale(torch.tensor([2.0, 30.0]), torch.tensor([0.0, 5.0]))).eval()
    fit_ranges(model, 100 * torch.randn(200, 3))
    layers[0].gathers[0][1].prune(torch.rand(3, 5) > 0.2)
    return model, 120 * torch.randn(37, 3)


def exported(model: nn.Module, x: Tensor) -> Any:
    """A session of onnxruntime with any number of rows."""
    runtime = pytest.importorskip("onnxruntime")
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the exporter are its own
        rows = torch.export.Dim("rows")
        program = torch.onnx.export(model, (x[:5],), dynamo=True, dynamic_shapes=({0: rows},), verbose=False)
    assert program is not None
    content = program.model_proto.SerializeToString()
    return runtime.InferenceSession(content, providers=["CPUExecutionProvider"])


def agrees(model: nn.Module, x: Tensor) -> None:
    session = exported(model, x)
    given = session.get_inputs()[0].name
    for some in (x, x[:1]):
        with torch.no_grad():
            expected = model(some)
        found = torch.from_numpy(session.run(None, {given: some.numpy()})[0])
        torch.testing.assert_close(found, expected, rtol=2e-5, atol=2e-5 * float(expected.abs().max()))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_runtime_says_the_same(name: str) -> None:
    agrees(*built(NETWORKS[name]))


@pytest.mark.slow
def test_a_pade_neuron_goes_to_onnx() -> None:
    from neurofn.neurons.composites import composite

    layer = composite("paon(p=2, q=2)").dense(3, 2).eval()
    agrees(layer, torch.randn(37, 3))


def test_a_small_layer_goes_to_onnx() -> None:
    agrees(neuron("silu(sum(linear)) * sum(linear)").dense(3, 2).eval(), torch.randn(9, 3))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_an_exported_program_says_the_same(name: str) -> None:
    model, x = built(NETWORKS[name])
    program = torch.export.export(model, (x[:5],), dynamic_shapes=({0: torch.export.Dim("rows")},))
    with torch.no_grad():
        torch.testing.assert_close(program.module()(x), model(x), rtol=1e-5, atol=1e-4)


@pytest.mark.slow
def test_a_wrong_export_is_seen() -> None:
    class Rounded(nn.Module):
        """Half of what it says when it is exported."""

        def forward(self, x: Tensor) -> Tensor:
            return x / 2 if torch.compiler.is_exporting() else x

    with pytest.raises(AssertionError):
        agrees(Rounded(), torch.randn(4, 3))
