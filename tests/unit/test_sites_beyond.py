"""Places that are not outputs of modules: parts of outputs, inputs, functions called in code, and the inside of attention."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from neurofn._errors import SettingError, SiteError
from neurofn.sites import Site, find_sites, tap, to_rows

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")


class Called(nn.Module):
    """Functions called in its code: one twice, one in place, one behind a change of axes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.last = nn.Conv1d(2, 4, 1), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.conv(x))
        y = (y * 2).tanh_() + y
        z = y.transpose(1, 2)
        return functional.relu(self.last(functional.dropout(z, 0.0)))


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.inner(x)
        return torch.sigmoid(y) if y.sum() > 1e9 else torch.tanh(y)


class Parts(nn.Module):
    """Gives a dict of nested things, and takes a keyword."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 2)

    def forward(self, x: Tensor, *, scale: Tensor) -> dict[str, Any]:
        return {"out": self.inner(x) * scale, "more": (x, [scale])}


def heard(model: nn.Module, site: str | Site, *args: Any, on: Any = None, **kwargs: Any) -> list[Tensor]:
    """Rows at a site during one pass of the model."""
    rows: list[Tensor] = []
    (found,) = find_sites(model, [site], on=on)
    stop = tap(model, found, lambda value: rows.append(to_rows(value, found).clone()))
    try:
        model(*args, **kwargs)
    finally:
        stop()
    return rows


def paths(model: nn.Module, at: Any, on: Any = None) -> list[tuple[str, str, int]]:
    return [(site.path, site.kind, site.axis) for site in find_sites(model, at, on=on)]


def hooks(model: nn.Module) -> int:
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules())


def test_calls_are_found_by_tracing_with_their_axes() -> None:
    wanted = [
        (":add", "add", 1),
        (":mul", "mul", 1),
        (":relu", "relu", 1),
        (":relu@2", "relu", -1),
        (":tanh", "tanh", 1),
    ]
    assert sorted(paths(Called(), ":*")) == wanted
    assert paths(nn.Sequential(Called()), "*:tanh") == [("0:tanh", "tanh", 1)]


def test_calls_are_found_by_running_with_their_axes() -> None:
    assert paths(Called(), ":*", on=torch.zeros(5, 2, 7)) == paths(Called(), ":*")
    assert paths(Called(), [":relu@2", ":relu"], on=torch.zeros(5, 2, 7)) == [
        (":relu@2", "relu", -1),
        (":relu", "relu", 1),
    ]


def test_a_call_whose_axis_nobody_knows_wants_a_site() -> None:
    model, x = Called(), torch.randn(5, 2, 7)
    with pytest.raises(SiteError, match=r"pass at=Site\(':transpose', 'transpose', AXIS\)"):
        find_sites(model, ":transpose", on=x)
    (rows,) = heard(model, Site(":transpose", "transpose", -1), x, on=x)
    assert rows.shape == (35, 4)


def test_what_a_call_gives_is_read_before_it_is_changed_in_place() -> None:
    model, x = Called(), torch.randn(5, 2, 7)
    (rows,) = heard(model, ":mul", x)
    assert torch.equal(rows, functional.relu(model.conv(x)).movedim(1, -1).reshape(-1, 4) * 2)
    (rows,) = heard(model, ":relu@2", x, on=x)
    assert torch.equal(rows, model(x).reshape(-1, 3))
    assert hooks(model) == 0


def test_one_place_that_runs_twice_is_heard_twice() -> None:
    class Loop(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            for _ in range(3):
                x = torch.sin(x)
            return x

    rows = heard(Loop(), ":sin", torch.ones(2, 3))
    assert len(rows) == 3
    assert torch.equal(rows[2], torch.ones(2, 3).sin().sin().sin())


def test_each_of_two_modules_of_one_class_hears_its_own() -> None:
    model, x = nn.Sequential(nn.Linear(2, 2), Branching(), Branching()), torch.randn(4, 2)
    for path in ("1:tanh", "2:tanh"):
        (rows,) = heard(model, path, x, on=x)
        assert torch.equal(rows, model[: int(path[0]) + 1](x))


def test_code_that_cannot_be_traced_says_so_and_runs() -> None:
    with pytest.raises(SiteError, match=r"(?s)cannot be traced.*on=batch"):
        find_sites(Branching(), ":tanh")
    assert paths(Branching(), ":*", on=torch.zeros(1, 2)) == [(":tanh", "tanh", -1)]
    with pytest.raises(SiteError, match="no call 'sigmoid'"):
        find_sites(Branching(), ":sigmoid", on=torch.zeros(1, 2))
    with pytest.raises(SettingError, match="does not run on the batch"):
        find_sites(Branching(), ":tanh", on=torch.zeros(1, 3))
    with pytest.raises(SiteError, match="did you mean ':relu'"):
        find_sites(Called(), ":rely")


def test_finding_by_running_leaves_the_model_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout(0.5), Branching())
    before, random = copy.deepcopy(model.state_dict()), torch.random.get_rng_state()
    find_sites(model, "*:tanh", on=torch.randn(5, 2, generator=torch.Generator()))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random)
    assert hooks(model) == 0


def test_gradients_are_the_same_with_a_tap() -> None:
    model, x = Called(), torch.randn(5, 2, 7)
    model(x).sum().backward()
    before = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
    model.zero_grad()
    stops = [tap(model, site, lambda value: None) for site in find_sites(model, ["*", ":*", "*:input"], on=x)]
    model(x).sum().backward()
    assert all(torch.equal(a, b.grad) for a, b in zip(before, model.parameters(), strict=True) if b.grad is not None)
    for stop in stops:
        stop()
    assert hooks(model) == 0


def test_an_exception_in_a_pass_leaves_no_listener_behind() -> None:
    model, rows = Called(), []
    stop = tap(model, find_sites(model, ":relu")[0], lambda value: rows.append(value))
    with pytest.raises(RuntimeError):
        model(torch.zeros(5, 3, 7))
    functional.relu(torch.zeros(1))
    assert rows == []
    model(torch.zeros(5, 2, 7))
    assert len(rows) == 1
    stop()


def test_an_inactive_tap_and_a_copy_of_the_model_hear_nothing() -> None:
    model, rows = Called(), []
    for path in (":relu", "conv", "conv:input"):
        tap(model, find_sites(model, path)[0], rows.append, active=lambda: False)
    model(torch.zeros(5, 2, 7))
    other = Called()
    tap(other, find_sites(other, ":relu")[0], rows.append)
    tap(other, find_sites(other, "conv")[0], rows.append)
    copy.deepcopy(other)(torch.zeros(5, 2, 7))
    assert rows == []


def test_a_compiled_model_is_refused_for_calls() -> None:
    model = torch.compile(Called(), backend="eager")
    with pytest.raises(SiteError, match="before compiling"):
        tap(model, find_sites(model, ":relu")[0], print)  # type: ignore[arg-type]


def test_parts_of_outputs() -> None:
    model, x, scale = Parts(), torch.randn(4, 3), torch.ones(2)
    assert torch.equal(heard(model, "['out']", x, scale=scale)[0], model.inner(x))
    assert torch.equal(heard(model, "['more'][0]", x, scale=scale)[0], x)
    assert heard(model, "['more'][1][0]", x, scale=scale)[0].shape == (1, 2)
    with pytest.raises(SiteError, match=r"no part \[5\]: it is tuple of 2"):
        heard(model, "['more'][5]", x, scale=scale)
    with pytest.raises(SiteError, match=r"no part \['no'\]: it is dict with \['out'\], \['more'\]"):
        heard(model, "['no']", x, scale=scale)
    with pytest.raises(SiteError, match=r"it is one Tensor"):
        heard(model, "inner[0]", x, scale=scale)


def test_recurrent_layers() -> None:
    model, x = nn.ModuleDict({"rnn": nn.LSTM(3, 5, num_layers=2), "cell": nn.LSTMCell(3, 4)}), torch.randn(7, 2, 3)
    output, (h, c) = model["rnn"](x)
    layer = model["rnn"]
    for path, value in (("[0]", output), ("[1][0]", h), ("[1][1]", c), ("", output)):
        assert torch.equal(heard(layer, path, x)[0], value.reshape(-1, 5))
    assert find_sites(model, ["rnn[1][1]", "cell[1]"])[1] == Site("cell[1]", "LSTMCell", -1)
    assert torch.equal(heard(model["cell"], "[1]", x[0])[0], model["cell"](x[0])[1])
    packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([7, 4]))
    assert heard(layer, "", packed)[0].shape == (11, 5)


def test_inputs_by_place_and_by_name() -> None:
    model, x, scale = Parts(), torch.randn(4, 3), torch.ones(4, 2)
    assert torch.equal(heard(model, ":input", x, scale=scale)[0], x)
    assert torch.equal(heard(model, "inner:input", x, scale=scale)[0], x)
    assert torch.equal(heard(model, ":input['scale']", x, scale=scale)[0], scale)
    with pytest.raises(SiteError, match=r"no part \[1\]: it is dict with \[0\], \['scale'\]"):
        heard(model, ":input[1]", x, scale=scale)


def test_axes_of_inputs() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Sequential(nn.Flatten(), nn.Linear(16, 2)), nn.Tanh())
    found = {path: axis for path, _, axis in paths(model, ["*:input", "2:input"])}
    assert found == {"0:input": 1, "1:input": 1, "2:input": -1, "2.0:input": 1, "2.1:input": -1, "3:input": -1}


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("sizes", [{}, {"kdim": 6, "vdim": 4}])
def test_heads_and_scores_are_those_of_the_layer(first: bool, sizes: dict[str, int]) -> None:
    layer = nn.MultiheadAttention(8, 2, batch_first=first, dropout=0.5, **sizes).double()
    q, k, v = (torch.randn(3, 5, size).double() for size in (8, sizes.get("kdim", 8), sizes.get("vdim", 8)))
    mask = torch.triu(torch.full((5, 5), -torch.inf), 1).double() if first else None
    (heads,) = heard(layer, ":heads", q, k, v, attn_mask=mask, need_weights=False)
    (scores,) = heard(layer, ":scores", q, k, v, attn_mask=mask)
    output, weights = layer.eval()(q, k, v, attn_mask=mask, average_attn_weights=False)
    assert torch.allclose(layer.out_proj(heads), output.reshape(-1, 8))
    assert torch.allclose(scores, weights.movedim(1, -1).reshape(-1, 2))


def test_looking_into_attention_draws_no_random_numbers() -> None:
    layer, x = nn.MultiheadAttention(8, 2, dropout=0.5), torch.randn(3, 5, 8)
    torch.manual_seed(1)
    plain = layer(x, x, x)[0]
    torch.manual_seed(1)
    stop = tap(layer, find_sites(layer, ":heads")[0], lambda value: None)
    assert torch.equal(layer(x, x, x)[0], plain)
    stop()


def test_attention_called_as_a_function() -> None:
    class Own(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            heads = x.unflatten(-1, (2, 4)).transpose(1, 2)
            mixed = functional.scaled_dot_product_attention(heads, heads, heads)
            return mixed.transpose(1, 2).flatten(2)

    x = torch.randn(3, 5, 8)
    assert paths(Own(), ":*") == [(":scaled_dot_product_attention", "scaled_dot_product_attention", -1)]
    (rows,) = heard(Own(), ":scaled_dot_product_attention", x)
    assert rows.shape == (30, 4)
