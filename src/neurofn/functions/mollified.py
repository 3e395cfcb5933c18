"""Rectifiers and their kin with sqrt(z**2 + eps) in the place of the absolute value.

A difference of two roots is written as a quotient in the forms for tensors: near 0 and far out all its digits would cancel.
"""

from __future__ import annotations

from math import inf

from ._declare import declare
from ._facts import Fixed, Learn

_ROOT = "hypot(z, sqrt(eps))"
_PLUS = f"where(z >= 0, z/2 + {_ROOT}/2, eps/2/({_ROOT} - z))"  # (z + root)/2, a smooth relu
_STEP = f"where(z >= 0, (1 + z/{_ROOT})/2, eps/2/{_ROOT}/({_ROOT} - z))"  # (1 + z/root)/2, a smooth step


def _root(center: str) -> str:
    return f"hypot(z {center}, sqrt(eps))"


def _gap(a: str) -> str:
    """The sum of the roots around a and -a less 2*a, times half of the sum plus 2*a."""
    low, high, beyond = _root(f"- {a}"), _root(f"+ {a}"), f"2*eps*(z*z + {a}*{a}) + eps*eps"
    inside = f"eps + ({beyond})/({low}*{high} + ({a} - z)*({a} + z))"
    return f"where(abs(z) < {a}, {inside}, (z - {a})*(z + {a}) + eps + {low}*{high})"


declare(
    "squareplus", "(z + sqrt(z**2 + eps))/2", stable=_PLUS,
    source="arXiv:2112.11687", section="4.55.1", eps=Fixed(4, low=1e-6), at_zero=(1, 0.5), limits=(0, inf),
    range=(0, inf), monotone="increasing",
)  # fmt: skip

declare(
    "stepplus", "(1 + z/sqrt(z**2 + eps))/2", stable=_STEP,
    source="arXiv:2402.09092", section="4.55.2", eps=Learn(0.01, low=1e-6), at_zero=(0.5, 5), limits=(0, 1),
    range=(0, 1), monotone="increasing",
)  # fmt: skip

declare(
    "bipolarplus", "z/sqrt(z**2 + eps)", cases={"eps=1": "isru"},
    source="arXiv:2402.09092", section="4.55.2", eps=Learn(0.01, low=1e-6), at_zero=(0, 10), limits=(-1, 1),
    range=(-1, 1), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "lreluplus", "(z + a*z + sqrt((1 - a)**2*z**2 + eps))/2",
    stable="where(z >= 0, a*z + (1 - a)*z/2 + hypot((1 - a)*z, sqrt(eps))/2,"
    " a*z + eps/2/(hypot((1 - a)*z, sqrt(eps)) - (1 - a)*z))",
    source="arXiv:2402.09092", section="4.55.3", aliases=("smu_1",), a=Learn(0.01, low=0, high=1),
    eps=Learn(0.01, low=1e-6), at_zero=(0.05, 0.505), limits=(-inf, inf), range=(-inf, inf), monotone="increasing",
    cases={"a=0, eps=4": "squareplus"},
    errata="SMU-1 (arXiv:2111.04682) is this function with mu**2 in the place of eps.",
)  # fmt: skip

declare(
    "vreluplus", "sqrt(z**2 + eps)",
    source="arXiv:2402.09092", section="4.55.4", eps=Learn(0.01, low=1e-6), at_zero=(0.1, 0), limits=(inf, inf),
    range=(0.1, inf), even=True,
    cases={"eps=1": "random_network_multiquadric"},
)  # fmt: skip

declare(
    "softshrinkplus", "z + (sqrt((z - a)**2 + eps) - sqrt((z + a)**2 + eps))/2",
    stable=f"z*2*({_gap('a')})/({_root('- a')} + {_root('+ a')})/({_root('- a')} + {_root('+ a')} + 2*a)", far=(1, 1),
    source="arXiv:2402.09092", section="4.55.5", a=Learn(0.5, low=0), eps=Learn(0.01, low=1e-6),
    at_zero=(0, 0.01941932430907984), limits=(-inf, inf), range=(-inf, inf), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "panplus", "-a + (sqrt((z - a)**2 + eps) + sqrt((z + a)**2 + eps))/2",
    stable=f"({_gap('a')})/({_root('- a')} + {_root('+ a')} + 2*a)", far=(1, 1),
    source="arXiv:2402.09092", section="4.55.6", a=Learn(1, low=0), eps=Learn(0.01, low=1e-6),
    at_zero=(0.004987562112089027, 0), limits=(inf, inf), range=(0.004987562112089027, inf), even=True,
    cases={"a=0": "vreluplus"},
)  # fmt: skip

