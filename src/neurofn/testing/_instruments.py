"""The conformance suite of instruments: what must hold for every instrument, whatever it measures.

Every check takes an instrument and raises AssertionError with what it saw. All randomness is seeded.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..instruments import Instrument, Labelled, Readings, State
from ..watching import Every, Windows, measure, watch
from ._instrument_routes import check_fast_route_equals_the_slow_one as check_fast_route_equals_the_slow_one
from ._instrument_runs import hooks, in_two_processes, network, targets_of, train

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["INSTRUMENT_CHECKS"]

_ROWS, _NEURONS, _SPLITS = 60, 7, 8


def check_same_for_any_split_and_order(instrument: Instrument) -> None:
    """Batches of any size, empty ones too, in any order, with weights or without."""
    values, weights = _values(), _weights()
    generator = np.random.default_rng(0)
    for mass in (None, weights):
        whole = instrument.compute(_fed(instrument, values, mass))
        for _ in range(_SPLITS):
            order = generator.permutation(_ROWS)
            cuts = [0, *sorted(generator.integers(0, _ROWS + 1, size=5).tolist()), _ROWS]
            state = instrument.start(_NEURONS)
            for low, high in itertools.pairwise(cuts):
                at = order[low:high]
                state = _more(instrument, state, values[at], None if mass is None else mass[at])
            _equal(instrument.compute(state), whole, f"rows in batches cut at {cuts}, against all at once")


def check_merge_is_associative(instrument: Instrument) -> None:
    """(a + b) + c = a + (b + c) = the state of all rows."""
    a, b, c = (_fed(instrument, part) for part in _parts(0, 10, 30, _ROWS))
    left = instrument.merge(instrument.merge(a, b), c)
    right = instrument.merge(a, instrument.merge(b, c))
    _equal(instrument.compute(left), instrument.compute(right), "(a + b) + c against a + (b + c)")
    _equal(instrument.compute(left), instrument.compute(_fed(instrument, _values())), "merged states against all rows")


def check_start_is_the_identity(instrument: Instrument) -> None:
    """start() merged from either side, and a batch of no rows, change no entry of a state."""
    state, start = _fed(instrument, _values()), instrument.start(_NEURONS)
    nothing = _values()[:0]
    for what, same in (
        ("start() + state", instrument.merge(start, state)),
        ("state + start()", instrument.merge(state, start)),
        ("an empty batch", _more(instrument, state, nothing)),
    ):
        _assert(_bits(same) == _bits(state), f"{what} differs from the state alone")
    _equal(instrument.compute(start), _defined(instrument, nothing), "no rows at all, against the definition")


def check_equals_its_definition(instrument: Instrument) -> None:
    """On plain, sparse, rank-deficient, constant, shifted and single rows, weighted or not."""
    plain = _values()
    cases = {
        "random rows": plain,
        "ties and zeros": plain.round().clamp(min=0),
        "rows of rank 2": plain[:, :2] @ plain[:2],
        "zeros": plain * 0,
        "a large mean": plain + 1e4,
        "one row": plain[:1],
    }
    for case, values in cases.items():
        for mass in (None, _weights()[: len(values)]):
            seen = instrument.compute(_fed(instrument, values, mass))
            _equal(seen, _defined(instrument, values, mass), f"{case}, {'plain' if mass is None else 'weighted'}")


def check_half_precision_is_summed_in_full(instrument: Instrument) -> None:
    """Thousands of float16, bfloat16 and float32 rows: sums in these types would lose digits or overflow."""
    import torch

    many = _values(rows=4000) * 10 + 50
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        values = many.to(dtype)
        _equal(instrument.compute(_fed(instrument, values)), _defined(instrument, values), str(dtype))


def check_state_does_not_grow(instrument: Instrument) -> None:
    """Its entries, shapes and types are the same after twenty batches as after none."""
    state = instrument.start(_NEURONS)
    shape = _shapes(state)
    for batch in _parts(*range(0, _ROWS + 1, 3)):
        state = _more(instrument, state, batch)
        _assert(_shapes(state) == shape, f"the state was {shape} at the start and became {_shapes(state)}")


def check_states_are_not_changed(instrument: Instrument) -> None:
    """update and merge leave the states they are given as they were."""
    a, b = (_fed(instrument, part) for part in _parts(0, 20, _ROWS))
    before = _bits(a), _bits(b)
    _more(instrument, a, _values())
    _assert(_bits(a) == before[0], "update changed the state it was given")
    instrument.merge(a, b)
    _assert((_bits(a), _bits(b)) == before, "merge changed a state it was given")


def check_rows_that_are_not_finite_are_reported(instrument: Instrument) -> None:
    """Rows with NaN, infinity or values too large to square change nothing but the count of them."""
    import torch

    values = _values()
    with_bad = torch.cat([values[:20], values[:4], values[20:]])
    for row, bad in enumerate((float("nan"), float("inf"), -float("inf"), 1e200)):
        with_bad[20 + row, row] = bad
    seen, clean = instrument.compute(_fed(instrument, with_bad)), instrument.compute(_fed(instrument, values))
    _assert(seen.get("nonfinite rows") == 4.0, f"4 rows are not finite; the reading says {seen.get('nonfinite rows')}")
    _equal({**seen, "nonfinite rows": 0.0}, clean, "with 4 rows that are not finite, against without them")


def check_no_graph_is_kept(instrument: Instrument) -> None:
    """Activations that require gradients leave states that do not."""
    state = _fed(instrument, _values().requires_grad_())
    held = [name for name, entry in state.items() if entry.requires_grad]
    _assert(not held, f"the entries {held} of the state hold the graph of the activations")


def check_readings_are_plain(instrument: Instrument) -> None:
    """Python floats and float arrays of one axis, one value per neuron or per unit, that go to JSON."""
    state = _fed(instrument, _values())
    units = instrument.units(state)
    readings = instrument.compute(state)
    for name, value in readings.items():
        if isinstance(value, np.ndarray):
            length = len(units.get(name, range(_NEURONS)))
            good = value.dtype == np.float64 and value.shape == (length,)
            _assert(good, f"reading {name!r} is {value.dtype} of shape {value.shape}; expected float64 ({length},)")
        else:
            _assert(type(value) is float, f"reading {name!r} is a {type(value).__name__}; give a float or an array")
    json.dumps({name: np.asarray(value).tolist() for name, value in readings.items()})


def check_text_names_the_settings(instrument: Instrument) -> None:
    """Its text starts with its class, is the same for equal settings, and its settings are frozen."""
    text, twin = str(instrument), dataclasses.replace(instrument)  # type: ignore[type-var]
    _assert(text.split("(")[0] == type(instrument).__name__, f"the text {text!r} does not start with the class")
    _assert(str(twin) == text and twin == instrument, f"an instrument of the same settings is {twin}, not {text}")
    _assert(hash(twin) == hash(instrument), "instruments of the same settings have different hashes")


def check_two_processes_equal_one(instrument: Instrument) -> None:
    """Two processes with half the rows each, reduced by `all_reduce`, read what one with all rows reads."""
    halves = [half.numpy() for half in _parts(0, _ROWS // 2, _ROWS)]
    one = instrument.compute(_fed(instrument, _values()))
    for rank, seen in enumerate(in_two_processes(instrument, halves)):
        _equal(seen, one, f"process {rank} of two, against one process")


def check_watching_leaves_the_training(instrument: Instrument) -> None:
    """A watched training, with dropout and in-place activations, ends at bit-equal weights: by steps, windows and budget."""
    alone = network()
    train(alone)
    for every in (2, Windows(1, 1, readings=Every(2)), None):
        watched = network()
        with _watched(watched, instrument, every):
            train(watched)
        for (name, a), b in zip(alone.state_dict().items(), watched.state_dict().values(), strict=True):
            _assert(
                a.numpy().tobytes() == b.numpy().tobytes(), f"{name} differs after a training watched, every={every}"
            )


def check_no_hook_is_left(instrument: Instrument) -> None:
    """After an exception in the middle of a watched training the model and torch have no more hooks than before."""
    watched = network()
    before = hooks(watched)
    try:
        with _watched(watched, instrument):
            train(watched)
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    _assert(hooks(watched) == before, f"{before} hooks before, {hooks(watched)} after an exception")


@contextlib.contextmanager
def _watched(model: nn.Module, instrument: Instrument, every: int | Windows | None = 2) -> Iterator[None]:
    """While it trains, where a forward pass is all that it reads; else once before and once after."""
    import torch

    if not isinstance(instrument, Labelled):
        with watch(model, instrument, every=every):
            yield
        return
    x = torch.linspace(-1, 1, 30).reshape(5, 6)
    measure(model, [(x, targets_of(x))], instrument)
    yield
    measure(model, [(x, targets_of(x))], instrument)


INSTRUMENT_CHECKS: dict[str, Callable[[Instrument], None]] = {
    name.removeprefix("check_"): check for name, check in list(globals().items()) if name.startswith("check_")
}
"""Every check by its name; each raises AssertionError with what it saw."""


def _assert(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)


def _values(rows: int = _ROWS) -> Tensor:
    import torch

    generator = torch.Generator().manual_seed(rows)
    scale = torch.logspace(0, -3, _NEURONS, dtype=torch.float64)
    return torch.randn(rows, _NEURONS, generator=generator, dtype=torch.float64) * scale


def _parts(*cuts: int) -> list[Tensor]:
    return [_values()[low:high] for low, high in itertools.pairwise(cuts)]


def _weights() -> Tensor:
    import torch

    weights = torch.rand(_ROWS, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    weights[3] = 0.0
    return weights


def _fed(instrument: Instrument, values: Tensor, weights: Tensor | None = None) -> State:
    return _more(instrument, instrument.start(values.shape[1]), values, weights)


def _more(instrument: Instrument, state: State, values: Tensor, weights: Tensor | None = None) -> State:
    if isinstance(instrument, Labelled):
        return instrument.update(state, values, weights, targets=targets_of(values))
    return instrument.update(state, values, weights)


def _defined(instrument: Instrument, values: Tensor, weights: Tensor | None = None) -> Readings:
    if isinstance(instrument, Labelled):
        return instrument.definition(values, weights, targets=targets_of(values))
    return instrument.definition(values, weights)


def _equal(seen: Readings, expected: Readings, what: str) -> None:
    _assert(seen.keys() == expected.keys(), f"{what}: readings {sorted(seen)}, expected {sorted(expected)}")
    for name, value in seen.items():
        a, b = np.asarray(value), np.asarray(expected[name])
        same = a.shape == b.shape and np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True)
        _assert(same, f"{what}: reading {name!r} is {value}, expected {expected[name]}")


def _bits(state: State) -> dict[str, bytes]:
    return {name: entry.detach().numpy().tobytes() for name, entry in state.items()}


def _shapes(state: State) -> dict[str, str]:
    return {name: f"{entry.dtype} {tuple(entry.shape)}" for name, entry in state.items()}
