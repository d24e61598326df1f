"""What the modules that a class holds do with the memory of their input.

Effect         new memory, perhaps their very input, or written into
layer_effect   of the module that an expression makes
held_effect    of what stands under an attribute of the class
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.memory import FRESH_LAYERS, IN_PLACE_AT
from rlmigrate.migrate.understanding.scope import self_attribute

if TYPE_CHECKING:
    from rlmigrate.migrate.understanding.sharing import Place

HOLDERS = frozenset({"Sequential", "ModuleList", "OrderedDict", "list", "tuple", "reversed"})
ADDING = frozenset({"append", "extend", "add_module", "insert"})
FAR = 12


class Effect(IntEnum):
    """The worse the greater."""

    FRESH = 0
    PASSES = 1
    WRITES = 2


def held_effect(
    attribute: str, place: Place, *, depth: int = 0, apart: bool = False, method: str = "forward"
) -> Effect:
    """What a module under `self.attribute` does, from all that the class puts there.

    `method` is what is called of it; `apart` asks for any one of the modules of a list, not for
    one after the other.
    """
    found = [
        Parts(place, each, depth + 1, apart, method).collected(f"self.{attribute}")
        for each in place.builders
        if any(self_attribute(n) == attribute for n in nodes_in(each))
    ]
    # methods that only read it find nothing
    return max((each for each in found if each is not None), default=Effect.PASSES)


def layer_effect(node: ast.expr, place: Place, *, depth: int = 0) -> Effect:
    """What the module does that an expression makes."""
    return Parts(place, None, depth).of(node)


@dataclass(frozen=True)
class Parts:
    """Expressions that make modules, inside a function that may name their parts."""

    place: Place
    function: ast.FunctionDef | None
    depth: int
    apart: bool = False
    method: str = "forward"

    def of(self, node: ast.expr) -> Effect:
        """The effect of what an expression makes."""
        if self.depth > FAR:
            return Effect.PASSES
        inner = Parts(self.place, self.function, self.depth + 1, method=self.method)
        if isinstance(node, ast.List | ast.Tuple):
            return self._joined(inner._one(each) for each in node.elts)
        if isinstance(node, ast.ListComp | ast.GeneratorExp):
            return inner.of(node.elt)
        if isinstance(node, ast.Dict):
            return max(map(inner.of, node.values), default=Effect.PASSES)
        if isinstance(node, ast.IfExp):
            return max(inner.of(node.body), inner.of(node.orelse))
        if isinstance(node, ast.BinOp):  # lists that are joined, or one repeated
            return self._joined(inner.of(part) for part in (node.left, node.right))
        if isinstance(node, ast.Starred):
            return inner.of(node.value)
        if isinstance(node, ast.Name) and self.function is not None:
            found = inner.collected(node.id)
            return Effect.PASSES if found is None else found
        attribute = self_attribute(node)
        if attribute is not None:
            return held_effect(attribute, self.place, depth=self.depth + 1)
        return self._called(node, inner) if isinstance(node, ast.Call) else Effect.PASSES

    def _joined(self, effects: Iterable[Effect]) -> Effect:
        """Modules one after another: the first tells that does not only pass its input on."""
        if self.apart:
            return max(effects, default=Effect.PASSES)
        return next((each for each in effects if each is not Effect.PASSES), Effect.PASSES)

    def _one(self, node: ast.expr) -> Effect:
        """A part of a list: a module, or a pair of its name and it."""
        named = isinstance(node, ast.Tuple) and len(node.elts) == 2
        return self.of(node.elts[1] if named and isinstance(node, ast.Tuple) else node)

    def _called(self, node: ast.Call, inner: Parts) -> Effect:
        from rlmigrate.migrate.understanding.sharing import place_of

        written = dotted(node.func) or ""
        name = written.rpartition(".")[2]
        found = self.place.definitions(self.place.file, written) if written else None
        if found is not None and isinstance(found.node, ast.ClassDef):
            return inner._of_class(place_of(self.place, found))
        method = self.place.methods.get(self_attribute(node.func) or "")
        if found is not None or method is not None:
            place = place_of(self.place, found) if found is not None else self.place
            function = method or (found.node if found is not None else None)
            assert isinstance(function, ast.FunctionDef)
            made = [n.value for n in nodes_in(function) if isinstance(n, ast.Return) and n.value]
            parts = Parts(place, function, self.depth + 1, self.apart)
            return max(map(parts.of, made), default=Effect.PASSES)
        if self.method != "forward":
            return Effect.PASSES
        if name in HOLDERS:
            whole = Parts(self.place, self.function, self.depth + 1, self.apart)
            return self._joined(
                (whole.of(each) if len(node.args) == 1 else inner._one(each)) for each in node.args
            )
        if name == "ModuleDict":
            return max(map(inner.of, node.args), default=Effect.PASSES)
        return _of_torch(node, name)

    def _of_class(self, place: Place) -> Effect:
        """A module class of the repository, by its forward; a Sequential by its parts."""
        from rlmigrate.migrate.understanding.sharing import Sharing

        forward, init = place.methods.get(self.method), place.methods.get("__init__")
        if self.depth > FAR:
            return Effect.PASSES
        if forward is None:
            calls = [n for n in nodes_in(init) if isinstance(n, ast.Call)] if init else []
            built = [c for c in calls if ast.unparse(c.func).endswith(".__init__")]
            parts = Parts(place, init, self.depth + 1)
            return max(
                (parts._joined(map(parts._one, c.args)) for c in built), default=Effect.PASSES
            )
        given = {a.arg: frozenset({(-1, 0)}) for a in forward.args.args[1:]}
        inside = Sharing(place, {}, depth=self.depth + 2, env={**given})
        returned = inside.run(forward)
        if inside.writes:
            return Effect.WRITES
        return Effect.PASSES if any(what == -1 for what, _ in returned) else Effect.FRESH

    def collected(self, target: str) -> Effect | None:
        """What is put under a name or attribute in the function; None where nothing is."""
        if self.function is None or self.depth > FAR:
            return None
        found = self._block(self.function.body, target)
        return max(found) if found else None

    def _block(self, body: list[ast.stmt], target: str) -> list[Effect]:
        """Effects of what a block puts there, once more after each assignment anew."""
        found: list[Effect] = []
        current: Effect | None = None
        for statement in body:
            inner = _blocks(statement)
            if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                continue
            if inner:
                ways = [self._block(each, target) for each in inner]
                if not any(ways):
                    continue
                worst = max(effect for way in ways for effect in way)
                both = isinstance(statement, ast.If) and len(ways) == 2 and all(ways)
                if current is None or current is Effect.PASSES or self.apart:
                    sure = both or worst is Effect.WRITES
                    current = worst if sure else Effect.PASSES
                continue
            for added, anew in _added(statement, target):
                if anew and current is not None:
                    found.append(current)
                    current = None
                part = Parts(self.place, self.function, self.depth + 1, self.apart, self.method)
                effect = part.of(added) if anew else part._one(added)
                if self.apart:
                    current = effect if current is None else max(effect, current)
                elif current is None or current is Effect.PASSES:
                    current = effect
        return [*found, current] if current is not None else found


def _of_torch(node: ast.Call, name: str) -> Effect:
    """A module of torch, by its name and whether it is told to work in place."""
    if name in FRESH_LAYERS:
        return Effect.FRESH
    told = next((k.value for k in node.keywords if k.arg == "inplace"), None)
    at = IN_PLACE_AT.get(name)
    if told is None and at is not None and at < len(node.args):
        told = node.args[at]
    if told is not None and not (isinstance(told, ast.Constant) and not told.value):
        return Effect.WRITES
    return Effect.FRESH if at is not None and "Dropout" not in name else Effect.PASSES


def _blocks(statement: ast.stmt) -> list[list[ast.stmt]]:
    blocks = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
    blocks += [handler.body for handler in getattr(statement, "handlers", [])]
    return [block for block in blocks if block]


def _added(statement: ast.stmt, target: str) -> Iterator[tuple[ast.expr, bool]]:
    """Expressions that a statement puts under a name, and whether in place of what was there."""
    if isinstance(statement, ast.Assign) and any(_is(t, target) for t in statement.targets):
        value = statement.value
        if isinstance(value, ast.BinOp) and _is(value.left, target):
            yield value.right, False
        else:
            yield value, True
    elif isinstance(statement, ast.AnnAssign) and _is(statement.target, target):
        if statement.value is not None:
            yield statement.value, True
    elif isinstance(statement, ast.AugAssign) and _is(statement.target, target):
        yield statement.value, False
    elif isinstance(statement, ast.Assign | ast.Expr):
        value = statement.value
        into = [t.value for t in getattr(statement, "targets", []) if isinstance(t, ast.Subscript)]
        if any(_is(each, target) for each in into):
            yield value, False
        called = value.func if isinstance(value, ast.Call) else None
        adds = isinstance(called, ast.Attribute) and called.attr in ADDING
        if adds and isinstance(called, ast.Attribute) and _is(called.value, target):
            assert isinstance(value, ast.Call)
            yield from ((each, False) for each in value.args[-1:])


def _is(node: ast.expr, target: str) -> bool:
    return dotted(node) == target
