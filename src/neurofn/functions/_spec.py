"""What a function is: a printed formula, its parameters, its facts, its source; and tensor code where a check asks for it.

A part file holds declarations only and can be imported without torch. A *family* (rational, chebyshev, ...) is declared once
and has whole-number settings that fix how many parameters there are; because it is linear in its coefficients it also serves
as a basis of an edge, where every coefficient becomes a weight of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .._errors import SettingError, did_you_mean
from .._registry import NEURON_NAMES, Registry
from ..formula import Formula
from ._facts import Count, Entry, Facts, Parameter

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Function", "Member", "TensorCode", "catalogue", "from_member"]

TensorCode = Callable[..., Any]


@dataclass(frozen=True)
class Member:
    """One member of a family: formula, parameters, and code for the terms whose sum, weighted by the coefficients, it is.

    ``code`` is for where that sum is not accurate enough.

    >>> from neurofn import catalogue
    >>> catalogue["chebyshev"].build(degree=2).coefficients
    ('c0', 'c1', 'c2')
    """

    formula: str
    parameters: Mapping[str, Parameter]
    coefficients: tuple[str, ...]
    terms: TensorCode
    code: TensorCode | None = None


@dataclass(frozen=True)
class Function:
    """A scalar function of a tensor: ``fn(x)``, elementwise, same shape and dtype; 16-bit inputs are computed in float32.

    >>> from neurofn.functions import catalogue
    >>> fn = catalogue["elu"]
    >>> fn.formula, fn.source
    ('where(z >= 0, z, a*(exp(z) - 1))', 'arXiv:1511.07289')
    >>> import torch
    >>> fn(torch.tensor([-1.0, 2.0]), a=0.5)
    tensor([-0.3161,  2.0000])
    """

    name: str
    formula: str
    source: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    code: TensorCode | None = field(default=None, repr=False)
    stable: str | None = field(default=None, repr=False)
    far: tuple[int, int] | None = field(default=None, repr=False)
    entry: Entry = field(default_factory=Entry)
    structure: Mapping[str, Count] = field(default_factory=dict)
    shape: Mapping[str, int] = field(default_factory=dict)
    coefficients: tuple[str, ...] = ()
    build: Callable[..., Member] | None = field(default=None, repr=False)
    member: Member | None = field(default=None, repr=False)  # kept, since building one may cost more than a layer

    @cached_property
    def definition(self) -> Formula:
        """The formula as an object that can be evaluated, printed and taken apart."""
        return Formula(self.formula)

    @cached_property
    def written(self) -> Formula:
        """The formula that tensors are given: ``stable`` where one is declared, else the formula itself."""
        above_zero = frozenset(name for name, p in self.parameters.items() if p.low is not None and p.low > 0)
        return Formula(self.stable or self.formula, above_zero)

    @property
    def latex(self) -> str:
        """The formula for a page."""
        return self.definition.latex

    @property
    def defaults(self) -> dict[str, float]:
        """Every parameter at its default."""
        return {name: parameter.default for name, parameter in self.parameters.items()}

    def shaped(self, **counts: int) -> Function:
        """The member of this family with these whole-number settings (the function itself where it is no family)."""
        if not counts:
            return self
        if self.build is None:
            raise SettingError(f"{self.name} has no whole-number settings, got {', '.join(counts)}")
        for name, value in counts.items():
            self._spec(name).check(f"{self.name}: {name}", value)
        shape = {**self.shape, **counts}
        return from_member(self, shape, self.build(**shape))

    def split(self, settings: Mapping[str, Any]) -> tuple[Function, dict[str, float]]:
        """The member that the whole-number settings ask for, and the checked values of the other settings."""
        counts = {name: value for name, value in settings.items() if name in self.structure}
        member = self.shaped(**counts)
        member.written.ready()  # modules and layers begin here: a compiler cannot trace a first use
        rest = {name: value for name, value in settings.items() if name not in counts}
        return member, {name: member._spec(name).check(f"{self.name}: {name}", value) for name, value in rest.items()}

    def __call__(self, z: Tensor, **settings: Any) -> Tensor:
        """f(z) for a floating-point tensor of any shape; parameters may be tensors that broadcast against it."""
        import torch

        unknown = set(settings) - set(self.parameters)
        if unknown:
            self._spec(min(unknown))
        if not z.is_floating_point():
            raise SettingError(f"{self.name} expects a floating-point tensor, got {z.dtype}; convert it with x.float()")
        narrow = z.dtype in (torch.float16, torch.bfloat16)
        values = {**self.defaults, **settings}
        if narrow:  # one rounding at the end instead of one per operation
            values = {name: v.float() if isinstance(v, torch.Tensor) else v for name, v in values.items()}
        wide = z.float() if narrow else z
        result: Any = self.code(wide, **values) if self.code else self._compute(wide, values)
        if not isinstance(result, torch.Tensor):  # a formula without z
            return torch.full_like(z, result)
        return result.to(z.dtype) if narrow else result

    def _compute(self, z: Tensor, values: dict[str, Any]) -> Any:
        """The formula on tensors; with ``far``, only leading powers are left far out, and are multiplied on last."""
        if self.far is None:
            return self.written.torch(z, **values)
        import torch

        border = 2.0**60 if z.dtype == torch.float64 else 2.0**40
        near = self.written.torch(z.clamp(-border, border), **values)
        low, high = self.far
        if low == high == 0:
            return near
        beyond = (z.abs() / border).clamp(min=1)
        return near * (beyond**low if low == high else torch.where(z < 0, beyond**low, beyond**high))

    def terms(self, z: Tensor, **settings: Any) -> Tensor:
        """The terms of a basis in a last axis of their own: one per coefficient of a family, else f(z) alone."""
        import torch

        if self.member is None:
            return self(z, **settings).unsqueeze(-1)
        others = {n: v for n, v in {**self.defaults, **settings}.items() if n not in self.coefficients}
        terms = self.member.terms(z.float() if z.dtype in (torch.float16, torch.bfloat16) else z, **others)
        return torch.stack([term.expand_as(terms[-1]) for term in terms], dim=-1).to(z.dtype)

    def gain(self, **settings: Any) -> float:
        """The forward gain 1/sqrt(E f(z)**2) for a standard normal z; ``gains`` has the backward gain too.

        >>> from neurofn.functions import catalogue
        >>> round(catalogue["relu"].gain() ** 2, 6)
        2.0
        """
        from ._derive import gains

        return gains(self, **settings)["forward"]

    def module(self, channels: int | None = None, **settings: Any) -> nn.Module:
        """A torch module; learned parameters hold one value, or one per channel of the last axis if ``channels`` is given.

        >>> from neurofn.functions import catalogue
        >>> sum(p.numel() for p in catalogue["prelu"].module(channels=64).parameters())
        64
        """
        from ._module import FunctionModule

        return FunctionModule(self, channels, settings)

    def __deepcopy__(self, memo: object) -> Function:
        return self  # frozen; and a function of your own need not be in the catalogue for its module to be copied

    def __reduce__(self) -> Any:
        # Tensor code cannot be pickled; the name can, and says everything about a function of the catalogue.
        return _restore, (self.name, dict(self.shape))

    def _spec(self, name: str) -> Parameter | Count:
        known: dict[str, Parameter | Count] = {**self.structure, **self.parameters}
        if name not in known:
            hint = did_you_mean(name, known, what="setting") if known else "it has no settings"
            raise SettingError(f"{self.name} has no setting {name!r}; {hint}")
        return known[name]


catalogue: Registry[Function] = Registry("function", package="neurofn.functions", names=NEURON_NAMES)
"""Every function by name and alias; ``catalogue["swish"]``."""


def _restore(name: str, shape: dict[str, int]) -> Function:
    return catalogue[name].shaped(**shape)


def from_member(frame: Function, shape: Mapping[str, int], member: Member) -> Function:
    """The function that a member of a family is; computed from its terms where it has no code of its own."""

    def code(z: Tensor, **values: Any) -> Tensor:
        others = {name: value for name, value in values.items() if name not in member.coefficients}
        parts = [values[name] * term for name, term in zip(member.coefficients, member.terms(z, **others), strict=True)]
        total: Tensor = sum(parts[1:], parts[0])
        return total

    return replace(
        frame,
        formula=member.formula,
        parameters=MappingProxyType(dict(member.parameters)),
        shape=MappingProxyType(dict(shape)),
        coefficients=member.coefficients,
        code=member.code or code,
        member=member,
    )
