"""Calls, where memory is followed: which hand their arguments back, which write into them.

Calls   the part of `Sharing` that is about calls
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.definitions import Definition, is_cached
from rlmigrate.migrate.understanding.layers_held import Effect, held_effect, layer_effect
from rlmigrate.migrate.understanding.memory import (
    HELD_MUTATORS,
    IN_PLACE_ARGUMENT,
    METADATA,
    MUTATORS,
    OF_TWO,
    PARTED,
    REGISTERING,
    VIEWS,
    WRITERS,
    writes_itself,
)
from rlmigrate.migrate.understanding.scope import self_attribute

if TYPE_CHECKING:
    from rlmigrate.migrate.understanding.sharing import Place, Value

#: Functions of Python that hand on what they are given.
PASSING = frozenset({"list", "tuple", "dict", "set", "sorted", "reversed", "iter", "zip", "filter"})
PICKING = frozenset({"next", "max", "min"})
FAR = 8
#: What going through a function with the same values gave, and how far from the first it began.
Followed = dict[tuple[object, ...], tuple[int, "Calls", "Value"]]


class Calls:
    """What a call returns and writes into."""

    place: Place
    known: Mapping[int, Value]
    depth: int
    env: dict[str, Value]
    writes: dict[ast.AST, Value]
    changes: dict[ast.AST, str]
    functions: dict[str, ast.FunctionDef | ast.Lambda]
    in_turn: set[int]
    bound: set[str]
    structured: bool
    followed: Followed

    def value(self, node: ast.expr) -> Value:
        """What an expression may share memory with."""
        raise NotImplementedError

    def write(self, node: ast.AST, value: Value) -> None:
        """Note that a place writes into a value."""
        raise NotImplementedError

    def change(self, node: ast.AST, value: Value) -> None:
        """Note that a place changes what the class holds."""
        raise NotImplementedError

    def put_into(self, container: ast.expr, value: Value) -> None:
        """Something is laid into a list or dict."""
        raise NotImplementedError

    def run(self, function: ast.FunctionDef | ast.Lambda) -> Value:
        """Go through a function."""
        raise NotImplementedError

    def _of_call(self, node: ast.Call) -> Value:
        given = [self.value(a) for a in node.args]
        told = {k.arg or "**": self.value(k.value) for k in node.keywords}
        everything = frozenset().union(*given, *told.values())
        if "out" in told:
            self.write(node, told["out"])
        func = node.func
        if isinstance(func, ast.Attribute):
            return self._member(node, func, given, told, everything)
        if isinstance(func, ast.Name):
            return self._named(node, func.id, given, told, everything)
        if isinstance(func, ast.Lambda):
            return self._follow(node, func, given, told, bound=False)
        if isinstance(func, ast.Call):
            return self._made(node, func, given, everything)
        return self._layers(node, self.value(func), given, everything)

    def _member(
        self,
        node: ast.Call,
        func: ast.Attribute,
        given: list[Value],
        told: dict[str, Value],
        everything: Value,
    ) -> Value:
        """`owner.name(...)`: a method of the class, of a module, or of a tensor, dict or list."""
        attribute = self_attribute(func)
        method = self.place.methods.get(attribute or "")
        if method is not None:
            return self._follow(node, method, given, told, bound=not _is_static(method))
        if attribute in REGISTERING:
            self.changes.setdefault(node, "what it registers")
        if attribute is not None:
            return self._layers(node, self.value(func), given, everything)
        if dotted(func.value) == self.place.name and func.attr in self.place.methods:
            method = self.place.methods[func.attr]
            return self._follow(node, method, given, told, bound=False)
        if isinstance(func.value, ast.Call) and dotted(func.value.func) == "super":
            return everything
        name = self.place.file.imports.qualified(func)
        if name is not None:
            return self._function(node, name, given, told, everything)
        owner = self.value(func.value)
        return self._of_tensor(node, func, owner, given, everything)

    def _of_tensor(
        self,
        node: ast.Call,
        func: ast.Attribute,
        owner: Value,
        given: list[Value],
        everything: Value,
    ) -> Value:
        name = func.attr
        if writes_itself(name):
            head = (dotted(func.value) or "").partition(".")[0]
            module = head not in self.env and head != "self"  # torch.relu_(x), wherever from
            known = any(not isinstance(what, str) for what, _ in owner)
            into = given[0] if module and given and not known else owner
            self.write(node, into)
            return into
        if name in MUTATORS:
            self.write(node, owner)
            if name in {"append", "extend", "insert", "update"}:
                put = everything if name in {"append", "insert"} else _elements(everything)
                self.put_into(func.value, put)
            return _elements(owner)
        if name in HELD_MUTATORS or (name == "add" and self._is_set(owner)):
            self.change(node, owner)
        if name == "copy":  # a dict's: other parts may be laid into it
            return frozenset((what, max(depth, 1)) for what, depth in owner)
        held = {what for what, _ in owner if isinstance(what, str)}
        if held:
            return self._layers(node, owner, given, everything, name)
        if name in METADATA or not owner:
            return frozenset() if owner else everything
        if name in {"values", "get", "items", "keys"}:
            return owner
        if name in PARTED:
            return _deeper(owner)
        return owner if name in VIEWS else frozenset()

    def _is_set(self, owner: Value) -> bool:
        """Say whether something held may be a set, whose add() fills it, as a tensor's does not."""
        held = {what for what, _ in owner if isinstance(what, str)}
        for what in held:
            if not what.startswith("self."):
                return True  # of the module, where tensors are rare
        return any(
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call | ast.Set)
            and (isinstance(node.value, ast.Set) or dotted(node.value.func) == "set")
            and any(f"self.{self_attribute(target)}" in held for target in node.targets)
            for function in self.place.builders
            for node in nodes_in(function)
        )

    def _named(
        self,
        node: ast.Call,
        name: str,
        given: list[Value],
        told: dict[str, Value],
        everything: Value,
    ) -> Value:
        """`name(...)`: a local function, one of the repository, of Python, or an imported one."""
        local = self.functions.get(name)
        if local is not None:
            return self._follow(node, local, given, told, bound=False)
        if self.env.get(name):
            return self._layers(node, self.env[name], given, everything)
        found = self.place.definitions(self.place.file, name)
        qualified = self.place.file.imports.resolve(name)
        if found is not None or qualified is not None:
            return self._function(node, qualified or name, given, told, everything)
        if name == "getattr" and everything:
            key = node.args[1] if len(node.args) > 1 else None
            written = key.value if isinstance(key, ast.Constant) else ""
            if writes_itself(str(written)) or not written:
                self.write(node, given[0])
            elif written in MUTATORS:
                self.change(node, given[0])
            return given[0] if given else everything
        if name in {"setattr", "delattr", "vars"} and node.args:
            self.write(node, given[0])
            if ast.unparse(node.args[0]) == "self":
                self.change(node, frozenset({("an attribute by name", 0)}))
        if name == "type" and [ast.unparse(a) for a in node.args] == ["self"]:
            return frozenset({(self.place.name, 0)})
        if name in PASSING:
            return frozenset((what, max(depth, 1)) for what, depth in everything)
        if name == "enumerate":
            return _deeper(everything)
        if name == "map":
            return self._callbacks(node, given)
        if name in PICKING:
            if name == "next":
                self.change(node, everything)
            return _elements(everything)
        return frozenset() if hasattr(builtins, name) else everything

    def _function(
        self,
        node: ast.Call,
        name: str,
        given: list[Value],
        told: dict[str, Value],
        everything: Value,
    ) -> Value:
        """A function known by its dotted name."""
        written = dotted(node.func) or ""
        found = self.place.definitions(self.place.file, written)
        if found is not None and isinstance(found.node, ast.FunctionDef):
            return self._follow(node, found.node, given, told, bound=False, at=found)
        if found is not None:
            return _deeper(everything)  # an object that may hold what it was given
        last = name.rpartition(".")[2]
        first = given[0] if given else told.get("input", frozenset())
        if name in WRITERS or writes_itself(last) or self._is_in_place(node, last):
            self.write(node, first)
            return first
        if name.startswith("numpy.") and name.endswith(".at"):
            self.write(node, first)
        if name.startswith("numpy.") and last in OF_TWO and len(given) > 2:
            self.write(node, given[2])
        if name.startswith(("torch.", "numpy.", "math.")):
            if last in PARTED:
                return _deeper(everything)
            return everything if last in VIEWS else frozenset()
        return everything | self._callbacks(node, given)

    def _is_in_place(self, node: ast.Call, name: str) -> bool:
        told = next((k.value for k in node.keywords if k.arg == "inplace"), None)
        at = IN_PLACE_ARGUMENT.get(name.replace("_", ""))
        if told is None and at is not None and at < len(node.args):
            told = node.args[at]
        return told is not None and not (isinstance(told, ast.Constant) and not told.value)

    def _callbacks(self, node: ast.Call, given: list[Value]) -> Value:
        """Functions that are handed on with tensors may be called with any of them."""
        parts = frozenset().union(*given, _elements(frozenset().union(*given)))
        found = parts
        for argument in node.args:
            function: ast.FunctionDef | ast.Lambda | None = None
            at: Definition | None = None
            if isinstance(argument, ast.Lambda):
                function = argument
            elif isinstance(argument, ast.Name):
                function = self.functions.get(argument.id)
                at = self.place.definitions(self.place.file, argument.id)
            elif self_attribute(argument) in self.place.methods:
                function = self.place.methods[self_attribute(argument) or ""]
            if function is None and at is not None and isinstance(at.node, ast.FunctionDef):
                function = at.node
            if function is not None and parts:
                names = [a.arg for a in function.args.args if a.arg != "self"]
                before = len(self.writes)
                self._follow(node, function, [], dict.fromkeys(names, parts), bound=True, at=at)
                self.structured = self.structured or len(self.writes) > before
        return found

    def _follow(
        self,
        node: ast.Call,
        function: ast.FunctionDef | ast.Lambda,
        given: list[Value],
        told: dict[str, Value],
        *,
        bound: bool,
        at: Definition | None = None,
    ) -> Value:
        """Go through what is called, with what it is given; its writes are this call's."""
        from rlmigrate.migrate.understanding.sharing import place_of

        own = at is None
        everything = frozenset().union(*given, *told.values())
        shared = {n: v for n, v in self.env.items() if own and (v or n.startswith("self."))}
        if self.depth >= FAR:
            return everything
        names = [a.arg for a in [*function.args.posonlyargs, *function.args.args]]
        names = names[1:] if bound and names[:1] == ["self"] else names
        env = dict(shared) if own and isinstance(function, ast.Lambda) else {}
        if own:
            nested = function in self.functions.values()
            env = {n: v for n, v in shared.items() if nested or n.startswith("self.")} | env
        env |= _defaults(function)
        env |= dict(zip(names, given, strict=False))
        if function.args.vararg is not None:
            env[function.args.vararg.arg] = _deeper(frozenset().union(*given[len(names) :]))
        keywords = {*names, *(a.arg for a in function.args.kwonlyargs)}
        env |= {name: value for name, value in told.items() if name in keywords}
        if function.args.kwarg is not None:
            rest = [value for name, value in told.items() if name not in keywords]
            env[function.args.kwarg.arg] = _deeper(frozenset().union(*rest))
        around = (self.place, frozenset(self.functions.values()), frozenset(self.bound))
        key = (function, around if own else None, frozenset(env.items()))
        depth, inner, found = self.followed.get(key, (FAR, self, everything))
        if depth > self.depth:  # what was followed from nearer has seen no less
            place = self.place if at is None else place_of(self.place, at)
            inner = type(self)(place, self.known, depth=self.depth + 1, env=env)  # type: ignore[call-arg]
            inner.followed = self.followed
            inner.functions = dict(self.functions) if own else {}
            inner.bound = set(self.bound) if own else set()
            found = inner.run(function)
            self.followed[key] = (self.depth, inner, found)
        if own:
            self.env |= {n: v for n, v in inner.env.items() if n.startswith("self.")}
        for where, value in inner.writes.items():
            self.write(where if own else node, value)
        for where, what in inner.changes.items():
            self.changes.setdefault(where if own else node, what)
        if isinstance(function, ast.FunctionDef) and is_cached(function):
            found |= {(f"the result that {function.name} remembers", 0)}
        return found

    def _made(self, node: ast.Call, func: ast.Call, given: list[Value], everything: Value) -> Value:
        """`nn.ReLU(inplace=True)(x)`, `getattr(x, "relu_")()` and the like."""
        value = self.value(func)
        if dotted(func.func) == "getattr":
            return value | everything
        effect = layer_effect(func, self.place, depth=self.depth)
        return self._through(node, effect, given, everything)

    def _layers(
        self,
        node: ast.Call,
        called: Value,
        given: list[Value],
        everything: Value,
        method: str = "forward",
    ) -> Value:
        """A module that the class holds, or one of several, is called."""
        held = {what.removeprefix("self.") for what, _ in called if isinstance(what, str)}
        if not held or not everything:
            return everything
        effects = [
            held_effect(
                name.rstrip("[]"),
                self.place,
                depth=self.depth,
                method=method if method != "__call__" else "forward",
                apart="[" in name and id(node) not in self.in_turn,
            )
            for name in sorted(held)
        ]
        return self._through(node, max(effects), given, everything)

    def _through(
        self, node: ast.Call, effect: Effect, given: list[Value], everything: Value
    ) -> Value:
        if effect is Effect.WRITES:
            self.write(node, given[0] if given else everything)
        return frozenset() if effect is Effect.FRESH else everything


def _defaults(function: ast.FunctionDef | ast.Lambda) -> dict[str, Value]:
    """Parameters whose default is made once and lasts."""
    names = [*function.args.posonlyargs, *function.args.args]
    pairs = zip(names[::-1], function.args.defaults[::-1], strict=False)
    lasting = (ast.List, ast.Dict, ast.Set, ast.Call)
    return {
        name.arg: frozenset({(f"the default of {name.arg}", 0)})
        for name, default in pairs
        if isinstance(default, lasting)
    }


def _is_static(method: ast.FunctionDef) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in method.decorator_list)


def _elements(value: Value) -> Value:
    return frozenset((what, max(depth - 1, 0)) for what, depth in value)


def _deeper(value: Value) -> Value:
    return frozenset((what, depth + 1 if depth < 3 else depth) for what, depth in value)
