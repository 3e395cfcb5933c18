"""What others attach to a training, each installed package as its own documentation has it; for `bench/watch.py`.

A peer is a function of the network and an exit stack. `PEERS` maps the name of a row to the package that it needs and the peer;
what is not installed, or does not import, is left out by `installed`. torchlens stands apart, in `APART`: its first recording
replaces some thousand functions of torch for the rest of the process, which would slow down every other alternative.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from typing import Any

from torch import Tensor, nn

Peer = Callable[[nn.Module, ExitStack], Any]
Read = Callable[[Tensor], object]

LEAVES = (nn.Flatten, nn.MaxPool2d, nn.AdaptiveAvgPool2d, nn.Dropout)


def sites(model: nn.Module) -> list[str]:
    """The paths of all leaves but those that compute nothing of their own."""
    return [name for name, part in model.named_modules() if not list(part.children()) and not isinstance(part, LEAVES)]


def hook_every_site(model: nn.Module, stack: ExitStack, make: Callable[[str], Read]) -> None:
    """Have the outputs of every site read by what `make` gives for its name, for as long as the stack is open."""
    for path in sites(model):
        read = make(path)
        hook = model.get_submodule(path).register_forward_hook(lambda m, i, output, read=read: (read(output), None)[1])
        stack.callback(hook.remove)


def torchmetrics(model: nn.Module, stack: ExitStack) -> None:
    """Two running means a site."""
    from torchmetrics import MeanMetric

    def make(path: str) -> Read:
        mean, share = MeanMetric(), MeanMetric()

        def read(output: Tensor) -> None:
            values = output.detach()
            mean.update(values)
            share.update((values > 0).float())

        return read

    hook_every_site(model, stack, make)


def delve(model: nn.Module, stack: ExitStack) -> None:
    """Its covariances, of dense and convolutional layers; of a sequence it takes the last place only."""
    from delve import SaturationTracker

    logging.getLogger("delve.logger").setLevel(logging.WARNING)
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    stack.callback(SaturationTracker(folder, save_to="csv", modules=model, stats=["lsat"], device="cpu").close)


def tensorboard(model: nn.Module, stack: ExitStack) -> None:
    """A histogram of every site at every step."""
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(stack.enter_context(tempfile.TemporaryDirectory()))
    stack.callback(writer.close)

    def make(path: str) -> Read:
        step = iter(range(10**9))
        return lambda output: writer.add_histogram(path, output.detach(), next(step))

    hook_every_site(model, stack, make)


def torchlens(model: nn.Module, stack: ExitStack) -> None:
    """A recording of every operation at every step, which runs the network once more."""
    from torchlens import record

    recording = False

    def read(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal recording
        if not recording:
            recording = True
            record(module, inputs[0], default_op=True)
            recording = False

    stack.callback(model.register_forward_hook(read).remove)


PEERS: dict[str, tuple[str, Peer]] = {
    "torchmetrics, 2 numbers": ("torchmetrics", torchmetrics),
    "delve, covariances": ("delve", delve),
    "TensorBoard histograms": ("tensorboard", tensorboard),
}
APART: dict[str, tuple[str, Peer]] = {"torchlens record": ("torchlens", torchlens)}


def installed(peers: dict[str, tuple[str, Peer]]) -> dict[str, Peer]:
    """The peers whose package imports here."""
    found = {}
    for name, (package, peer) in peers.items():
        try:
            import_module(package)
        except ImportError:
            continue
        found[name] = peer
    return found
