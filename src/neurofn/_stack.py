"""Several seeds of one network as one batched network: the weights, the outputs, and one fast function for the gradients."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from ._errors import SettingError, ShapeError

__all__ = ["Gradients", "Loss", "Stack", "build_seeded", "cast"]

Loss = Callable[[Tensor, Tensor], Tensor]
"""(prediction (n, ...), target (n, ...)) -> one number, for example ``torch.nn.functional.cross_entropy``."""

Gradients = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(inputs, targets) -> (gradient, laid out like ``Stack.weights``; losses (seeds,))."""


def build_seeded(build: Callable[[int], nn.Module], seed: int) -> nn.Module:
    """``build(seed)`` while torch's CPU random state is that of ``seed``; the state is put back afterwards.

    >>> one, two = (build_seeded(lambda seed: nn.Linear(2, 1), 7) for _ in range(2))
    >>> torch.equal(one.weight, two.weight)
    True
    """
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(seed)
        return build(seed)


def cast(data: Tensor, dtype: torch.dtype) -> Tensor:
    """Floating-point data in ``dtype``; labels as they are."""
    return data.to(dtype) if data.is_floating_point() else data


class Stack:
    """Several seeds of one network, their weights stacked along a first axis, so that they train as one batched network.

    ``build(seed)`` gives the network of that seed; it may use torch's random state, which is that of ``seed`` while it runs
    and is put back afterwards. All networks need the same structure: only parameters and buffers may differ between seeds.
    Parameters with ``requires_grad=False`` stay as they are in training.

    parameters, buffers: name -> tensor (seeds, ...). weights: all learned parameters in one vector; the learned entries of
    ``parameters`` are views of it. Raises SettingError for no seeds, repeated seeds, or a network that draws random numbers
    while it trains (dropout), and ShapeError for networks of different structure.

    >>> stack = Stack(lambda seed: nn.Linear(3, 2), seeds=[0, 1, 2, 3])
    >>> stack(torch.zeros(5, 3)).shape
    torch.Size([4, 5, 2])
    >>> stack.network(2)
    Linear(in_features=3, out_features=2, bias=True)
    """

    def __init__(self, build: Callable[[int], nn.Module], seeds: Sequence[int]) -> None:
        self.seeds = tuple(int(seed) for seed in seeds)
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise SettingError(
                f"seeds={list(self.seeds)}: give one or more different whole numbers, for example range(10)"
            )
        networks = [build_seeded(build, seed) for seed in self.seeds]
        _check_alike(networks)
        self._base = networks[0].train()
        self.learned = tuple(name for name, tensor in networks[0].named_parameters() if tensor.requires_grad)
        self.parameters = _stacked([network.named_parameters() for network in networks])
        self.buffers = _stacked([network.named_buffers() for network in networks])
        # One vector for everything that is learned: the optimizer then has one tensor to update, whatever the network.
        learned = [self.parameters[name] for name in self.learned]
        self.weights = torch.cat([tensor.flatten() for tensor in learned]) if learned else torch.zeros(0)
        parts = torch.split(self.weights, [tensor.numel() for tensor in learned])
        for name, part, tensor in zip(self.learned, parts, learned, strict=True):
            self.parameters[name] = part.view_as(tensor)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the first floating-point parameter; the default dtype where there is none."""
        return floating_dtype(self.parameters.values())

    def __call__(self, x: Tensor) -> Tensor:
        """Outputs of every network, in evaluation mode and without gradients: x (n, ...) -> (seeds, n, ...)."""
        forward = torch.func.vmap(self._forward, in_dims=(0, 0, None))
        self._base.eval()
        try:
            with torch.no_grad():
                outputs: Tensor = forward(self.parameters, self.buffers, cast(x, self.dtype))
        finally:
            self._base.train()
        return outputs

    def network(self, index: int) -> nn.Module:
        """A plain copy of the network of ``seeds[index]``, in evaluation mode, that shares no memory with the stack."""
        network = copy.deepcopy(self._base).eval()
        with torch.no_grad():
            state = self.snapshot(index)
            for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
                tensor.copy_(state[name])
        return network

    def snapshot(self, index: int) -> dict[str, Tensor]:
        """A copy of the parameters and buffers of ``seeds[index]``, by name.

        >>> stack = Stack(lambda seed: nn.Linear(3, 2), seeds=[0, 1])
        >>> {name: tuple(tensor.shape) for name, tensor in stack.snapshot(1).items()}
        {'weight': (2, 3), 'bias': (2,)}
        """
        return {name: tensor[index].clone() for name, tensor in self._state().items()}

    def restore(self, index: int, state: dict[str, Tensor]) -> None:
        """Put a snapshot back into ``seeds[index]``; raises ShapeError when its names are not those of this network."""
        if state.keys() != self._state().keys():
            raise ShapeError(f"a snapshot of {sorted(state)} does not fit a network of {sorted(self._state())}")
        for name, tensor in self._state().items():
            tensor[index].copy_(state[name])

    def gradients(self, loss: Loss, data: tuple[Tensor, Tensor], *, shared: bool) -> Gradients:
        """The function (inputs, targets) -> (gradient of each seed's own loss, the losses), in the network's training mode.

        data: a batch with the shapes and dtypes of all later ones. shared: every seed sees the same samples (n, ...), instead
        of its own (seeds, n, ...).

        The network runs under `torch.func.vmap` once, here, and is recorded; later calls replay the record, which saves the
        cost of vmap and autograd in each step. So its forward pass must do the same at each call: what changes while it
        trains belongs in parameters and buffers, not in Python attributes.
        """
        learned = [self.parameters[name] for name in self.learned]
        other = {name: tensor for name, tensor in self.parameters.items() if name not in self.learned}
        fixed = {**other, **self.buffers}
        axis = None if shared else 0

        def one(learned: list[Tensor], fixed: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
            tensors = dict(zip((*self.learned, *names), [*learned, *fixed], strict=True))
            outputs: Tensor = torch.func.functional_call(self._base, tensors, (x,))
            return loss(outputs, y)

        def every(x: Tensor, y: Tensor, *tensors: Tensor) -> tuple[Tensor, Tensor]:
            split = len(learned)
            each = torch.func.vmap(torch.func.grad_and_value(one), in_dims=(0, 0, axis, axis))
            gradients, losses = each(list(tensors[:split]), list(tensors[split:]), x, y)
            return torch.cat([gradient.flatten() for gradient in gradients]), losses

        names = list(fixed)
        # Recording runs the network, and a run may change buffers (batch normalisation): so it gets copies.
        copies = [tensor.clone() for tensor in fixed.values()]
        recorded = _record(every, (*data, *learned, *copies))
        inputs = [*learned, *fixed.values()]
        return lambda x, y: recorded(x, y, *inputs)

    def _state(self) -> dict[str, Tensor]:
        return {**self.parameters, **self.buffers}

    def _forward(self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor) -> Tensor:
        outputs: Tensor = torch.func.functional_call(self._base, (parameters, buffers), (x,))
        return outputs


def floating_dtype(tensors: Iterable[Tensor]) -> torch.dtype:
    """The dtype of the first floating-point tensor; the default dtype where there is none."""
    return next((tensor.dtype for tensor in tensors if tensor.is_floating_point()), torch.get_default_dtype())


def _stacked(named: Sequence[Iterable[tuple[str, Tensor]]]) -> dict[str, Tensor]:
    by_name: dict[str, list[Tensor]] = {}
    for tensors in named:
        for name, tensor in tensors:
            by_name.setdefault(name, []).append(tensor.detach())
    return {name: torch.stack(tensors) for name, tensors in by_name.items()}


def _check_alike(networks: Sequence[nn.Module]) -> None:
    for module in networks[0].modules():
        if isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0:
            raise SettingError(
                f"{module} draws random numbers in training, which stacked seeds cannot repeat; leave it out"
            )

    def structure(network: nn.Module) -> list[tuple[Any, ...]]:
        tensors = [*network.named_parameters(), *network.named_buffers()]
        return [(name, tuple(tensor.shape), tensor.dtype, tensor.requires_grad) for name, tensor in tensors]

    first = structure(networks[0])
    for network in networks[1:]:
        if (other := structure(network)) != first:
            mine, theirs = [row for row in first if row not in other], [row for row in other if row not in first]
            raise ShapeError(
                f"build gave another structure for another seed: {theirs or other} instead of {mine or first}"
            )
    learned = {dtype for _, _, dtype, requires_grad in first if requires_grad}
    if len(learned) > 1:
        raise ShapeError(f"the learned parameters have dtypes {sorted(map(str, learned))}; give all of them one dtype")


def _record(function: Callable[..., tuple[Tensor, Tensor]], inputs: tuple[Tensor, ...]) -> Callable[..., Any]:
    """``function`` as a straight list of tensor operations, for inputs of these shapes."""
    from torch._decomp import get_decompositions
    from torch.fx.experimental.proxy_tensor import make_fx  # here, since it loads sympy

    # The kernel of log-softmax goes row by row; over a few classes its parts, each over all rows, take a third of the time.
    aten = torch.ops.aten
    parts: Any = get_decompositions([aten._log_softmax.default, aten._log_softmax_backward_data.default])
    module = make_fx(function, decomposition_table=parts)(*inputs)
    _simplify(module.graph)
    module.recompile()
    forward: Callable[..., Any] = module.forward
    return forward


def _simplify(graph: fx.Graph) -> None:
    """Drop what computes nothing new: reshapes to the same shape, doubled transposes, repeated operations.

    vmap leaves many of these, and on small networks they cost as much as the products. A graph that writes into its inputs is
    left alone, because there a repeated operation may give another result.
    """
    nodes = [node for node in graph.nodes if node.op == "call_function"]
    schemas = [getattr(node.target, "_schema", None) for node in nodes]
    if any(schema is not None and (schema.is_mutable or "batch_norm" in schema.name) for schema in schemas):
        return
    known: dict[tuple[Any, str, str], fx.Node] = {}
    for node in nodes:
        same = _same_as(node) or known.setdefault((node.target, repr(node.args), repr(node.kwargs)), node)
        if same is not node:
            node.replace_all_uses_with(same)
            graph.erase_node(node)
    graph.eliminate_dead_code()


def _same_as(node: fx.Node) -> fx.Node | None:
    """The earlier node with the same values, where the operation tells so."""
    aten = torch.ops.aten
    before = node.args[0] if node.args else None
    if not isinstance(before, fx.Node):
        return None
    if node.target in (aten.expand.default, aten.view.default, aten._unsafe_view.default):
        return before if before.meta["val"].shape == node.meta["val"].shape else None
    if node.target is aten.mul.Scalar and node.args[1] == 1:
        return before if before.meta["val"].dtype == node.meta["val"].dtype else None
    if node.target is aten.transpose.int and before.target is aten.transpose.int and before.args[1:] == node.args[1:]:
        return before.args[0] if isinstance(before.args[0], fx.Node) else None
    return None
