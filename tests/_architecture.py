"""The rules of the architecture as functions of source text, so that each can be shown to fail on a bad snippet.

A rule takes a module (its dotted name below ``neurofn``, its text) and gives what is wrong, in words.
"""

from __future__ import annotations

import ast
import functools
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCE = REPOSITORY / "src" / "neurofn"

MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 40
MAX_PARAMETERS = 6

HEAVY = ("torch", "scipy", "sklearn", "pandas", "sympy", "altair", "mpmath", "vl_convert", "matplotlib")
FORBIDDEN_MODULES = ("pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "torchvision")
PART_PACKAGES = ("functions", "edges", "instruments", "tasks", "studies")

_BASE = {"_errors", "_registry"}
_FORMULA = {"_errors", "formula"}
_FUNCTIONS = _BASE | {"formula", "functions"}
_NEURONS = _FUNCTIONS | {"edges", "aggregates", "sites", "neurons"}
_STUDIES = _NEURONS | {"train", "instruments", "watching", "explaining", "tasks"}
_STUDIES |= {"estimators", "integrations", "studies"}
LAYERS: dict[str, set[str]] = {
    # layer: what of ours it may import, besides itself
    "_errors": set(),
    "_registry": {"_errors"},
    "formula": {"_errors"},
    "_native": {"_errors"},
    "sites": {"_errors"},
    "train": {"_errors"},
    "functions": _BASE | {"formula"},
    "saving": _FUNCTIONS | {"_native"},
    "edges": _FUNCTIONS,
    "aggregates": _FUNCTIONS,
    "neurons": _FUNCTIONS | {"edges", "aggregates", "sites", "_native"},
    "instruments": _BASE | {"_native"},
    "watching": _BASE | {"sites", "instruments"},
    "explaining": _BASE | {"sites"},
    "tasks": _BASE,
    "estimators": {"_errors", "neurons", "train"},
    "integrations": {"_errors", "watching", "instruments"},
    "studies": (_STUDIES | {"saving"}) - {"studies"},
    "reporting": {"_errors"},
    "testing": _STUDIES | {"reporting"},
    "_doctor": _BASE | {"tasks"},
    "cli": _STUDIES | {"reporting", "testing", "_doctor"},
    "__main__": {"cli"},
}
# Private modules that belong to a layer of another name. A layer that outgrows its file takes private siblings.
_PRIVATE = {
    "formula": "_fast_words _guards _latex _mathml _positive _products _stable _syntax _terms _words",
    "sites": """
        _sites_address _sites_attention _sites_axes _sites_calls _sites_find _sites_places _sites_survey _sites_trace
    """,
    "train": "_stack",
    "cli": """
        _about _audit_command _check_command _discover_command _explain_command _explain_examples _explain_preferred
        _explain_sources _function_command _function_page _gallery_command _gallery_curves _gallery_entries _parts_command
        _sites_command _studies_command _swap_command _terminal _watch_command
    """,
}
SIBLINGS = {name: layer for layer, names in _PRIVATE.items() for name in names.split()}
ROOT = "neurofn"


@dataclass(frozen=True)
class Module:
    """One file of the library. ``name`` is dotted and below the package: "tasks.digits"; a package is "tasks"."""

    name: str
    text: str
    package: bool = False

    @functools.cached_property
    def tree(self) -> ast.Module:
        """The syntax tree; a SyntaxError here belongs to the test of this module alone."""
        return ast.parse(self.text)

    @property
    def layer(self) -> str:
        """The first part of the name, or the layer a private sibling belongs to."""
        head = self.name.split(".")[0]
        return SIBLINGS.get(head, head)

    @property
    def is_part(self) -> bool:
        """Whether listing a registry imports it: a module of a part package, without a leading underscore."""
        folder, *rest = self.name.split(".")
        return folder in PART_PACKAGES and rest != [] and not any(part.startswith("_") for part in rest)


def modules() -> list[Module]:
    """Every module of the library."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if package else parts)
        found.append(Module(name, path.read_text(encoding="utf-8"), package))
    return found


# --- Imports ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Import:
    """One imported name, absolute and dotted, and whether it happens when the module is loaded."""

    target: str
    line: int
    at_load: bool


def imports(module: Module) -> Iterator[Import]:
    """Every import of a module, relative ones made absolute; imports for type checkers are never at load."""
    yield from _imports(module, module.tree.body, at_load=True)


def _imports(module: Module, body: list[ast.stmt], *, at_load: bool) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, at_load) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            yield from (Import(f"{base}.{alias.name}", node.lineno, at_load) for alias in node.names)
        else:
            inside = at_load and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not _for_types(node)
            for _, value in ast.iter_fields(node):
                blocks = (
                    [b for b in value if isinstance(b, (ast.stmt, ast.ExceptHandler, ast.match_case))]
                    if isinstance(value, list)
                    else []
                )
                for block in blocks:
                    nested = [block] if isinstance(block, ast.stmt) else block.body
                    is_else = _for_types(node) and block in getattr(node, "orelse", [])
                    yield from _imports(module, nested, at_load=at_load if is_else else inside)


def _for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    here = [ROOT, *module.name.split(".")] if module.name else [ROOT]
    up = node.level - 1 if module.package else node.level
    return ".".join([*here[: len(here) - up], *([node.module] if node.module else [])])


def wrong_layer(module: Module) -> list[str]:
    """Imports that design section 5 does not allow. The package itself and its lazy names are of no layer."""
    if not module.name:
        return [f"line {i.line}: {i.target} at load" for i in imports(module) if i.at_load and _ours(i.target)]
    if module.layer not in LAYERS:
        return [f"{module.name} is of no layer: add it to LAYERS, with a reason, or to SIBLINGS"]
    allowed = LAYERS[module.layer] | {module.layer}
    allowed |= {sibling for sibling, layer in SIBLINGS.items() if layer in allowed}
    found = [(i, _ours(i.target)) for i in imports(module)]
    return [
        f"line {i.line}: {module.layer} imports {layer} ({i.target})"
        for i, layer in found
        if layer and layer not in allowed
    ]


def _ours(target: str) -> str | None:
    """The layer that an import reaches, None for foreign packages; "neurofn" itself reaches everything."""
    head, _, rest = target.partition(".")
    if head != ROOT or rest == "__version__":
        return None
    first = rest.split(".")[0]
    return "(the package)" if first not in {*LAYERS, *SIBLINGS} else first


def heavy_at_load(module: Module) -> list[str]:
    """torch and its like, imported when a part file is loaded: listing a registry would load them."""
    if not module.is_part:
        return []
    return [f"line {i.line}: {i.target}" for i in imports(module) if i.at_load and i.target.split(".")[0] in HEAVY]


def torch_in_reporting(module: Module) -> list[str]:
    """Reports are made from plain results, never with torch."""
    if module.layer != "reporting":
        return []
    return [f"line {i.line}: {i.target}" for i in imports(module) if i.target.split(".")[0] == "torch"]


def unsafe(module: Module) -> list[str]:
    """eval, exec, compile, pickle and its like, and loaders that would run what they load."""
    wrong = [
        f"line {i.line}: imports {i.target}" for i in imports(module) if i.target.split(".")[0] in FORBIDDEN_MODULES
    ]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            settings = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if called in ("eval", "exec", "compile", "__import__", "yaml.load"):
                wrong.append(f"line {node.lineno}: calls {called}")
            if called == "torch.load" and settings.get("weights_only") != "True":
                wrong.append(f"line {node.lineno}: torch.load without weights_only=True")
            if settings.get("allow_pickle", "False") != "False":
                wrong.append(f"line {node.lineno}: allow_pickle")
    return wrong


# --- Budgets ----------------------------------------------------------------------------------------------------------


def declares_only(module: Module) -> bool:
    """Whether a file of the catalogue holds declarations alone: calls, data, and functions that a decorator registers."""
    bodies = [
        node for node in module.tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    ]
    return module.is_part and all(isinstance(node, ast.FunctionDef) and node.decorator_list for node in bodies)


def too_long(module: Module) -> list[str]:
    """A module of more lines than fit a reader's head."""
    lines = module.text.count("\n")
    return (
        [f"{lines} lines, at most {MAX_MODULE_LINES}"] if lines > MAX_MODULE_LINES and not declares_only(module) else []
    )


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def _code_lines(text: str) -> set[int]:
    """Numbers of the lines that hold code: neither blank nor comment alone."""
    found: set[int] = set()
    silent = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in silent:
            found.update(range(token.start[0], token.end[0] + 1))
    return found


def long_functions(module: Module) -> list[str]:
    """Functions of too many code lines; docstrings, comments and blank lines are not counted, nested functions are."""
    code = _code_lines(module.text)
    wrong = []
    for node in _functions(module.tree):
        lines = code & set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        for inner in (node, *(n for n in ast.walk(node) if isinstance(n, (ast.FunctionDef, ast.ClassDef)))):
            if ast.get_docstring(inner, clean=False) is not None:
                lines -= set(range(inner.body[0].lineno, (inner.body[0].end_lineno or 0) + 1))
        if len(lines) > MAX_FUNCTION_LINES:
            wrong.append(f"line {node.lineno}: {node.name} has {len(lines)} code lines, at most {MAX_FUNCTION_LINES}")
    return wrong


def many_parameters(module: Module) -> list[str]:
    """Functions that want too much; ``self`` and ``cls`` are not counted."""
    wrong = []
    for node in _functions(module.tree):
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        names = [arg.arg for arg in every if arg is not None and arg.arg not in ("self", "cls")]
        if len(names) > MAX_PARAMETERS:
            wrong.append(f"line {node.lineno}: {node.name} has {len(names)} parameters, at most {MAX_PARAMETERS}")
    return wrong


RULES = (wrong_layer, heavy_at_load, torch_in_reporting, unsafe, too_long, long_functions, many_parameters)
BUDGETS = (too_long, long_functions, many_parameters)
