"""What forward asks of objects that nobody here knows: they may keep something between calls.

check_foreign   refuse it; a class is native only where all that it calls is known

Objects of torch, of Python and of libraries whose objects hold data are known; those of the
repository are read. What a configuration hands over may be called or asked for data, not more.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.definitions import Definition, is_cached
from rlmigrate.migrate.understanding.hooks import lays_aside
from rlmigrate.migrate.understanding.memory import METADATA, VIEWS
from rlmigrate.migrate.understanding.origins import Origin, Origins, is_plain
from rlmigrate.migrate.understanding.scope import Scope, self_attribute
from rlmigrate.migrate.understanding.sharing import Place, place_of
from rlmigrate.migrate.understanding.super_calls import calls_base
from rlmigrate.migrate.understanding.telling import tells

#: Members of dicts, lists, texts, numbers, arrays, tensors and torch modules that change nothing.
ASKING = (
    VIEWS
    | METADATA
    | {"copy", "split", "rsplit", "join", "format", "lower", "upper", "strip", "startswith"}
    | {"endswith", "index", "count", "replace", "union", "difference", "intersection", "tolist"}
    | {"item", "sum", "mean", "std", "var", "max", "min", "prod", "norm", "abs", "exp", "log"}
    | {"sqrt", "pow", "add", "sub", "mul", "div", "matmul", "mm", "bmm", "dot", "clamp", "clip"}
    | {"any", "all", "argmax", "argmin", "cumsum", "round", "floor", "ceil", "sign", "clone"}
    | {"size", "dim", "numel", "repeat", "tile", "gather", "index_select", "masked_fill"}
    | {"astype", "softmax", "log_softmax", "sigmoid", "tanh", "relu", "eq", "ne", "gt", "lt"}
    | {"ge", "le", "new_zeros", "new_ones", "new_tensor", "new_full", "new_empty", "forward"}
    | {"parameters", "named_parameters", "buffers", "modules", "children", "named_modules"}
    | {"state_dict", "eval", "train", "contains", "is_integer"}
)
#: Functions that only look at what they are given.
LOOKING = frozenset({"isinstance", "len", "hasattr", "type", "id", "callable", "repr", "str"})
NAMING = frozenset({"super", "getattr", "setattr", "delattr", "vars", "dir"})  # read elsewhere
DRAWS = frozenset(
    {"rand", "randn", "randint", "randperm", "rand_like", "randn_like", "normal", "uniform"}
    | {"multinomial", "bernoulli", "choice", "sample", "rsample", "shuffle", "random", "gauss"}
    | {"normal_", "uniform_", "standard_normal", "permutation", "time", "perf_counter"}
)
KEEPS = "which may keep something from one call to the next"


def check_foreign(
    scope: Scope,
    index: RepoIndex,
    place: Place,
    entries: Iterable[str],
    parts: Iterable[Definition],
) -> None:
    """Note what a class and its `parts` ask of unknown objects when its `entries` are called."""
    for node, text in _asked(place, index, [place.methods[n] for n in entries]):
        if id(node) not in scope.handled:
            scope.problem(node, text)
    for part in parts:
        inner = place_of(place, part)
        methods = [m for name, m in inner.methods.items() if name != "__init__"]
        for _, text in _asked(inner, index, methods):
            scope.problem(scope.node, f"holds {part.node.name}, which {text}")
        for base in _unknown_bases(inner, part):
            scope.problem(scope.node, f"holds {part.node.name}, which inherits from {base}")


def _unknown_bases(place: Place, part: Definition) -> Iterator[str]:
    """Bases outside the repository whose forward a part may run."""
    own = place.methods.get("forward")
    if not isinstance(part.node, ast.ClassDef) or (own is not None and not calls_base(own)):
        return
    for base in part.node.bases:
        named = part.file.imports.qualified(base)
        known = named is None or is_plain(named) or place.definitions(part.file, dotted(base) or "")
        if named is not None and not known:
            yield str(Origin(named, "made"))


def _asked(
    place: Place, index: RepoIndex, start: list[ast.FunctionDef]
) -> Iterator[tuple[ast.AST, str]]:
    """Places that ask something of an unknown object, in functions and in all that they call."""
    running: list[tuple[Place, ast.FunctionDef]] = []
    waiting = [(place, each) for each in start]
    while waiting:
        here, function = waiting.pop()
        if any(function is each for _, each in running) or function.name == "__init__":
            continue
        running.append((here, function))
        for node in nodes_in(function):
            method = here.methods.get(self_attribute(node) or "")
            written = dotted(node.func) if isinstance(node, ast.Call) else None
            found = here.definitions(here.file, written) if written and method is None else None
            if method is not None:
                waiting.append((here, method))
            elif found is not None and isinstance(found.node, ast.FunctionDef):
                waiting.append((place_of(here, found), found.node))
    functions = [function for _, function in running]
    for here, function in running:
        origins = Origins(here, index, functions)
        yield from _asked_in(origins, function)
        for keeper in _kept_around(here, function):
            yield function, f"calls {function.name} through {keeper}, {KEEPS}"
        if is_cached(function) and (what := _remembered(here, function)):
            yield function, f"calls {function.name}, which remembers {what}"


def _asked_in(origins: Origins, function: ast.FunctionDef) -> Iterator[tuple[ast.AST, str]]:
    own = origins.place.methods.values()
    told = {id(n) for s in nodes_in(function) if tells(s) for n in nodes_in(s)}
    around = {child: node for node in nodes_in(function) for child in ast.iter_child_nodes(node)}
    for node in nodes_in(function):
        if isinstance(node, ast.Call) and dotted(node.func) == "open":
            yield node, "opens a file when it is called"
        if not isinstance(node, ast.Name | ast.Attribute) or id(node) in told:
            continue
        if isinstance(node, ast.Name) and node.id == "self" and function in own:
            if what := _handed_on(origins.place, node, around.get(node)):
                yield node, what
            continue
        if not isinstance(node.ctx, ast.Load) or not _is_root(node, origins, function):
            continue
        outer: ast.expr = node
        while (holder := around.get(outer)) is not None and (
            isinstance(holder, ast.Attribute | ast.Subscript) and holder.value is outer
        ):
            outer = holder
        what = _use(outer, around.get(outer))
        if not what:
            continue
        asked = outer.attr if isinstance(outer, ast.Attribute) and outer is not node else ""
        for origin in sorted(origins.of(node, function)):
            name = ast.unparse(node)
            if origin.how == "given":
                if what == "calls" and asked and asked not in ASKING:
                    yield node, f"calls {asked}() of {name}, which it is given, {_short(KEEPS)}"
                    break
            elif origin.how == "made" or (what == "calls" and asked):
                said = f"{asked}() of {name}" if what == "calls" and asked else name
                yield node, f"{what} {said}, {origin.kind}, {KEEPS}"
                break


def _handed_on(place: Place, node: ast.Name, holder: ast.AST | None) -> str:
    """What becomes of a bare `self`: others may set attributes under the name that they give it."""
    if isinstance(holder, ast.Assign | ast.NamedExpr):
        return "gives itself another name"
    if not isinstance(holder, ast.Call | ast.keyword | ast.Starred | ast.List | ast.Tuple):
        return ""
    if isinstance(holder, ast.Call):
        called = dotted(holder.func) or ""
        owner = called.rpartition(".")[0]
        found = place.definitions(place.file, owner) if owner else None
        unbound = owner == place.name or (
            found is not None and isinstance(found.node, ast.ClassDef)
        )
        unbound = unbound or owner.rpartition(".")[2][:1].isupper()  # Base.method(self, ...)
        if holder.func is node or called in LOOKING or called in NAMING or unbound:
            return ""
        return f"hands itself to {called or ast.unparse(holder.func)}"
    return "hands itself on"


def _is_root(node: ast.Name | ast.Attribute, origins: Origins, function: ast.FunctionDef) -> bool:
    """Say whether a node is `self.x`, or a name that is no import."""
    if isinstance(node, ast.Attribute):
        return self_attribute(node) is not None
    return node.id != "self" and node.id not in origins.place.file.imports.names


def _use(node: ast.expr, holder: ast.AST | None) -> str:
    """What is done with an object, or a member of it; empty where it is only looked at."""
    if isinstance(holder, ast.Call):
        if holder.func is node:
            return "calls"
        return "" if dotted(holder.func) in LOOKING else "hands on"
    if isinstance(holder, ast.keyword | ast.Starred):
        return "hands on"
    if isinstance(holder, ast.For | ast.comprehension) and holder.iter is node:
        return "goes through"
    return ""


def _short(text: str) -> str:
    return text.replace("which", "and")


def _kept_around(place: Place, function: ast.FunctionDef) -> Iterator[str]:
    """Decorators of the repository that lay something aside between calls."""
    for decorator in function.decorator_list:
        func = decorator.func if isinstance(decorator, ast.Call) else decorator
        found = place.definitions(place.file, dotted(func) or "")
        if found is None:
            continue
        inner = (n for n in nodes_in(found.node) if isinstance(n, ast.FunctionDef))
        if any(lays_aside(each) for each in inner if each is not found.node):
            yield found.node.name


def _remembered(place: Place, function: ast.FunctionDef) -> str:
    """What a function that keeps its results may give again where it has changed."""
    for node in nodes_in(function):
        if isinstance(node, ast.Call):
            called = (dotted(node.func) or ast.unparse(node.func)).rpartition(".")[2]
            if called in DRAWS:
                return "what it drew"
        attribute = self_attribute(node)
        if attribute and attribute not in place.methods and _is_learned(place, attribute):
            return f"what came of self.{attribute}"
    return ""


def _is_learned(place: Place, attribute: str) -> bool:
    """Say whether an attribute is a torch module or parameter, whose numbers change."""
    return any(
        isinstance(node, ast.Assign)
        and any(self_attribute(target) == attribute for target in node.targets)
        and any(
            (place.file.imports.qualified(part) or "").startswith("torch.nn.")
            or place.definitions(place.file, dotted(part) or "") is not None
            for part in nodes_in(node.value)
            if isinstance(part, ast.Name | ast.Attribute)
        )
        for function in place.builders
        for node in nodes_in(function)
    )
