"""From a graph to C++: the value of a function, and its slopes by going back through the graph.

The rules for slopes are those by which torch differentiates the plain code, so that what keeps that one finite keeps this one.
"""

from __future__ import annotations

from collections.abc import Callable

from ._graph import Graph, Operation

__all__ = ["source_of"]

_INFIX = ("+", "-", "*", "/")
_TWO_SLOPES = ("hypot", "logaddexp", "pow")


def source_of(value: Graph, slope: Graph | None) -> str:
    """The struct of a function and its two entry points.

    ``value`` is f of z. ``slope`` is f' as a function of the value, where backward is given that instead of z.
    """
    numbers = f"constexpr int numbers = {max(len(g.outside) for g in (value, slope or value))}"
    sums = 0 if slope else sum(value.learns(k) for k in range(len(value.outside)))
    back = _from_output(slope) if slope else _backward(value)
    lines = [
        "namespace {", "struct Function {", f"  static {numbers}, sums = {sums};",
        "  static V value(V z, const V* u) {", *_values(value), f"    return v{len(value.operations) - 1};", "  }",
        "  static V slope(V g, V z, const V* u, V* sums) {", *back, "  }", "};", "}",
        'extern "C" void neurofn_forward(const float* z, float* y, const float* u, int64_t count, int threads) {',
        "  forward<Function>(z, y, u, count, threads);", "}",
        'extern "C" void neurofn_backward(const float* g, const float* z, float* out, const float* u, double* totals,',
        "                                 int64_t count, int threads) {",
        "  backward<Function>(g, z, out, u, totals, count, threads);", "}", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _number(value: float) -> str:
    if value != value or abs(value) > 3.4028235677973366e38:  # what rounds to an infinity of float32
        return "all(NAN)" if value != value else f"all({'-' if value < 0 else ''}INFINITE)"
    return f"all({value.hex()})"


def _values(graph: Graph, *, slopes: bool = False) -> list[str]:
    return [f"    {_line(place, operation, slopes)}" for place, operation in enumerate(graph.operations)]


def _line(place: int, operation: Operation, slopes: bool) -> str:
    word, below = operation.word, [f"v{k}" for k in operation.arguments]
    if word in ("<", "<=", ">", ">="):
        return f"const I v{place} = {below[0]} {word} {below[1]};"
    if word in _SIMPLE:
        return f"const V v{place} = {_SIMPLE[word](operation, *below)};"
    if not slopes:
        return f"const V v{place} = {word}({', '.join(below)});"
    names = [f"d{place}", f"e{place}"] if word in _TWO_SLOPES else [f"d{place}"]
    return f"V v{place}, {', '.join(names)}; {word}({', '.join([*below, f'v{place}', *names])});"


def _product(base: str, count: int) -> str:
    """A power as a product of halves."""
    if count <= 1:
        return base if count else "all(1.0f)"
    half = _product(base, count // 2)
    return f"[](V h) {{ return h * h; }}({half})" + (f" * {base}" if count % 2 else "")


_SIMPLE: dict[str, Callable[..., str]] = {
    "z": lambda o: "z",
    "number": lambda o: _number(o.value),
    "outside": lambda o: f"u[{o.value:.0f}]",
    **{word: (lambda o, u, v, word=word: f"{u} {word} {v}") for word in _INFIX},
    "neg": lambda o, u: f"-{u}",
    "abs": lambda o, u: f"size({u})",
    "relu": lambda o, u: f"larger({u}, V{{}})",
    "sign": lambda o, u: f"sign({u})",
    "carry": lambda o, u, v: f"pick({v} != {v}, {v}, {u})",
    "where": lambda o, c, u, v: f"pick({c}, {u}, {v})",
    "max": lambda o, u, v: f"pick(({u} > {v}) | ({u} != {u}), {u}, {v})",
    "min": lambda o, u, v: f"pick(({u} < {v}) | ({u} != {u}), {u}, {v})",
    "clamp_max": lambda o, u, v: f"larger({u}, {v})",
    "clamp_min": lambda o, u, v: f"less({u}, {v})",
    "whole_power": lambda o, u: _product(u, int(o.value)),
    "half_power": lambda o, u: f"{_product(u, int(o.value))} * root({u})",
}


def _from_output(slope: Graph) -> list[str]:
    return [*_values(slope), f"    return g * v{len(slope.operations) - 1};"]


def _backward(graph: Graph) -> list[str]:
    """Lines that go back from the end of the graph to z, and to the numbers that learn."""
    sums = {k: place for place, k in enumerate(k for k in range(len(graph.outside)) if graph.learns(k))}
    active: list[bool] = []
    for operation in graph.operations:
        own = operation.word == "z" or (operation.word == "outside" and int(operation.value) in sums)
        through = any(active[k] for k in operation.arguments) and operation.word not in ("sign", "<", "<=", ">", ">=")
        active.append(own or through)
    parts: dict[int, list[str]] = {len(graph.operations) - 1: ["g"]}
    lines = _values(graph, slopes=True)
    result = "V{}"
    for place in reversed(range(len(graph.operations))):
        operation = graph.operations[place]
        if place not in parts or not active[place]:
            continue
        lines.append(f"    const V a{place} = {' + '.join(parts[place])};")
        if operation.word == "z":
            result = f"a{place}"
        elif operation.word == "outside":
            lines.append(f"    sums[{sums[int(operation.value)]}] += a{place};")
        for below, rule in zip(operation.arguments, _slopes(operation, place), strict=True):
            if active[below]:
                parts.setdefault(below, []).append(rule)
    return [*lines, f"    return {result};"]


def _slopes(operation: Operation, place: int) -> list[str]:
    """What the adjoint a of an operation gives to each of its arguments."""
    word, names = operation.word, [f"v{k}" for k in operation.arguments]
    rule = _RULES.get(word)
    if rule is not None:
        return rule(operation, f"a{place}", f"v{place}", *names)
    if word in _TWO_SLOPES:
        return [f"a{place} * d{place}", f"a{place} * e{place}"]
    return [f"a{place} * d{place}"] if names else []


def _shared(u: str, v: str, a: str, sign: str) -> str:
    """What max (sign <) or min (sign >) of two tensors gives to u: half where they are equal."""
    return f"pick({u} {sign} {v}, V{{}}, pick({u} == {v}, 0.5f * {a}, {a}))"


_RULES: dict[str, Callable[..., list[str]]] = {
    "+": lambda o, a, y, u, v: [a, a],
    "-": lambda o, a, y, u, v: [a, f"-{a}"],
    "*": lambda o, a, y, u, v: [f"{a} * {v}", f"{a} * {u}"],
    "/": lambda o, a, y, u, v: [f"{a} / {v}", f"-({y} * ({a} / {v}))"],
    "neg": lambda o, a, y, u: [f"-{a}"],
    "abs": lambda o, a, y, u: [f"pick({u} > 0.0f, {a}, pick({u} < 0.0f, -{a}, V{{}}))"],
    "relu": lambda o, a, y, u: [f"pick({u} > 0.0f, {a}, V{{}})"],
    "sign": lambda o, a, y, u: ["V{}"],
    "carry": lambda o, a, y, u, v: [f"pick({v} != {v}, V{{}}, {a})", f"pick({v} != {v}, {a}, V{{}})"],
    "where": lambda o, a, y, c, u, v: ["", f"pick({c}, {a}, V{{}})", f"pick({c}, V{{}}, {a})"],
    "max": lambda o, a, y, u, v: [_shared(u, v, a, "<"), _shared(v, u, a, "<")],
    "min": lambda o, a, y, u, v: [_shared(u, v, a, ">"), _shared(v, u, a, ">")],
    "clamp_max": lambda o, a, y, u, v: [f"pick({u} >= {v}, {a}, V{{}})", ""],
    "clamp_min": lambda o, a, y, u, v: [f"pick({u} <= {v}, {a}, V{{}})", ""],
    "half_power": lambda o, a, y, u: [f"({a} * {_number(o.value)}) * ({_product(u, int(o.value) - 1)} * root({u}))"],
    "whole_power": lambda o, a, y, u: [f"({a} * {_number(o.value)}) * ({_product(u, int(o.value) - 1)})"],
}
