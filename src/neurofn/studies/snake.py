"""Does the snake function extrapolate a periodic function where other activations cannot?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._base import Cells, Claim, Evidence, study
from ._contrast import all_of, contrast, made_up, no_better

ACTIVATIONS = ("snake", "relu", "tanh", "sine")
EDGE, FAR = 12.0, 24.0
SMALLEST = 10.0


def target(x: Any, kind: str) -> Any:
    """sin x, or a sum of bumps of the same size and width that never repeats."""
    import torch

    if kind == "periodic":
        return torch.sin(x)
    generator = torch.Generator().manual_seed(20261122)
    centres = torch.linspace(-FAR, FAR, 17) + torch.randn(17, generator=generator)
    heights = torch.randn(17, generator=generator)
    return (heights * torch.exp(-((x - centres) ** 2) / 2)).sum(-1, keepdim=True)


def _better(kind: str) -> Any:
    def test(cells: Cells) -> Evidence:
        snake = {"target": kind, "activation": "snake"}
        rivals = [name for name in cells.settings["activation"] if name in ("relu", "tanh")]
        return all_of([
            contrast(cells, "error outside", ("snake", snake), (name, {"target": kind, "activation": name}),
                     smallest=SMALLEST, lower=True)
            for name in rivals
        ])  # fmt: skip

    return test


def _low(activation: str) -> Any:
    def test(cells: Cells) -> Evidence:
        from ._statistics import mean_interval

        found = mean_interval(100 * cells.values("error outside", target="periodic", activation=activation))
        if found.n < 5:
            return Evidence(sentence=f"{found.n} seeds are too few", holds=None, n=found.n)
        interval = f"{found.mean:.0f} % of the deviation of the target [{found.low:.0f}, {found.high:.0f}]"
        verdict = True if found.high < 50 else False if found.low > 50 else None
        return Evidence(sentence=f"error of {activation} outside: {interval}", holds=verdict, effect=50 - found.mean,
                        low=50 - found.high, high=50 - found.low,
                        n=found.n, unit="points")  # fmt: skip

    return test


def claims(settings: Mapping[str, Any]) -> list[Claim]:
    """Snake is better than the others outside, and good at all there."""
    factors = ("target", "activation")
    return [
        Claim(
            "outside the training interval, snake continues a sine better than relu and tanh",
            test=_better("periodic"),
            control=no_better(_better("periodic"), _better("aperiodic")),
            counterexample=lambda: made_up(
                settings, factors, lambda c: {"error outside": 1.2 - 0.2 * (c["activation"] == "relu")}
            ),
            smallest_effect=SMALLEST,
        ),
        Claim(
            "snake continues a sine: outside, its error is less than half of the deviation of the target",
            test=_low("snake"),
            control=no_better(_low("snake"), _low("relu")),
            counterexample=lambda: made_up(settings, factors, lambda c: {"error outside": 1.0}),
        ),
    ]  # fmt: skip


@study(
    question="Does the snake function continue a periodic function beyond the data, and is it the period that it learns?",
    source="arXiv:2006.08195",
    factors={"target": ["periodic", "aperiodic"], "activation": list(ACTIVATIONS)},
    sizes={"smoke": {"steps": 30, "seeds": 2}, "small": {"steps": 4000}, "full": {"steps": 20_000, "seeds": 20}},
    claims=claims,
    notes=(
        f"Networks 1-64-64-1 learn 256 points on [-{EDGE:g}, {EDGE:g}] and are read on the intervals from there to {FAR:g} on "
        "both sides. Errors are over the deviation of the target where they are read: 1 is what its mean would do.",
        "The aperiodic target is the control: bumps of the same width that never repeat. What is better there too is not due "
        "to a period.",
    ),
)
def snake(target: str, activation: str, *, seeds: tuple[int, ...], steps: int = 4000) -> list[dict[str, Any]]:
    """Fit one target with one activation; errors inside (between the training points) and outside."""
    import torch
    from torch.nn.functional import mse_loss

    from ._fitting import errors, fit, plain

    x = torch.linspace(-EDGE, EDGE, 511)[:, None]
    out = torch.linspace(EDGE, FAR, 256)[1:, None]
    outside = torch.cat([-out, out])
    known, between = x[::2], x[1::2]
    truth = {name: _target(points, target) for name, points in (("k", known), ("b", between), ("o", outside))}
    stack, history = fit(lambda seed: plain((1, 64, 64, 1), activation), seeds, (known, truth["k"]), loss=mse_loss,
                         steps=steps, learning_rate=3e-3)  # fmt: skip
    pairs = zip(errors(stack, between, truth["b"]), errors(stack, outside, truth["o"]), history.diverged, strict=True)
    return [
        {"metrics": {} if lost is not None else {"error inside": inside, "error outside": far}, "record": None,
         "diverged": lost is not None}
        for inside, far, lost in pairs
    ]  # fmt: skip


_target = target
