"""The language of neurons: what is read, what is refused, and how."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurofn import NeurofnError
from neurofn._errors import LanguageError
from neurofn.neurons import Neuron, neuron


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("relu(sum(linear))", "relu(sum(linear))"),
        ("  relu (\n sum( linear ) )", "relu(sum(linear))"),
        ("logistic(sum(linear))", "sigmoid(sum(linear))"),
        ("sum(rational(5, 4))", "sum(rational)"),
        ("sum(rational(3, 4))", "sum(rational(p=3))"),
        ("sum(pade(q=2, p=3))", "sum(rational(p=3, q=2))"),
        ("sum(silu + bspline(grid=5, order=2))", "sum(silu + bspline(order=2))"),
        ('sum(bspline(outside="linear", grid=8))', "sum(bspline(grid=8, outside='linear'))"),
        ("sum(bspline(outside='constant'))", "sum(bspline)"),
        ("leaky_relu(sum(linear), a=0.10)", "leaky_relu(sum(linear), a=0.1)"),
        ("leaky_relu(sum(linear), a=1)", "leaky_relu(sum(linear), a=1.0)"),
        ("mean(linear, bias=True)", "mean(linear)"),
        ("mean(linear, bias=False)", "mean(linear, bias=False)"),
        ("(sum(linear))", "sum(linear)"),
        ("sum(linear)+sum(linear)*sum(square)", "sum(linear) + sum(linear) * sum(square)"),
        ("(sum(linear)+mean(linear))*sum(square)", "(sum(linear) + mean(linear)) * sum(square)"),
        ("sum(linear)/(mean(linear)*sum(square))", "sum(linear) / (mean(linear) * sum(square))"),
        ("sum(linear)/mean(linear)*sum(square)", "sum(linear) / mean(linear) * sum(square)"),
        ("prelu(sum(linear), a=-0.5)", "prelu(sum(linear), a=-0.5)"),
        ("chebyshev(sum(linear), degree=2)", "chebyshev(sum(linear), degree=2)"),
        ("relu(silu(sum(linear)) * sum(linear))", "relu(silu(sum(linear)) * sum(linear))"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    read = neuron(text)
    assert str(read) == canonical
    assert neuron(canonical) == read
    assert neuron(read) is read


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("relo(sum(linear))", 0, "did you mean 'relu'"),
        ("relu(linear)", 5, "write sum(linear)"),
        ("relu", 0, "write relu(sum(linear))"),
        ("sum", 0, "write sum(linear)"),
        ("sum(sum)", 4, "stands around edges"),
        ("sum(sum(linear))", 4, "stands around edges"),
        ("sum(bsplin)", 4, "did you mean 'bspline'"),
        ("sum(linear, linear)", 0, "takes one edge"),
        ("relu()", 0, "takes one neuron"),
        ("relu(sum(linear), a=1)", 18, "it has no settings"),
        ("leaky_relu(sum(linear), b=1)", 24, "known settings: a"),
        ("leaky_relu(sum(linear), a='x')", 26, "must be a finite number"),
        ("leaky_relu(sum(linear), a=1e999)", 26, "must be a finite number"),
        ("leaky_relu(sum(linear), a=True)", 26, "must be a finite number"),
        ("elu(sum(linear), a=-1)", 19, "must lie in [0, inf]"),
        ("sum(bspline(grid=0))", 17, "whole number from 1 to 2000000"),
        ("sum(bspline(grid=2.5))", 17, "whole number"),
        ("sum(bspline(5, grid=5))", 15, "given twice"),
        ("sum(bspline(1, 2, -3, 3, 'zero', 5))", 4, "has 5 settings"),
        ("sum(bspline(outside='mirror'))", 20, "one of 'constant', 'linear', 'zero'"),
        ("sum(bspline(outside=linear))", 20, "takes one of 'constant', 'linear', 'zero'"),
        ("sum(bspline(order=0, outside='linear'))", 4, "no slope to continue with"),
        ("sum(bspline(low=3))", 4, "low must be below high"),
        ("sum(linear, bias=3)", 17, "must be True or False"),
        ("sum(linear) - sum(linear)", 0, "joined by +, * or /"),
        ("sum(linear * square)", 4, "joined by +"),
        ("sum(linear", 3, "was never closed"),
        ("__import__('os').system('true')", 0, "a neuron is activation(neuron)"),
        ("relu(sum(linear), **{'a': 1})", 18, "no setting"),
        ("lambda: 0", 0, "a neuron is"),
        ("5", 0, "a neuron is"),
    ],
)
def test_a_refusal_says_where_and_what_instead(text: str, column: int, words: str) -> None:
    with pytest.raises(LanguageError) as caught:
        neuron(text)
    assert caught.value.column == column
    assert words in str(caught.value)
    assert text in str(caught.value)


@pytest.mark.parametrize("text", ["", "   ", 5, None, "(" * 5000, "relu(" * 300 + "sum(linear)" + ")" * 300, "sum(\0)"])
def test_what_is_no_text_of_a_neuron_is_refused_shortly(text: object) -> None:
    with pytest.raises(LanguageError) as caught:
        neuron(text)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 5000


@given(st.text(alphabet="relusmavnig()+*/=,.0123456789 _-'\"[]{}\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = neuron(text)
    except NeurofnError:
        return
    assert neuron(str(read)) == read


leaves = st.sampled_from(["sum(linear)", "mean(bspline(grid=3))", "max(silu + square)", "norm(linear, bias=False)"])
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["relu", "snake", "tanh"]), inner).map(lambda pair: f"{pair[0]}({pair[1]})"),
        st.tuples(inner, st.sampled_from("+*/"), inner).map(lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"),
    ),
    max_leaves=6,
)


@given(trees)
def test_canonical_text_keeps_the_tree(text: str) -> None:
    read = neuron(text)
    assert isinstance(read, Neuron)
    assert neuron(str(read)) == read
    assert str(neuron(str(read))) == str(read)
