"""What a model keeps from one call to the next beside what forward lays aside for values.

check_lasting   refuse it: on the new stack, forward runs another number of times

Counters in lists and buffers, running averages, generators, changed globals and defaults, and the
same inside the modules of the repository that a model holds.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.counters import moved
from rlmigrate.migrate.understanding.definitions import Definition
from rlmigrate.migrate.understanding.foreign import check_foreign
from rlmigrate.migrate.understanding.hooks import lasting_hooks
from rlmigrate.migrate.understanding.in_place import place_of_class
from rlmigrate.migrate.understanding.origins import globals_named
from rlmigrate.migrate.understanding.scope import Scope, self_attribute
from rlmigrate.migrate.understanding.sharing import Place, Sharing, defined, place_of

ENTRIES = ("forward", "forward_rnn", "value_function", "get_initial_state")
MODELS = ("TorchModelV2", "RecurrentNetwork", "ModelV2", "DQNTorchModel")
#: Methods of parts that no forward runs.
SILENT = frozenset(
    {"__init__", "__new__", "__post_init__", "__init_subclass__", "__repr__", "__str__"}
    | {"__getstate__", "__setstate__", "__reduce__", "__copy__", "__deepcopy__", "__del__"}
)


def check_lasting(scope: Scope, index: RepoIndex) -> None:
    """Note what changes by being called, where nothing else was said of the line."""
    if scope.framework == "tf":
        return
    place = place_of_class(scope)
    said = {problem.line for problem in scope.problems}
    for node, what in _changes(place, [scope.methods[n] for n in ENTRIES if n in scope.methods]):
        if what.removeprefix("self.") in scope.staying or id(node) in scope.handled:
            continue
        if getattr(node, "lineno", 0) not in said:
            scope.problem(node, f"changes {what}, which lasts until the next call")
    family: list[ast.AST] = [scope.node, *(each.node for each in scope.line)]
    parts = list(_parts(scope.node, place, family, index))
    if parts:
        _check_parts(scope, place, parts)
    if scope.problems:
        return  # it stays on the old model anyway, and objects are searched for long
    entries = [name for name in ENTRIES if name in scope.methods]
    check_foreign(scope, index, place, entries, parts)


def _check_parts(scope: Scope, place: Place, parts: list[Definition]) -> None:
    """Note what the parts of a model keep from one call to the next."""
    called = {
        node.func.attr
        for each in (place, *(place_of(place, part) for part in parts))
        for method in each.builders
        for node in nodes_in(method)
        if method.name != "__init__"
        and isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
    }
    asked = {
        node.attr
        for node in nodes_in(scope.node)
        if isinstance(node, ast.Attribute) and self_attribute(node) is None
    }
    for part in parts:
        kept = _kept_by(place_of(place, part), called, asked)
        if kept:
            scope.problem(
                scope.node,
                f"holds {part.node.name}, which keeps {kept} from one call to the next",
            )


def _changes(place: Place, entries: Iterable[ast.FunctionDef]) -> Iterator[tuple[ast.AST, str]]:
    """Places that change what lasts, when functions of a place run one after the other."""
    held: dict[str, frozenset[tuple[object, int]]] = {}
    for function in entries:
        sharing = Sharing(place, {}, env=dict(held))
        sharing.run(function)
        held = {n: v for n, v in sharing.env.items() if n.startswith("self.")}
        yield from sharing.changes.items()
    for function in place.builders:
        for node in nodes_in(function):
            if isinstance(node, ast.Nonlocal):
                yield node, node.names[0]
        yield from lasting_hooks(place, function)


def _stores(node: ast.AST) -> str:
    """The attribute of self that a node sets, if it does."""
    name = self_attribute(node)
    return name if name and isinstance(getattr(node, "ctx", None), ast.Store) else ""


def _parts(
    node: ast.AST, place: Place, seen: list[ast.AST], index: RepoIndex
) -> Iterator[Definition]:
    """Classes of the repository, no models, whose objects a class or one of its parts uses."""
    for call in nodes_in(node):
        if isinstance(call, ast.Name) and isinstance(call.ctx, ast.Load):
            for value, home in globals_named(index, place, call.id):
                if value not in seen:
                    seen.append(value)
                    yield from _parts(value, home, seen, index)
        if not isinstance(call, ast.Call) or _is_unbound(call):
            continue
        written = dotted(call.func)
        found = defined(place, written) if written else None
        if found is None or len(seen) > 30 or any(_is_same(found.node, each) for each in seen):
            continue
        seen.append(found.node)
        inner = place_of(place, found)
        if isinstance(found.node, ast.ClassDef) and not _is_model(found.node):
            yield found
        if not isinstance(found.node, ast.ClassDef) or not _is_model(found.node):
            yield from _parts(found.node, inner, seen, index)


def _is_same(node: ast.AST, other: ast.AST) -> bool:
    """Say whether two nodes are one definition: a file may have been parsed anew in between."""
    if node is other or type(node) is not type(other):
        return node is other
    place = getattr(node, "name", None), getattr(node, "lineno", None)
    return place[0] is not None and place == (
        getattr(other, "name", None),
        getattr(other, "lineno", None),
    )


def _is_unbound(call: ast.Call) -> bool:
    """`Base.method(self, ...)`, which makes nothing."""
    return any(isinstance(a, ast.Name) and a.id == "self" for a in call.args[:1])


def _is_model(node: ast.ClassDef) -> bool:
    return any((dotted(base) or "").rpartition(".")[2] in MODELS for base in node.bases)


def _kept_by(place: Place, called: set[str], asked: set[str]) -> str:
    """What a part keeps between calls of its methods; empty if nothing."""
    start = [
        name
        for name, method in place.methods.items()
        if name == "forward" or name in called or _runs_unnamed(method)
    ]
    start = [name for name in start if name not in SILENT and not name.startswith("reset")]
    methods = _reached(place, start)
    for _, what in _changes(place, [place.methods[name] for name in start]):
        return what
    moving = set().union(*map(moved, methods))
    for attribute in sorted({name for m in methods for n in nodes_in(m) if (name := _stores(n))}):
        if attribute in moving and sum(_sets(m, attribute) for m in methods) == 1:
            continue
        if attribute in asked or not _is_passing(attribute, place, methods):
            return f"self.{attribute}"
    return ""


def _runs_unnamed(method: ast.FunctionDef) -> bool:
    """Say whether an operator, a subscript or the look at an attribute runs a method."""
    name = method.name
    operator = name.startswith("__") and name.endswith("__")
    return operator or any(ast.unparse(d).endswith("property") for d in method.decorator_list)


def _reached(place: Place, start: list[str]) -> list[ast.FunctionDef]:
    found: list[ast.FunctionDef] = []
    while start:
        method = place.methods.get(start.pop())
        if method is None or method in found or method.name == "__init__":
            continue
        found.append(method)
        start += [a for n in nodes_in(method) if (a := self_attribute(n)) in place.methods and a]
    return found


def _is_passing(attribute: str, place: Place, methods: list[ast.FunctionDef]) -> bool:
    """Say whether whatever is set is set anew before it is read, or read nowhere.

    A method that sets it first of all, beside forward, is called before forward in each call.
    """
    setting = [m for m in methods if _sets(m, attribute)]
    loads = [
        (method, node)
        for method in place.builders
        if method.name not in {"__init__", "__repr__", "__str__", "extra_repr"}
        for node in nodes_in(method)
        if self_attribute(node) == attribute and isinstance(getattr(node, "ctx", None), ast.Load)
    ]
    if any(_counts(m, attribute) for m in setting):
        return False
    if not loads:
        return True
    if len(setting) != 1:
        return False
    first = [
        s.end_lineno or s.lineno
        for s in setting[0].body
        if isinstance(s, ast.Assign) and any(_stores(t) == attribute for t in _flat(s.targets))
    ]
    after = min(first, default=10**9)
    early = any(m is setting[0] and getattr(n, "lineno", 0) <= after for m, n in loads)
    elsewhere = any(m is not setting[0] for m, _ in loads)
    return bool(first) and not early and not (elsewhere and setting[0].name == "forward")


def _sets(method: ast.FunctionDef, attribute: str) -> bool:
    return any(_stores(node) == attribute for node in nodes_in(method))


def _flat(targets: list[ast.expr]) -> Iterator[ast.expr]:
    for target in targets:
        if isinstance(target, ast.Tuple | ast.List):
            yield from _flat(target.elts)
        else:
            yield target


def _counts(method: ast.FunctionDef, attribute: str) -> bool:
    return any(
        isinstance(n, ast.AugAssign) and self_attribute(n.target) == attribute
        for n in nodes_in(method)
    )
