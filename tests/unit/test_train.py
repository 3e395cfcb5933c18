"""Training: stacked seeds equal the plain loop, a diverging seed disturbs nobody, reading changes nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from neurofn import _stack
from neurofn._errors import DataError, SettingError, ShapeError
from neurofn.train import History, Recipe, Stack, build_seeded, train, train_alone

SEEDS = (3, 11, 5)


def network(seed: int) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3)).double()


def normalised(seed: int) -> nn.Module:
    # No bias before the normalisation: its true gradient is 0, and Adam would make steps of the rounding noise.
    return nn.Sequential(nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)).double()


def half_fixed(seed: int) -> nn.Module:
    built = network(seed)
    for parameter in built[0].parameters():  # type: ignore[index]
        parameter.requires_grad_(False)
    return built


def labelled(count: int = 50) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(count, 4, generator=generator, dtype=torch.float64)
    return x, torch.randint(0, 3, (count,), generator=generator)


def differences(stack: Stack, alone: dict[int, nn.Module]) -> float:
    return max(
        float((tensor - other.detach()).abs().max())
        for index, seed in enumerate(stack.seeds)
        for tensor, other in zip(
            stack.snapshot(index).values(), [*alone[seed].parameters(), *alone[seed].buffers()], strict=True
        )
    )


@pytest.mark.parametrize("build", [network, normalised, half_fixed])
@pytest.mark.parametrize("batch", [None, 16, 1000])
def test_stacked_equals_alone(build: Callable[[int], nn.Module], batch: int | None) -> None:
    recipe = Recipe(steps=100, learning_rate=1e-2, batch=batch)
    stack = Stack(build, SEEDS)
    history = train(stack, labelled(), recipe=recipe, loss=functional.cross_entropy)
    alone = {seed: build_seeded(build, seed) for seed in SEEDS}
    for index, seed in enumerate(SEEDS):
        single = train_alone(alone[seed], labelled(), seed=seed, recipe=recipe, loss=functional.cross_entropy)
        assert (history.losses[index] - single.losses[0]).abs().max() < 1e-10
    assert differences(stack, alone) < 1e-10
    assert history.losses[:, -10:].mean() < history.losses[:, :10].mean()


def test_alone_is_a_plain_loop() -> None:
    """The definition against the loop of any textbook, full batch."""
    x, y = labelled()
    mine, plain = build_seeded(network, 1), build_seeded(network, 1)
    train_alone(mine, (x, y), seed=1, recipe=Recipe(steps=20), loss=functional.cross_entropy)
    optimizer = torch.optim.Adam(plain.parameters(), lr=1e-3)
    for _ in range(20):
        optimizer.zero_grad()
        torch.autograd.backward(functional.cross_entropy(plain(x), y))
        optimizer.step()
    for one, other in zip(mine.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_each_seed_has_its_own_order_whoever_is_beside_it() -> None:
    recipe = Recipe(steps=15, batch=7)
    together, apart = Stack(network, SEEDS), Stack(network, SEEDS[1:2])
    both = train(together, labelled(), recipe=recipe, loss=functional.cross_entropy)
    single = train(apart, labelled(), recipe=recipe, loss=functional.cross_entropy)
    torch.testing.assert_close(both.losses[1], single.losses[0], rtol=1e-12, atol=0)
    same = Stack(lambda seed: build_seeded(network, 0), (1, 2))
    assert not torch.equal(*train(same, labelled(), recipe=recipe, loss=functional.cross_entropy).losses)


def test_an_epoch_shows_each_sample_at_most_once() -> None:
    seen: list[Tensor] = []

    class Watching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(1, 1)

        def forward(self, x: Tensor) -> Tensor:
            seen.append(x.detach().clone())
            out: Tensor = self.linear(x)
            return out

    x = torch.arange(10.0)[:, None]
    train_alone(
        build_seeded(lambda seed: Watching(), 0),
        (x, x),
        seed=0,
        recipe=Recipe(steps=6, batch=4),
        loss=functional.mse_loss,
    )
    epochs = [torch.cat(seen[index : index + 2]).flatten().tolist() for index in (0, 2, 4)]
    assert all(len(set(epoch)) == 8 for epoch in epochs)
    assert epochs[0] != epochs[1]


def bursting(prediction: Tensor, target: Tensor) -> Tensor:
    """Infinite once the prediction is large: the seeds with large steps diverge."""
    return functional.mse_loss(prediction, target) / (prediction.detach().abs().max() <= 2.0)


def diverging(seed: int) -> nn.Module:
    built = nn.Linear(1, 1).double()
    nn.init.constant_(built.weight, 1.9 if seed == 1 else 0.1)
    nn.init.constant_(built.bias, 0.0)
    return built


@pytest.mark.parametrize("batch", [None, 5])
def test_a_diverging_seed_is_frozen_and_the_others_are_bit_unchanged(batch: int | None) -> None:
    x = torch.linspace(-1, 1, 20, dtype=torch.float64)[:, None]
    data, recipe = (x, 3 * x), Recipe(steps=30, learning_rate=1e-2, batch=batch)
    stack = Stack(diverging, (0, 1, 2))
    history = train(stack, data, recipe=recipe, loss=bursting)
    step = history.diverged[1]
    assert history.diverged[::2] == (None, None)
    assert step is not None
    assert 0 < step < 30
    assert history.losses[1, :step].isfinite().all()
    assert history.losses[1, step] == math.inf
    assert history.losses[1, step + 1 :].isnan().all()

    alone = build_seeded(diverging, 1)
    single = train_alone(alone, data, seed=1, recipe=recipe, loss=bursting)
    assert single.diverged == (step,)
    torch.testing.assert_close(stack.snapshot(1)["weight"], alone.weight.detach(), rtol=1e-12, atol=0)

    healthy = Stack(lambda seed: diverging(0), (0, 1, 2))
    other = train(healthy, data, recipe=recipe, loss=bursting)
    assert other.diverged == (None, None, None)
    for index in (0, 2):
        assert torch.equal(history.losses[index], other.losses[index])
        assert all(torch.equal(stack.snapshot(index)[name], healthy.snapshot(index)[name]) for name in stack.parameters)
    dumped = json.dumps(history.to_dict(), allow_nan=False)
    assert json.loads(dumped)["losses"][1][step] is None


def test_nan_weights_do_not_leak_between_seeds() -> None:
    stack, clean = Stack(network, (0, 1)), Stack(network, (0, 1))
    broken = {name: torch.full_like(tensor, math.nan) for name, tensor in stack.snapshot(1).items()}
    stack.restore(1, broken)
    recipe = Recipe(steps=10, batch=8)
    history = train(stack, labelled(), recipe=recipe, loss=functional.cross_entropy)
    expected = train(clean, labelled(), recipe=recipe, loss=functional.cross_entropy)
    assert history.diverged == (None, 0)
    assert torch.equal(history.losses[0], expected.losses[0])


def test_reading_happens_at_the_schedule_and_changes_nothing() -> None:
    recipe, read_steps, values = Recipe(steps=12, batch=8), [], []

    def read(step: int, stack: Stack) -> None:
        read_steps.append(step)
        values.append(stack(labelled()[0]))
        stack.network(0)(labelled()[0]).sum().backward()

    for build in (network, normalised):
        read_steps.clear()
        watched, unwatched = Stack(build, SEEDS), Stack(build, SEEDS)
        start = [stack.snapshot(0) for stack in (watched, unwatched)]
        assert all(torch.equal(start[0][name], start[1][name]) for name in start[0])
        one = train(watched, labelled(), recipe=recipe, loss=functional.cross_entropy, read=read, at=[12, 0, 5, 5])
        two = train(unwatched, labelled(), recipe=recipe, loss=functional.cross_entropy)
        assert read_steps == [0, 5, 12]
        assert torch.equal(one.losses, two.losses)
        for index in range(len(SEEDS)):
            after, expected = watched.snapshot(index), unwatched.snapshot(index)
            assert all(torch.equal(after[name], expected[name]) for name in after)
    assert values[0].shape == (3, 50, 3)
    assert not torch.equal(values[0], values[-1])


def test_reading_after_zero_steps() -> None:
    steps: list[int] = []
    settings = {"recipe": Recipe(steps=0), "loss": functional.cross_entropy, "at": [0]}
    history = train(Stack(network, SEEDS), labelled(), read=lambda step, _: steps.append(step), **settings)
    assert (steps, history.losses.shape) == ([0], (3, 0))


def test_building_and_training_leave_the_random_state() -> None:
    with torch.random.fork_rng(devices=()):
        before = torch.random.get_rng_state()
        stack = Stack(network, SEEDS)
        train(stack, labelled(), recipe=Recipe(steps=3, batch=4), loss=functional.cross_entropy)
        assert torch.equal(torch.random.get_rng_state(), before)
        torch.default_generator.manual_seed(99)
        again = Stack(network, SEEDS)
    assert all(
        torch.equal(again.snapshot(0)[name], tensor) for name, tensor in Stack(network, SEEDS).snapshot(0).items()
    )


def test_stack_outputs_network_snapshot_restore() -> None:
    x = labelled()[0]
    stack = Stack(network, SEEDS)
    for index, seed in enumerate(SEEDS):
        expected = build_seeded(network, seed)(x)
        torch.testing.assert_close(stack(x)[index], expected, rtol=1e-12, atol=1e-12)
        assert torch.equal(stack.network(index)(x), expected)
    kept = stack.snapshot(0)
    train(stack, labelled(), recipe=Recipe(steps=3), loss=functional.cross_entropy)
    assert not torch.equal(stack.snapshot(0)["0.weight"], kept["0.weight"])
    others = stack.snapshot(1)
    stack.restore(0, kept)
    assert all(torch.equal(stack.snapshot(0)[name], kept[name]) for name in kept)
    assert all(torch.equal(stack.snapshot(1)[name], others[name]) for name in others)
    with pytest.raises(ShapeError, match="does not fit"):
        stack.restore(0, {"weight": kept["0.weight"]})


def test_fixed_parameters_stay() -> None:
    stack = Stack(half_fixed, SEEDS)
    before = stack.snapshot(0)
    train(stack, labelled(), recipe=Recipe(steps=5), loss=functional.cross_entropy)
    changed = {name for name, tensor in stack.snapshot(0).items() if not torch.equal(tensor, before[name])}
    assert changed == {"2.weight", "2.bias", "4.weight", "4.bias"}
    assert not stack.network(0).get_parameter("0.weight").requires_grad


def test_float32_data_follow_the_network() -> None:
    x, y = labelled()
    stack = Stack(lambda seed: network(seed).float(), SEEDS)
    history = train(stack, (x, y), recipe=Recipe(steps=2), loss=functional.cross_entropy)
    assert stack.dtype == history.losses.dtype == torch.float32


def test_simplifying_keeps_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Stack(network, SEEDS)
    fast, losses = stack.gradients(functional.cross_entropy, labelled(), shared=True)(*labelled())
    monkeypatch.setattr(_stack, "_simplify", lambda graph: None)
    plain, same = stack.gradients(functional.cross_entropy, labelled(), shared=True)(*labelled())
    assert torch.equal(fast, plain)
    assert torch.equal(losses, same)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Recipe(steps=-1), SettingError, "0 or more"),
        (lambda: Recipe(steps=1, learning_rate=0.0), SettingError, "positive"),
        (lambda: Recipe(steps=1, learning_rate=math.nan), SettingError, "positive"),
        (lambda: Recipe(steps=1, batch=0), SettingError, "at least 1 sample"),
        (lambda: Stack(network, ()), SettingError, "one or more"),
        (lambda: Stack(network, (1, 1)), SettingError, "different"),
        (lambda: Stack(lambda seed: nn.Linear(2, seed), (1, 2)), ShapeError, "another structure"),
        (lambda: Stack(lambda seed: nn.Sequential(*[nn.Linear(2, 2)] * seed), (1, 2)), None, ""),
        (lambda: Stack(lambda seed: nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)), (1,)), SettingError, "Dropout"),
        (
            lambda: Stack(lambda seed: nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).double()), (1,)),
            ShapeError,
            "one dtype",
        ),
    ],
)
def test_bad_settings(make: Callable[[], object], error: type[Exception] | None, words: str) -> None:
    if error is None:
        make()  # the same layer twice has the same parameters as once: shared weights are fine
    else:
        with pytest.raises(error, match=words):
            make()


def run(data: tuple[Tensor, Tensor], at: tuple[int, ...] = (), build: Callable[[int], nn.Module] = network) -> History:
    recipe, stack = Recipe(steps=3), Stack(build, SEEDS)
    return train(stack, data, recipe=recipe, loss=functional.cross_entropy, read=lambda step, stack: None, at=at)


def test_bad_data_and_schedules() -> None:
    x, y = labelled()
    with pytest.raises(DataError, match="same number"):
        run((x, y[:-1]))
    with pytest.raises(DataError, match="at least one"):
        run((x[:0], y[:0]))
    with pytest.raises(SettingError, match="cannot read at step 4"):
        run((x, y), at=(1, 4))
    with pytest.raises(SettingError, match="nothing to train"):
        run((x, y), build=lambda seed: network(seed).requires_grad_(False))
    frozen = build_seeded(network, 0).requires_grad_(False)
    with pytest.raises(SettingError, match="nothing to train"):
        train_alone(frozen, (x, y), seed=0, recipe=Recipe(steps=1), loss=functional.cross_entropy)