declare(
    "breluplus", "(1 + sqrt(z**2 + eps) - sqrt((z - 1)**2 + eps))/2",
    stable=f"where(z < 0, eps/2*(1 + (1 - 2*z)/({_ROOT} + {_root('- 1')}))/({_ROOT} - z)/({_root('- 1')} - z + 1),"
    f" where(z <= 1, ({_ROOT} + z + eps/({_root('- 1')} + 1 - z))/({_ROOT} + {_root('- 1')})/2,"
    f" (1 + (2*z - 1)/({_ROOT} + {_root('- 1')}))/2))", far=(-2, 0),
    source="arXiv:2402.09092", section="4.55.7", eps=Learn(0.01, low=1e-6),
    at_zero=(0.047506218943955486, 0.4975185951049946), limits=(0, 1), range=(0, 1), monotone="increasing",
)  # fmt: skip

declare(
    "sreluplus", "a*z + (a - 1)/2*(sqrt((z - t)**2 + eps) - sqrt((z + t)**2 + eps))",
    stable=f"z*(a + (1 - a)*t/({_root('- t')}/2 + {_root('+ t')}/2))",
    source="arXiv:2402.09092", section="4.55.8", a=Learn(0.1), t=Learn(1, low=0), eps=Learn(0.01, low=1e-6),
    at_zero=(0, 0.9955334711889903), limits=(-inf, inf), range=(-inf, inf), odd=True, monotone="increasing",
    cases={"a=0": "hardtanhplus"},
)  # fmt: skip

declare(
    "hardtanhplus", "(sqrt((z + 1)**2 + eps) - sqrt((z - 1)**2 + eps))/2",
    stable=f"z/({_root('- 1')}/2 + {_root('+ 1')}/2)",
    source="arXiv:2402.09092", section="4.55.9", eps=Learn(0.01, low=1e-6),
    at_zero=(0, 0.9950371902099892), limits=(-1, 1), range=(-1, 1), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "hardshrinkplus", "z*(1 + ((z - a)/sqrt((z - a)**2 + eps) - (z + a)/sqrt((z + a)**2 + eps))/2)",
    stable=f"z*(where(z < a, eps/2/{_root('- a')}/({_root('- a')} + a - z), (1 + (z - a)/{_root('- a')})/2)"
    f" + where(z > -a, eps/2/{_root('+ a')}/({_root('+ a')} + a + z), (1 - (z + a)/{_root('+ a')})/2))",
    source="arXiv:2402.09092", section="4.55.10", a=Learn(0.5, low=0), eps=Learn(0.01, low=1e-6),
    at_zero=(0, 0.01941932430907984), limits=(-inf, inf), range=(-inf, inf), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "tsafplus",
    "(sqrt((z - a + c)**2 + eps) - sqrt((z - a)**2 + eps) - sqrt((z - b)**2 + eps) + sqrt((z - b - c)**2 + eps))/(2*c)",
    stable=f"((2*(z - a) + c)/({_root('- a + c')} + {_root('- a')})"
    f" - (2*(z - b) - c)/({_root('- b')} + {_root('- b - c')}))/2", far=(0, 0),
    resolution=1,  # its tails are third differences of a root and are accurate to the size of its top
    source="arXiv:2402.09092", section="4.55.12", a=Learn(-1), b=Learn(1), c=Learn(1, low=0.01),
    eps=Learn(0.01, low=1e-6),
    at_zero=(0.9975108773379896, 0), limits=(0, 0), range=(0, 0.9975108773379896), even=True,
    errata="The survey prints other signs and 1/4 in front, which gives no trapezoid; this comes to one as eps comes to 0.",
)  # fmt: skip

