"""Networks of neuron layers as one file of numbers and text, never code: tensors, and the texts that build the layers."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .._errors import MissingExtraError, NeurofnError, SettingError, StoreError
from ._gather import Gather
from .init import bases_of
from .language import Activated, Aggregated, Tree, neuron
from .layer import NeuronLayer

__all__ = ["Scale", "load_network", "save_network"]

SCHEMA = 1
KEY = "neurofn"
MOST_LAYERS = 10_000


class Scale(nn.Module):
    """``x * scale + shift`` with fixed numbers (n,): from the units in which a network learned to those of its user.

    >>> Scale(torch.tensor([2.0]), torch.tensor([1.0]))(torch.tensor([[3.0]]))
    tensor([[7.]])
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, scale: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", scale.to(torch.get_default_dtype()))
        self.register_buffer("shift", shift.to(torch.get_default_dtype()))

    def forward(self, x: Tensor) -> Tensor:
        """(..., n) -> (..., n)."""
        return x * self.scale + self.shift


def save_network(model: nn.Module, path: str | os.PathLike[str]) -> Path:
    """Write a layer of neurons, or a `torch.nn.Sequential` of them (and of `Scale`), as one safetensors file; gives its path.

    The file holds the state and, as JSON in its header, the text and size of each layer. A file that is there is replaced in
    one step. Raises SettingError for a model with other modules in it, StoreError where the file cannot be written, and
    MissingExtraError without the package safetensors.

    >>> import tempfile
    >>> from neurofn import neuron
    >>> layer = neuron("silu(sum(linear)) * sum(linear)").dense(3, 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load_network(save_network(layer, f"{folder}/glu.safetensors"))
    NeuronLayer(silu(sum(linear)) * sum(linear), 3 -> 2, path=fused)
    """
    package = _safetensors()
    single = not isinstance(model, nn.Sequential)
    parts = [("", model)] if single else list(model.named_children())
    text = {"schema": SCHEMA, "single": single, "layers": [_described(name, part) for name, part in parts]}
    state = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in model.state_dict().items()}
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(package.torch.save(state, metadata={KEY: json.dumps(text)}))
        os.replace(partial, target)
    except OSError as error:
        raise StoreError(f"cannot write the network to {str(target)!r}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return target


def load_network(path: str | os.PathLike[str]) -> nn.Module:
    """The network that `save_network` wrote, in evaluation mode; no code of the file is run, and its sizes are checked first.

    Raises StoreError for a file that cannot be read, is of another kind, or whose texts and numbers do not fit each other.

    >>> load_network("missing.safetensors")
    Traceback (most recent call last):
    ...
    neurofn._errors.StoreError: cannot read a network from 'missing.safetensors': No such file or directory
    """
    package = _safetensors()
    try:
        text, state = _read(package, Path(path))
        return _built(text, state)
    except (NeurofnError, package.SafetensorError, OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        said = str(error).splitlines()[:1] if isinstance(error, NeurofnError) else str(error).split()
        reason = getattr(error, "strerror", None) or " ".join(said)[:300]
        raise StoreError(f"cannot read a network from {str(path)!r}: {reason}") from error


def _safetensors() -> Any:
    try:
        import safetensors
        import safetensors.torch
    except ImportError as error:
        raise MissingExtraError("safetensors", extra="models", purpose="saving and loading a network") from error
    return safetensors


def _described(name: str, part: nn.Module) -> dict[str, Any]:
    if isinstance(part, NeuronLayer):
        return {"name": name, "neuron": str(part.neuron), "n_in": part.n_in, "n_out": part.n_out, "init": part.init}
    if isinstance(part, Scale):
        return {"name": name, "scale": len(part.scale)}
    raise SettingError(
        f"a saved network is layers of neurons one after the other; this one has a {type(part).__name__} at {name!r}: "
        "save its state_dict() with your own code beside it"
    )


def _read(package: Any, path: Path) -> tuple[Mapping[str, Any], dict[str, Tensor]]:
    """The text and the tensors; safetensors refuses a header that does not fit the file."""
    if not path.exists():
        path.read_bytes()  # the operating system says best what is wrong
    with package.safe_open(path, framework="pt") as file:
        written = (file.metadata() or {}).get(KEY)
        if written is None:
            raise ValueError("it was not written by neurofn.neurons.saved.save_network")
        text = json.loads(written)
        if not isinstance(text, dict) or text.get("schema") != SCHEMA or not isinstance(text.get("layers"), list):
            raise ValueError(f"its description is not of schema {SCHEMA}; update with: pip install -U neurofn")
        return text, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no mapping


def _built(text: Mapping[str, Any], state: dict[str, Tensor]) -> nn.Module:
    entries, single = text["layers"], bool(text.get("single"))
    if not 1 <= len(entries) <= MOST_LAYERS or (single and len(entries) > 1):
        raise ValueError(f"it has {len(entries)} layers")
    dtype = next((tensor.dtype for tensor in state.values() if tensor.is_floating_point()), torch.float32)
    network = nn.Sequential()
    for entry in entries:
        name = "" if single else str(entry["name"])
        own = {key.removeprefix(f"{name}."): tensor for key, tensor in state.items() if key.startswith(f"{name}.")}
        part = _part(entry, state if single else own).to(dtype)
        if single:
            network = part  # type: ignore[assignment]
        else:
            network.add_module(name, part)
    network.load_state_dict(state, strict=True)
    for module in network.modules():
        if isinstance(module, Gather):
            _check_gather(module)
    return network.eval()


def _check_gather(gather: Gather) -> None:
    """What a layer takes from a state as it is, in any shape: pruned edges, ranges and grids."""
    wanted: dict[str, tuple[Tensor | None, tuple[int, ...]]] = {
        "mask": (gather.mask, (gather.n_in, gather.n_out)),
        "low": (gather.range.low, (gather.n_in,)),
        "high": (gather.range.high, (gather.n_in,)),
        "left": (gather.range.left, ()),
    }
    for index, basis in enumerate(gather.bases):
        breaks = getattr(gather, f"breaks_{index}")
        wanted[f"breaks_{index}"] = breaks, (gather.n_in, (basis.breaks or 0) + 1)
        if breaks is not None and not (breaks.isfinite().all() and (breaks.diff(dim=-1) >= 0).all()):
            raise ValueError("its grids are not finite numbers that grow")
    for name, (tensor, shape) in wanted.items():
        if tensor is not None and tuple(tensor.shape) != shape:
            raise ValueError(f"{name} is {tuple(tensor.shape)} where its layer needs {shape}")


def _part(entry: Mapping[str, Any], state: Mapping[str, Tensor]) -> nn.Module:
    """The module of one entry, once the file has as many numbers as its layer would take."""
    if "neuron" not in entry:
        size = _size(entry["scale"])
        _fits(2 * size, state)
        return Scale(torch.ones(size), torch.zeros(size))
    n_in, n_out = _size(entry["n_in"]), _size(entry["n_out"])
    read = neuron(entry["neuron"])
    _fits(n_in * n_out * _terms(read.tree), state)
    with torch.random.fork_rng(devices=()):  # building draws weights, which the file's then replace
        return read.dense(n_in, n_out, init=entry["init"])


def _size(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"it gives {value!r} as the size of a layer")
    return value


def _fits(wanted: int, state: Mapping[str, Tensor]) -> None:
    held = sum(math.prod(tensor.shape) for tensor in state.values())
    if wanted > held:
        raise ValueError(f"a layer of {wanted:,} numbers is described, and {held:,} are there")


def _terms(tree: Tree) -> int:
    """How many weights a pair of input and neuron has."""
    if isinstance(tree, Aggregated):
        return sum(basis.size for basis in bases_of(tree.edge))
    if isinstance(tree, Activated):
        return _terms(tree.inner)
    return _terms(tree.left) + _terms(tree.right)
