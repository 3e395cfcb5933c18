"""The conformance suite of probes: what must hold for every measure of a model and its data.

Every check takes a probe and raises AssertionError with what it saw. All randomness is seeded, and the model is so small
that a definition by brute force ends at once.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..instruments import Probe, Readings

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["PROBE_CHECKS"]

_ROWS = 20
_NEAR = 1e-6  # of readings that are found by iteration


def check_equals_its_definition(probe: Probe) -> None:
    """Every reading that is not about the effort is that of brute force, on two networks."""
    for seed in (0, 1):
        model, batches = _network(seed), _batches(7)
        seen = probe.of(model, batches, loss=_loss)
        expected = probe.definition(model, batches, loss=_loss)
        _assert(
            set(seen) == set(probe.names) | {"rows", "nonfinite rows"}, f"readings {sorted(seen)}, names {probe.names}"
        )
        wanted = set(seen) - probe.effort
        _assert(set(expected) == wanted, f"the definition gives {sorted(expected)}, expected {sorted(wanted)}")
        _equal({name: seen[name] for name in wanted}, expected, f"network {seed}, against the definition")


def check_leaves_the_model(probe: Probe) -> None:
    """Parameters, buffers, gradients, modes, what is trained and the hooks are as they were, in training mode too."""
    import torch

    model = _network(0).train()
    next(model.parameters()).requires_grad_(False)
    with torch.random.fork_rng(devices=[]):  # dropout draws
        torch.autograd.backward(_loss(model(_inputs()), _targets()))
    before = _everything(model)
    probe.of(model, _batches(_ROWS), loss=_loss)
    after = _everything(model)
    moved = [name for name in before if before[name] != after.get(name)]
    _assert(not moved and before.keys() == after.keys(), f"of the model, {moved} changed")


def check_leaves_the_random_state(probe: Probe) -> None:
    """Neither torch nor numpy draw other numbers afterwards, and they have the same readings whatever the state."""
    import torch

    seen = []
    for seed in (3, 4):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            states = torch.get_rng_state(), _numpy_state()
            seen.append(probe.of(_network(0), _batches(_ROWS), loss=_loss))
            same = torch.equal(states[0], torch.get_rng_state())
            same &= bool(np.array_equal(states[1], _numpy_state()))
        _assert(same, "the global random state moved")
    _equal(seen[1], seen[0], "another seed of torch, against the first")


def check_same_for_any_split(probe: Probe) -> None:
    """Batches of 1, 3 and 7 rows, and a generator of them, give the readings of one batch."""
    whole = probe.of(_network(0), _batches(_ROWS), loss=_loss)
    for size in (1, 3, 7):
        _equal(probe.of(_network(0), iter(_batches(size)), loss=_loss), whole, f"batches of {size}, against one")


def check_readings_are_plain(probe: Probe) -> None:
    """Python floats and float64 arrays of one axis, finite on a network like this, that go to JSON."""
    readings = probe.of(_network(0), _batches(_ROWS), loss=_loss)
    for name, value in readings.items():
        if isinstance(value, np.ndarray):
            plain = value.dtype == np.float64 and value.ndim == 1
            _assert(plain, f"reading {name!r} is {value.dtype} of shape {value.shape}; expected float64 of one axis")
        else:
            _assert(type(value) is float, f"reading {name!r} is a {type(value).__name__}; give a float or an array")
    json.dumps({name: np.asarray(value).tolist() for name, value in readings.items()})


def check_rows_that_are_not_finite_are_left_out(probe: Probe) -> None:
    """Rows with NaN or infinities among inputs or targets change nothing but the count of them."""
    import torch

    if "rows" not in probe.needs:
        return
    inputs, targets = torch.cat([_inputs(), _inputs()[:2]]), torch.cat([_targets(), _targets()[:2]])
    inputs[-1, 0], targets[-2, 0] = torch.nan, torch.inf
    seen = probe.of(_network(0), [(inputs, targets)], loss=_loss)
    _assert(seen["nonfinite rows"] == 2.0, f"2 rows are not finite; the reading says {seen['nonfinite rows']}")
    clean = probe.of(_network(0), _batches(_ROWS), loss=_loss)
    _equal({**seen, "nonfinite rows": 0.0}, clean, "with 2 rows that are not finite, against without them")


def check_broken_weights_give_nan(probe: Probe) -> None:
    """A model with a NaN weight is reported by NaN readings, under the same names, and does not stop a training."""
    import torch

    model = _network(0)
    with torch.no_grad():
        next(model.parameters())[0, 0] = torch.nan
    seen = probe.of(model, _batches(_ROWS), loss=_loss)
    _assert(set(seen) >= set(probe.names), f"readings {sorted(seen)} of a broken model, expected {probe.names}")
    whole = [name for name in probe.names if not np.isnan(seen[name]).any()]
    _assert(not whole, f"a model with a NaN weight has readings without NaN: {whole}")


def check_text_names_the_settings(probe: Probe) -> None:
    """Its text starts with its class, is the same for equal settings and another for others, and its settings are frozen."""
    text, twin = str(probe), dataclasses.replace(probe)  # type: ignore[type-var]
    _assert(text.split("(")[0] == type(probe).__name__, f"the text {text!r} does not start with the class")
    _assert(str(twin) == text and twin == probe, f"a probe of the same settings is {twin}, not {text}")
    _assert(hash(twin) == hash(probe), "probes of the same settings have different hashes")
    texts = {str(example) for example in probe.examples()}
    _assert(len(texts) == len(set(probe.examples())), f"other settings have the same text: {texts}")


PROBE_CHECKS: dict[str, Callable[[Probe], None]] = {
    name.removeprefix("check_"): check for name, check in list(globals().items()) if name.startswith("check_")
}
"""Every check by its name; each raises AssertionError with what it saw."""


def _assert(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)


def _equal(seen: Readings, expected: Readings, what: str) -> None:
    for name, value in seen.items():
        a, b = np.asarray(value), np.asarray(expected[name])
        same = a.shape == b.shape and np.allclose(a, b, rtol=_NEAR, atol=1e-9, equal_nan=True)
        _assert(same, f"{what}: reading {name!r} is {value}, expected {expected[name]}")


def _network(seed: int) -> nn.Module:
    """Three layers of 3-5-4-2 in float64, with dropout and batch norm, which only a training pass would move."""
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = nn.Sequential(
            nn.Linear(3, 5), nn.Tanh(), nn.Dropout(0.5), nn.Linear(5, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)
        )
    return model.double()


def _numpy_state() -> Any:
    state = np.random.get_state(legacy=False)["state"]
    return [*state["key"], state["pos"]]


def _inputs() -> Tensor:
    import torch

    return torch.randn(_ROWS, 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def _targets() -> Tensor:
    inputs = _inputs()
    return (inputs @ inputs[:3, :2] * 2).sin() + 0.3


def _batches(size: int) -> Sequence[tuple[Tensor, Tensor]]:
    return [(_inputs()[at : at + size], _targets()[at : at + size]) for at in range(0, _ROWS, size)]


def _loss(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).square().mean()


def _everything(model: nn.Module) -> dict[str, Any]:
    """All of a model that a probe could move, as bytes and plain values."""
    found: dict[str, Any] = {name: value.numpy().tobytes() for name, value in model.state_dict().items()}
    for name, weight in model.named_parameters():
        gradient = None if weight.grad is None else weight.grad.numpy().tobytes()
        found[f"{name}: gradient, trained"] = gradient, weight.requires_grad
    for name, module in model.named_modules():
        hooks = sum(len(value) for key, value in vars(module).items() if key.endswith("_hooks"))
        found[f"{name}: mode, hooks"] = module.training, hooks
    return found
