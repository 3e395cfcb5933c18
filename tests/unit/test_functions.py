"""What a function of the catalogue is to its user, beyond what the conformance suite asks of every one."""

from __future__ import annotations

import pickle

import pytest
import torch

from neurofn._errors import DefinitionError, SettingError, UnknownNameError
from neurofn.functions import Facts, Fixed, Function, Learn, catalogue, declare
from neurofn.testing._functions import FUNCTION_CHECKS

NATIVE = {
    "relu": torch.nn.functional.relu, "elu": torch.nn.functional.elu, "selu": torch.nn.functional.selu,
    "celu": torch.nn.functional.celu, "gelu": torch.nn.functional.gelu, "silu": torch.nn.functional.silu,
    "mish": torch.nn.functional.mish, "softplus": torch.nn.functional.softplus, "softsign": torch.nn.functional.softsign,
    "tanh": torch.tanh, "sigmoid": torch.sigmoid, "leaky_relu": torch.nn.functional.leaky_relu,
}  # fmt: skip


@pytest.mark.parametrize("name", NATIVE)
def test_equals_the_function_of_torch(name: str) -> None:
    z = torch.linspace(-8, 8, 161, dtype=torch.float64)
    torch.testing.assert_close(catalogue[name](z), NATIVE[name](z), rtol=1e-7, atol=1e-8)


def test_aliases_lead_to_the_same_function() -> None:
    assert catalogue["sin"] is catalogue["sine"]
    assert catalogue["logistic"] is catalogue["sigmoid"]
    assert catalogue["pade"] is catalogue["rational"]


def test_an_unknown_name_tells_its_neighbours() -> None:
    with pytest.raises(UnknownNameError, match="'gelu'"):
        catalogue["gellu"]


@pytest.mark.parametrize(
    ("name", "counts"),
    [("rational", {"p": 3, "q": 2}), ("rational", {"p": 0, "q": 1}), ("rational", {"p": 2, "q": 5}),
     ("chebyshev", {"degree": 1}), ("chebyshev", {"degree": 5})],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize(
    "check", ["formula is readable", "slopes equal the formula", "finite where the truth is", "vmap equals a loop"]
)
def test_other_members_of_a_family(name: str, counts: dict[str, int], check: str) -> None:
    FUNCTION_CHECKS[check](catalogue[name].shaped(**counts))


def test_a_family_has_a_parameter_per_coefficient() -> None:
    assert len(catalogue["rational"].shaped(p=3, q=2).parameters) == 4 + 2
    assert len(list(catalogue["chebyshev"].module(degree=7).parameters())) == 8


@pytest.mark.parametrize("name", ["rational", "chebyshev"])
def test_the_terms_of_a_family_sum_to_it(name: str) -> None:
    function, z = catalogue[name], torch.linspace(-3, 3, 13, dtype=torch.float64)
    weights = torch.tensor([function.defaults[c] for c in function.coefficients], dtype=torch.float64)
    torch.testing.assert_close(function.terms(z) @ weights, function(z), rtol=1e-12, atol=1e-12)


def test_rational_starts_near_silu() -> None:
    z = torch.linspace(-4, 4, 81, dtype=torch.float64)
    assert float((catalogue["rational"](z) - torch.nn.functional.silu(z)).abs().max()) < 0.02


@pytest.mark.parametrize("step", [-1e30, -1e3, 1e30])
def test_a_parameter_outside_its_domain_finds_its_way_back(step: float) -> None:
    module = catalogue["snake"].module()
    with torch.no_grad():
        module.a += step
    used = module.values()["a"]
    assert float(used.detach()) == pytest.approx(max(1 + step, 1e-3))
    assert float(torch.autograd.grad(used, module.a)[0]) == 1.0


def test_sixteen_bit_inputs_are_rounded_once() -> None:
    z = torch.linspace(-6, 6, 97, dtype=torch.float64).bfloat16()
    torch.testing.assert_close(catalogue["mish"](z), catalogue["mish"](z.double()).bfloat16(), rtol=0, atol=0)


def test_a_module_of_the_catalogue_can_be_pickled() -> None:
    module = pickle.loads(pickle.dumps(catalogue["rational"].module(p=3, q=2)))
    assert module.function.shape == {"p": 3, "q": 2}


def test_settings_show_in_the_text_of_a_module() -> None:
    assert repr(catalogue["leaky_relu"].module(a=0.2)) == "FunctionModule(leaky_relu, a=0.2)"


def test_fixed_parameters_are_not_learned() -> None:
    assert list(catalogue["elu"].module(a=0.5).parameters()) == []
    assert float(catalogue["elu"].module(a=0.5)(torch.tensor(-50.0))) == pytest.approx(-0.5)


def test_a_name_is_declared_once() -> None:
    with pytest.raises(DefinitionError, match="relu"):
        declare("relu", "max(z, 0)", source="an2001")
    with pytest.raises(DefinitionError, match="sine"):
        declare("new", "z", source="an2001", aliases=("sine",))
    assert "new" not in catalogue


def test_a_declaration_names_the_parameters_of_its_formula() -> None:
    with pytest.raises(DefinitionError, match=r"\['a'\]"):
        declare("new", "a*z", source="an2001")
    with pytest.raises(DefinitionError, match="a"):
        declare("new", "z", source="an2001", a=Learn(1.0))


def test_settings_are_told_apart_from_shapes() -> None:
    with pytest.raises(SettingError, match="no whole-number settings"):
        catalogue["relu"].shaped(p=2)
    with pytest.raises(SettingError, match="from 0 to 16"):
        catalogue["rational"].shaped(p=17)


@pytest.mark.parametrize(("name", "square"), [("relu", 2.0), ("identity", 1.0), ("abs", 1.0), ("square", 1 / 3)])
def test_gain_keeps_the_second_moment(name: str, square: float) -> None:
    assert catalogue[name].gain() ** 2 == pytest.approx(square, rel=1e-6)


def test_published_gains() -> None:
    gains = {
        name: round(catalogue[name].gain(), 4) for name in ("tanh", "sigmoid", "gelu", "silu", "mish", "elu", "selu")
    }
    expected = {
        "tanh": 1.5925,
        "sigmoid": 1.8462,
        "gelu": 1.5335,
        "silu": 1.6765,
        "mish": 1.4868,
        "elu": 1.2452,
        "selu": 1.0,
    }
    assert gains == expected


def test_facts_that_say_nothing_are_not_stated() -> None:
    assert Facts().stated() == {}
    assert set(Facts(odd=True, limits=(None, None), cases={"a=0": "relu"}).stated()) == {"odd", "limits", "cases"}


def test_a_function_of_your_own_needs_no_catalogue() -> None:
    mine = Function("mine", "z/(1 + a*abs(z))", "an2001", {"a": Fixed(2.0, low=0)}, Facts(odd=True))
    assert float(mine(torch.tensor(1.0))) == pytest.approx(1 / 3)
    with pytest.raises(SettingError, match=r"\[0, inf\]"):
        mine.module(a=-1)


def test_one_alias_typed_as_a_text_is_no_set_of_letters() -> None:
    with pytest.raises(DefinitionError, match="are a tuple: write aliases=\\('bent',\\), not a text alone"):
        declare("bent_once_more", "max(z, 0.5*z)", source="an example", aliases="bent")  # type: ignore[arg-type]
    assert "bent_once_more" not in catalogue