declare(
    "eluplus", "(z + sqrt(z**2 + eps))/2 - eps/(2*(a*(exp(z) - 1) + sqrt(a**2*(exp(z) - 1)**2 + eps)))", far=(0, 1),
    stable=f"where(z >= 0, (z*exp(-z) - a*expm1(-z))/({_ROOT}*exp(-z) + hypot(a*expm1(-z), sqrt(eps)*exp(-z)))"
    f"*(z/2 + {_ROOT}/2 + eps/2*exp(-z)/(hypot(a*expm1(-z), sqrt(eps)*exp(-z)) - a*expm1(-z))),"
    f" (z + a*expm1(z))/({_ROOT} + hypot(a*expm1(z), sqrt(eps)))"
    f"*(eps/2/({_ROOT} - z) + (hypot(a*expm1(z), sqrt(eps)) - a*expm1(z))/2))",
    source="arXiv:2402.09092", section="4.55.13", a=Learn(1, low=0.001), eps=Learn(0.01, low=1e-6),
    at_zero=(0, 1), limits=(-1.0024937810560446, inf), range=(-1.0024937810560446, inf), monotone="increasing",
    errata="The survey prints a plus before the last root, which does not come to elu. Here that difference,"
    " (u - sqrt(u**2 + eps))/2 with u = a*(exp(z) - 1), is a quotient.",
)  # fmt: skip

declare(
    "swishplus", "z*(1 + z/sqrt(z**2 + eps))/2",
    stable=f"where(z >= 0, z*(0.5 + z/{_ROOT}/2), eps/2*(z/{_ROOT})/({_ROOT} - z))",
    source="arXiv:2402.09092", section="4.55.14", eps=Learn(0.01, low=1e-6),
    at_zero=(0, 0.5), limits=(0, inf), range=(-0.01501415530003888, inf),
)  # fmt: skip

declare(
    "mishplus", "z*((z + sqrt(z**2 + eps))/2)/sqrt((z + sqrt(z**2 + eps))**2/4 + eps)",
    stable=f"z*({_PLUS}/hypot({_PLUS}, sqrt(eps)))", far=(0, 1),
    source="arXiv:2402.09092", section="4.55.15", eps=Learn(0.01, low=1e-6),
    at_zero=(0, 0.4472135954999579), limits=(-0.025, inf), range=(-0.025, inf), monotone="increasing",
    errata="By its words bipolarplus of squareplus, times z; the survey's formula reads bipolarplus of bipolarplus.",
)  # fmt: skip

declare(
    "logishplus", "z*ln(1 + (1 + z/sqrt(z**2 + eps))/2)", stable=f"z*log1p({_STEP})", far=(-1, 1),
    source="arXiv:2402.09092", section="4.55.16", eps=Learn(0.01, low=1e-6),
    at_zero=(0, 0.4054651081081644), limits=(0, inf), range=(-0.013794577995013171, inf),
)  # fmt: skip

declare(
    "softsignplus", "z/(1 + sqrt(z**2 + eps))",
    source="arXiv:2402.09092", section="4.55.17", eps=Learn(0.01, low=1e-6), at_zero=(0, 0.9090909090909091),
    limits=(-1, 1), range=(-1, 1), odd=True, monotone="increasing",
)  # fmt: skip

declare(
    "signreluplus", "(z + sqrt(z**2 + eps))/2 + (z - sqrt(z**2 + eps))/(2*sqrt((1 - z)**2 + eps))",
    stable=f"where(z > 0.25, z/2 + {_ROOT}/2 - eps/2/(z + {_ROOT})/{_root('- 1')},"
    f" where(z < -1, eps/2/({_ROOT} - z) - ({_ROOT}/2 - z/2)/{_root('- 1')},"
    f" (z*({_root('- 1')} + 1) + {_ROOT}*(z*(z - 2) + eps)/({_root('- 1')} + 1))/{_root('- 1')}/2))",
    source="arXiv:2402.09092", section="4.55.18", eps=Learn(0.01, low=1e-6),
    at_zero=(0.00024814048950054323, 0.9482593282629159), limits=(-1, inf), range=(-1, inf), monotone="increasing",
)  # fmt: skip
