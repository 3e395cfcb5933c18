"""Swapping in networks that others trained: a convolutional one for pictures, a transformer for sentences."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from _pretrained import BLOCKS, efficientnet, minilm
from neurofn import swap

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("random_state_of_its_own")]


def photographs() -> Tensor:
    """Two photographs that come with scikit-learn, as the network wants them."""
    datasets = pytest.importorskip("sklearn.datasets")
    images = [torch.tensor(datasets.load_sample_image(name)) for name in ("china.jpg", "flower.jpg")]
    square = torch.stack([image[:420, 100:520].permute(2, 0, 1).float() for image in images])
    return (torch.nn.functional.interpolate(square, size=224, mode="bilinear", antialias=True) - 127) / 128


def test_all_places_of_efficientnet() -> None:
    model, x = efficientnet(), photographs()
    places = ["relu6_call", "relu6_call_2"]
    for number, (*_, expansion) in enumerate(BLOCKS):
        places += [f"_blocks.{number}.relu6_call{end}" for end in ("", "_2")[: 1 + (expansion > 1)]]
    with torch.no_grad():
        wanted = model(x)
        for on in (None, x):
            same = swap(model, "relu6", "relu6", on=on)
            assert sorted(same.sites) == sorted(places)
            assert len(same.sites) == 33
            # Same asks for the larger of two sides of its input, which tracing cannot know.
            assert [line.partition(":")[0] for line in same.left] == (
                [] if on is x else ["_conv_stem and 48 more like it"]
            )
            assert same.model.state_dict().keys() == model.state_dict().keys()
            assert torch.equal(same.model(x), wanted)
        other = swap(model, "relu6", "relu", on=x)
        assert len(other.sites) == 33
        assert other.difference > 0.1
        assert wanted.argmax(-1)[1] == 985  # a daisy: the weights are where they belong
        # Without the cut at 6 the trained network sees none: it relies on it, and has to be trained again.
        assert other.model(x).argmax(-1)[1] != 985
        assert swap(model, "relu6", "silu", at="_blocks.1*").model(x).sub(wanted).abs().max() > 0.1


def test_places_of_efficientnet_learn() -> None:
    model = swap(efficientnet(), "relu6", "prelu").model.train()
    model(photographs()[:, :, ::4, ::4]).logsumexp(-1).sum().backward()
    slopes = [value.grad for name, value in model.named_parameters() if "relu6_call" in name]
    assert len(slopes) == 33
    assert all(slope.isfinite() and slope != 0 for slope in slopes)


def test_all_places_of_minilm() -> None:
    model, words = minilm()
    texts = ["a man is playing a guitar", "someone plays the guitar well", "the stock market fell again today"]
    tokens = torch.tensor([[words[word] for word in ("[CLS]", *text.split()[:6], "[SEP]")] for text in
                           (text if len(text.split()) == 6 else text + " now" for text in texts)])  # fmt: skip
    with torch.no_grad():
        wanted = model(tokens)
        near, far = (wanted[0] @ wanted[1]).item(), (wanted[0] @ wanted[2]).item()
        assert near > far + 0.4  # the weights are where they belong
        same = swap(model, "gelu", "gelu", on=tokens)
        assert same.sites == tuple(f"encoder.layer.{i}.gelu_call" for i in range(6))
        assert same.left == ()
        assert same.difference < 1e-5
        other = swap(model, "gelu", "silu", on=tokens)
        assert other.sites == same.sites
        assert other.difference > 1e-2
        moved = other.model(tokens)
        assert moved[0] @ moved[1] > moved[0] @ moved[2]
        assert len(swap(model, "gelu", "silu", at="encoder.layer.[135]*").sites) == 3


def test_layers_of_minilm_become_neurons() -> None:
    model, words = minilm()
    tokens = torch.tensor([[words[word] for word in ("[CLS]", "a", "man", "plays", "chess", "[SEP]")]])
    swapped = swap(model, "linear", "sum(silu + bspline(grid=4))", at="*.intermediate.dense", on=tokens)
    assert swapped.sites == tuple(f"encoder.layer.{i}.intermediate.dense" for i in range(6))
    assert swapped.difference < 1e-4
