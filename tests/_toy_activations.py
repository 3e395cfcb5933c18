"""Packages of activations to audit: in one each class has exactly one fault, in the other one each is hostile."""

from __future__ import annotations

FAULTY = '''
import torch
from torch import nn
from torch.nn import functional as F

class Activation(nn.Module):
    def forward(self, x):
        return self.of(x)

class SiLUActivation(Activation):  # right, under a longer name
    of = staticmethod(F.silu)

class LeakyReLU(Activation):  # right, with a setting of another name and default
    def __init__(self, leak=0.2):
        super().__init__(); self.leak = leak
    def of(self, x): return torch.where(x >= 0, x, self.leak * x)

class GELU(Activation):
    """Applies :math:`\\\\text{GELU}(x) = x \\\\cdot \\\\Phi(x)`."""
    def of(self, x): return F.gelu(x) + 0.05 * torch.sin(x)

class ELU(Activation):  # right at the default only
    def __init__(self, alpha=1.0):
        super().__init__(); self.alpha = alpha
    def of(self, x): return torch.where(x >= 0, x, self.alpha * x.clamp(max=0).exp() - 1)

class Gaussian(Activation):  # the same shape
    def of(self, x): return torch.exp(-x * x / 2)

class Mish(Activation):  # the same shape, but of a function that torch has too
    def of(self, x): return x * torch.tanh(F.softplus(1.1 * x))

class TanhExp(Activation):  # another function of the catalogue
    def of(self, x): return torch.relu(x)

class Tanh(Activation):
    def of(self, x): return torch.tanh(x.detach()) + 0 * x

class Softplus(Activation):
    def of(self, x): return torch.where(x > 20, x, torch.log1p(torch.exp(x)))

class Sigmoid(Activation):
    def of(self, x): return torch.where(x > 50, torch.full_like(x, float("nan")), torch.sigmoid(x))

class Identity(Activation):
    def of(self, x): return x + (x * x * 0).detach()

class SELU(Activation):
    def of(self, x): return 1.0507 * torch.where(x >= 0, x, 1.6733 * torch.expm1(x.clamp(max=0)))

class ReLU(Activation):
    def of(self, x): return F.relu(x).float()

class Softsign(Activation):
    def of(self, x): return F.softsign(x) + torch.zeros(x.shape, dtype=x.dtype)

class _Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x
    @staticmethod
    def backward(ctx, g): return 2 * g * ctx.saved_tensors[0]

class Square(Activation):
    def of(self, x): return _Square.apply(x)

class Sine(Activation):
    def of(self, x):
        print("sine"); return torch.sin(x)

class CELU(Activation):
    def of(self, x):
        if torch.compiler.is_exporting():
            raise RuntimeError("no export")
        return F.celu(x)

class Softshrink(Activation):
    def of(self, x): return F.softshrink(x) + 1e-3 * torch.rand_like(x)

class Hardshrink(Activation):
    def __init__(self):
        raise ValueError("broken")

class LogSigmoid(Activation):
    def of(self, x):
        if x.numel() > 50:
            raise RuntimeError("too many")
        return F.logsigmoid(x)

class MyOwnThing(Activation):  # without an entry of its name
    def of(self, x): return torch.tanh(x)

class Softmax(nn.Module):
    def forward(self, x): return torch.softmax(x, -1)

class Linear(nn.Module):
    def __init__(self, width):
        super().__init__()
    def forward(self, x): return x

class Loss(nn.Module):
    def forward(self, x, y): return x - y

def hardtanh(x, low=-1.0, high=1.0): return x.clamp(low, high)
def unrelated(text): raise SystemExit(text)
'''

HOSTILE = """
import os, sys, time
import torch
from torch import nn

class Prints(nn.Module):
    def __init__(self):
        super().__init__(); print('{"row": null}'); sys.stderr.write("noise"); os.write(1, b"noise")
    def forward(self, x): return torch.relu(x)

class Exits(nn.Module):
    def __init__(self): sys.exit(3)
    def forward(self, x): return x

class ExitsLater(nn.Module):
    def forward(self, x): sys.exit(3)

class Kills(nn.Module):
    def forward(self, x): os._exit(3)

class Hangs(nn.Module):
    def __init__(self):
        super().__init__()
        while True: time.sleep(1)
    def forward(self, x): return x

class Tanh(nn.Module):
    def forward(self, x): return torch.tanh(x)
"""
