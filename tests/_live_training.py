"""A training that is watched into a folder, run as a process of its own: python _live_training.py FOLDER.

Its second hidden layer has a name that would do harm on a careless page, and dies after some steps. It goes on until a file
"stop" is in the folder, at most a minute or two.
"""

from __future__ import annotations

import sys
import time
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

from neurofn.instruments import ActivatedNeurons, Dormant, EpsilonRank, Moments
from neurofn.watching import watch

NAME = "<script>alert(1)</script><img src=x onerror=alert(2)>"
DIES = 60  # step


def main(folder: Path) -> None:
    """Train until somebody asks for an end."""
    torch.manual_seed(0)
    layers = [("first", nn.Linear(8, 32)), ("act", nn.Tanh()), ("second", nn.Linear(32, 32)), (NAME, nn.ReLU())]
    model = nn.Sequential(OrderedDict([*layers, ("last", nn.Linear(32, 1))]))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    inputs = torch.randn(256, 8)
    targets = inputs.prod(dim=1, keepdim=True).sin()
    set_of = (Moments(), EpsilonRank(eps=1e-3, relative=True), ActivatedNeurons(), Dormant())
    with watch(model, *set_of, every=2).to(folder) as record:
        for step in range(4000):
            loss = nn.functional.mse_loss(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            record.log(loss=loss.item())
            if step == DIES:
                nn.init.constant_(model[2].bias, -100.0)
            time.sleep(0.02)
            if (folder / "stop").exists():
                break


if __name__ == "__main__":
    main(Path(sys.argv[1]))
