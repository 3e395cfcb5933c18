"""Columns of data frames, structured arrays and dicts; predicates over them; words of texts. All as sets of labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .._errors import DataError, SettingError, did_you_mean

__all__ = [
    "column_of",
    "columns",
    "constant",
    "label_flags",
    "predicate_flags",
    "quantile_predicates",
    "shown",
    "word_features",
]

Array = np.ndarray[Any, Any]
Predicate = str | Callable[[Mapping[str, Array]], Any]
_COMPARISON = re.compile(r"^(?P<column>.+?)\s*(?P<sign>>=|<=|==|!=|>|<)\s*(?P<value>.+)$")
_SIGNS: Mapping[str, Callable[[Any, Any], Any]] = {
    ">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal, "==": np.equal, "!=": np.not_equal,
}  # fmt: skip
_MOST_VALUES = 1000  # of a column of labels: with more it is a number or a name, not a label


def columns(table: Any) -> dict[str, Array]:
    """The columns of a data frame, structured array or mapping: name -> (rows,). Raises DataError for unequal lengths."""
    names = getattr(getattr(table, "dtype", None), "names", None)
    if names is None and not hasattr(table, "keys"):
        raise DataError(
            f"a table is {type(table).__name__}: give a data frame, a structured array or a dict of columns"
        )
    found = {str(name): np.asarray(table[name]) for name in (names or table.keys())}
    lengths = {name: column.shape for name, column in found.items()}
    if not found or len(set(lengths.values())) > 1 or any(len(shape) != 1 for shape in lengths.values()):
        raise DataError(f"the columns of a table must have one axis and equal lengths, not {lengths}")
    return found


def label_flags(table: Mapping[str, Array]) -> dict[str, Array]:
    """Concept -> bool (rows,): a column of bools by its name, others as "column=value"; missing values have no label.

    Raises DataError for numbers with fractions: they want a predicate.
    """
    found: dict[str, Array] = {}
    for name, column in table.items():
        if column.dtype == bool:
            found[name] = column
            continue
        if column.dtype.kind == "f" and not np.array_equal(column, np.round(column), equal_nan=True):
            raise DataError(f"column {name!r} has numbers with fractions; use Concepts.from_predicates for it")
        present = np.array([value is not None and value == value for value in column], dtype=bool)
        values = sorted(set(column[present].tolist()), key=str)
        if len(values) > _MOST_VALUES:
            raise DataError(f"column {name!r} has {len(values)} different values, at most {_MOST_VALUES} are labels")
        found.update({f"{name}={shown(value)}": present & (column == value) for value in values})
    return found


def shown(value: Any) -> str:
    """A value as text; numbers as short as they can be told apart in a report."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def constant(flags: Array) -> Predicate:
    """The predicate that is known already."""
    return lambda _: flags


def column_of(text: str, table: Mapping[str, Array]) -> str:
    """The column that a predicate such as "age > 3" or a label such as "kind=a" is about; empty where there is none."""
    match = _COMPARISON.match(text.strip())
    if match is not None and match["column"] in table:
        return match["column"]
    return max((name for name in table if text == name or text.startswith(f"{name}=")), key=len, default="")


def quantile_predicates(table: Mapping[str, Array], quantiles: Sequence[float]) -> list[str]:
    """For every column of numbers "column > q75" for quantiles from the half up, "column < q25" for those below."""
    for q in quantiles:
        if not 0 < q < 1:
            raise SettingError(f"quantiles={quantiles!r}: give numbers between 0 and 1, for example (0.25, 0.5, 0.75)")
    numeric = [name for name, column in table.items() if column.dtype.kind in "iuf"]
    return [f"{name} {'>' if q >= 0.5 else '<'} q{100 * q:g}" for name in numeric for q in quantiles]


def predicate_flags(name: str, predicate: Predicate, table: Mapping[str, Array], part: Array) -> Array:
    """Where a predicate is true, bool (rows,). Quantiles (q75) are those of the rows of ``part`` (bool) alone.

    Raises DataError for a text that is no comparison of a column with a number, quantile or value.
    """
    if callable(predicate):
        flags = np.asarray(predicate(table))
        if flags.shape != part.shape or flags.dtype != bool:
            raise DataError(f"predicate {name!r} gave {flags.dtype} {flags.shape}, expected bool {part.shape}")
        return flags
    match = _COMPARISON.match(predicate.strip())
    if match is None:
        raise DataError(
            f"cannot read the predicate {predicate!r}; write for example 'petal length > q75' or 'age < 30'"
        )
    column, sign, text = match["column"], match["sign"], match["value"].strip()
    if column not in table:
        raise DataError(f"predicate {predicate!r}: no column {column!r}; {did_you_mean(column, table, what='column')}")
    values = table[column]
    if values.dtype.kind not in "iuf":
        return np.asarray(_SIGNS[sign](values.astype(str), text), dtype=bool)
    return np.asarray(_SIGNS[sign](values, _number(text, values, part, predicate)), dtype=bool)


def _number(text: str, values: Array, part: Array, predicate: str) -> float:
    try:
        if not text.startswith("q"):
            return float(text)
        share = float(text[1:]) / 100
        known = values[part].astype(float)
        known = known[np.isfinite(known)]
        if 0 < share < 1:
            return float(np.quantile(known, share)) if len(known) else float("nan")
    except ValueError:
        pass
    raise DataError(f"predicate {predicate!r}: {text!r} is neither a number nor a quantile such as q75")


def word_features(
    texts: Sequence[Sequence[str]], *, words: int, features: Mapping[str, Any]
) -> tuple[tuple[str, ...], Iterator[list[int]]]:
    """Names of concepts, and for every token of every text the numbers of its concepts in rising order.

    The ``words`` most frequent words are concepts "word:x" (ties in the order of the alphabet). features: name -> a set of
    words (a lexicon), a mapping word -> tag ("name:tag"), or a function of a token that gives a tag, several, or None.
    """
    counts = Counter(token.lower() for text in texts for token in text)
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[:words]
    seen = {token for text in texts for token in text}
    tags: dict[str, list[str]] = {token: [] for token in seen}
    known = set(frequent)
    for token in seen:
        if token.lower() in known:
            tags[token].append(f"word:{token.lower()}")
        for name, feature in features.items():
            tags[token] += _tags(name, feature, token)
    names = [f"word:{word}" for word in frequent]
    names += sorted({tag for found in tags.values() for tag in found} - set(names))
    number = {name: i for i, name in enumerate(names)}
    ids = {token: sorted({number[tag] for tag in found}) for token, found in tags.items()}
    return tuple(names), (ids[token] for text in texts for token in text)


def _tags(name: str, feature: Any, token: str) -> Iterable[str]:
    if isinstance(feature, Mapping):
        tag = feature.get(token, feature.get(token.lower()))
    elif callable(feature):
        tag = feature(token)
    else:
        return [name] if token in feature or token.lower() in feature else []
    if tag is None or tag is False:
        return []
    if tag is True:
        return [name]
    return [f"{name}:{one}" for one in ([tag] if isinstance(tag, str) else tag)]
