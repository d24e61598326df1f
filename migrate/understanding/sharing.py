"""What may share memory with the observation, statement by statement, and what writes into it.

Place     the class or file whose code is read
place_of  the place of a function or class of the repository
defined   the function or class of the repository that a name or `Class.method` stands for
Sharing   one function: where it writes into what it was given, and what of that it returns

A value is a set of labels: which inputs it may share memory with, and how deep in lists they lie.
Whatever cannot be told counts as sharing, so that no write goes unseen; names are followed in the
order of the statements, so that what was computed anew is free again.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.definitions import Definition, Definitions
from rlmigrate.migrate.understanding.memory import METADATA, MUTATORS, is_idempotent, writes_itself
from rlmigrate.migrate.understanding.scope import names_bound, self_attribute
from rlmigrate.migrate.understanding.sharing_calls import Calls, Followed

#: An input, and how many lists or tuples it lies in; "self.x" for what the class holds there.
Label = tuple[object, int]
Value = frozenset[Label]
NOTHING: Value = frozenset()
DEEPEST = 3
DEEP = 8
LATER = "<replaced>"


@dataclass(frozen=True, eq=False)
class Place:
    """Code with a `self`: its file, its methods, and the statements that build what it holds."""

    file: FileEntry
    definitions: Definitions
    name: str = ""
    methods: Mapping[str, ast.FunctionDef] = field(default_factory=dict)
    builders: tuple[ast.FunctionDef, ...] = ()  # methods of the class and of its bases


def place_of(near: Place, found: Definition) -> Place:
    """Where a function or class of the repository is read, its bases included."""
    methods: dict[str, ast.FunctionDef] = {}
    builders: list[ast.FunctionDef] = []
    line: list[Definition] = [found]
    for each in line:
        if isinstance(each.node, ast.ClassDef) and len(line) < DEEP:
            written = [dotted(base) for base in each.node.bases]
            bases = [near.definitions(each.file, name) for name in written if name]
            line += [base for base in bases if base is not None]
        methods = {**each.methods, **methods}
        builders += each.methods.values()
    return Place(found.file, near.definitions, found.node.name, methods, tuple(builders))


def defined(near: Place, written: str) -> Definition | None:
    """Look a dotted name up where a place is; for `Class.method` it is the class."""
    owner = written.rpartition(".")[0]
    found = near.definitions(near.file, written)
    if found is None and owner and owner != "self":
        found = near.definitions(near.file, owner)
    return found


@dataclass
class Sharing(Calls):
    """Follow one function of a place; `writes` grows by node and labels.

    `known` are the expressions that are inputs, by id, `later` those that stand for the observation
    after it was replaced; `depth` stops functions that call each other.
    """

    place: Place
    known: Mapping[int, Value]
    later: Collection[int] = ()
    depth: int = 0
    env: dict[str, Value] = field(default_factory=dict)
    writes: dict[ast.AST, Value] = field(default_factory=dict)
    changes: dict[ast.AST, str] = field(default_factory=dict)  # what lasts until the next call
    returned: Value = NOTHING
    functions: dict[str, ast.FunctionDef | ast.Lambda] = field(default_factory=dict)
    structured: bool = False  # what is written into may be a dict or list of tensors
    bound: set[str] = field(default_factory=set)  # names that are no globals
    in_turn: set[int] = field(default_factory=set)  # calls that hand a name on to the next module
    followed: Followed = field(default_factory=dict)

    def run(self, function: ast.FunctionDef | ast.Lambda) -> Value:
        """Go through a function; returns what its result may share memory with."""
        self.bound |= names_bound(function) | {
            node.arg for node in nodes_in(function) if isinstance(node, ast.arg)
        }
        if isinstance(function, ast.Lambda):
            return self.value(function.body)
        self._block(function.body)
        return self.returned

    def write(self, node: ast.AST, value: Value) -> None:
        """Note that a place writes into a value."""
        into = frozenset(label for label in value if label[1] == 0 and not _is_held(label))
        if into:
            self.writes[node] = self.writes.get(node, NOTHING) | into
        self.change(node, value)

    def change(self, node: ast.AST, value: Value) -> None:
        """Note that a place changes what the class holds, unless always to the same."""
        for what, _ in sorted((label for label in value if _is_held(label)), key=str):
            if not is_idempotent(node):
                self.changes.setdefault(node, str(what).rstrip("[]"))

    def _block(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assign):
            if _renews(node):
                self.in_turn.add(id(node.value))
            value = self.value(node.value)
            for target in node.targets:
                self._bind(target, value, node.value)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self._bind(node.target, self.value(node.value), node.value)
        elif isinstance(node, ast.AugAssign):
            self._augment(node)
        elif isinstance(node, ast.Return):
            self.returned |= self.value(node.value) if node.value is not None else NOTHING
        elif isinstance(node, ast.If):
            self.value(node.test)
            self._either([node.body, node.orelse])
        elif isinstance(node, ast.For | ast.AsyncFor | ast.While):
            self._loop(node)
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                value = self.value(item.context_expr)
                if item.optional_vars is not None:
                    self._bind(item.optional_vars, value)
            self._block(node.body)
        elif isinstance(node, ast.Try):
            handlers = [handler.body for handler in node.handlers]
            self._block(node.body)
            self._either([node.orelse, *handlers])
            self._block(node.finalbody)
        elif isinstance(node, ast.FunctionDef):
            self.functions[node.name] = node
        elif isinstance(node, ast.Global | ast.Nonlocal):
            self.changes.setdefault(node, node.names[0])
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                if isinstance(target, ast.Subscript):
                    self.write(node, self.value(target.value))
        elif not isinstance(node, ast.ClassDef):
            self._parts(node)

    def _parts(self, node: ast.AST) -> None:
        """Whatever else a statement holds."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child)
            elif isinstance(child, ast.stmt):
                self._statement(child)
            else:
                self._parts(child)

    def _either(self, bodies: Iterable[list[ast.stmt]]) -> None:
        """One of several blocks runs: afterwards a name may be what any of them made it."""
        before, after = dict(self.env), []
        for body in bodies:
            self.env = dict(before)
            self._block(body)
            after.append(self.env)
        names = set().union(*after)
        self.env = {n: NOTHING.union(*(env.get(n, NOTHING) for env in after)) for n in names}

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While) -> None:
        for _ in range(2):  # the second time with what the first has bound
            before = dict(self.env)
            if isinstance(node, ast.While):
                self.value(node.test)
            else:
                self._each(node.target, node.iter)
            self._block(node.body)
            names = before.keys() | self.env.keys()
            self.env = {n: before.get(n, NOTHING) | self.env.get(n, NOTHING) for n in names}
        self._block(node.orelse)

    def _each(self, target: ast.expr, iterated: ast.expr) -> None:
        """Bind what a loop or comprehension goes through; counters and keys share nothing."""
        value = self.value(iterated)
        call = iterated if isinstance(iterated, ast.Call) else None
        if call is not None and isinstance(target, ast.Tuple):
            called = call.func.id if isinstance(call.func, ast.Name) else ""
            member = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            if (called == "enumerate" or member in {"items", "named_children"}) and target.elts[1:]:
                self._bind(target.elts[0], NOTHING)
                self._bind(target.elts[1], element(element(value)) if called else element(value))
                return
            if called == "zip" and len(target.elts) == len(call.args):
                for each, given in zip(target.elts, call.args, strict=True):
                    self._bind(each, element(self.value(given)))
                return
        self._bind(target, element(value))

    def _bind(self, target: ast.expr, value: Value, given: ast.expr | None = None) -> None:
        attribute = self_attribute(target)
        if isinstance(target, ast.Name):
            self.env[target.id] = value
            if isinstance(given, ast.Lambda):
                self.functions[target.id] = given
        elif attribute is not None:
            self.env[f"self.{attribute}"] = value
        elif isinstance(target, ast.Tuple | ast.List):
            same = isinstance(given, ast.Tuple | ast.List) and len(given.elts) == len(target.elts)
            for i, each in enumerate(target.elts):
                if same and isinstance(given, ast.Tuple | ast.List):
                    self._bind(each, self.value(given.elts[i]), given.elts[i])
                elif isinstance(each, ast.Starred):
                    self._bind(each.value, deeper(element(value)))
                else:
                    self._bind(each, element(value))
        elif isinstance(target, ast.Subscript):
            if id(target) in self.later:  # input_dict["obs"] = ...
                self.env[LATER] = value
                return
            self.value(target.slice)
            self.write(target, self.value(target.value))
            self._of_import(target)
            self.put_into(target.value, value)
        elif isinstance(target, ast.Attribute) and target.attr not in METADATA:
            self.write(target, self.value(target.value))  # x.data = ...
            self._of_import(target)

    def _of_import(self, target: ast.Attribute | ast.Subscript) -> None:
        """`os.environ["N"] = ...`: what is imported outlives every call."""
        root: ast.expr = target
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        known = isinstance(root, ast.Name) and root.id not in self.env.keys() | self.bound
        if known and isinstance(root, ast.Name) and root.id in self.place.file.imports.names:
            self.changes.setdefault(target, root.id)

    def put_into(self, container: ast.expr, value: Value) -> None:
        """Something is laid into a list or dict under a name of its own."""
        name = container.id if isinstance(container, ast.Name) else ""
        attribute = self_attribute(container)
        name = f"self.{attribute}" if attribute else name
        if name:
            self.env[name] = self.env.get(name, NOTHING) | deeper(value)

    def _augment(self, node: ast.AugAssign) -> None:
        given = self.value(node.value)
        self.write(node, self.value(node.target))
        if any(label[1] for label in given):  # a list grows
            self.put_into(node.target, element(given))

    def value(self, node: ast.expr) -> Value:
        """What an expression may share memory with; writes inside it are noted."""
        if id(node) in self.known:
            return self.known[id(node)]
        if id(node) in self.later:
            return self.env.get(LATER, NOTHING)
        method = getattr(self, f"_of_{type(node).__name__.lower()}", None)
        if method is not None:
            found: Value = method(node)
            return found
        self._parts(node)
        return NOTHING

    def _of_name(self, node: ast.Name) -> Value:
        if node.id in self.env or node.id in self.bound or hasattr(builtins, node.id):
            return self.env.get(node.id, NOTHING)
        known = node.id in self.place.file.imports.names or node.id in self.functions
        return NOTHING if known else frozenset({(node.id, 0)})  # of the module

    def _of_attribute(self, node: ast.Attribute) -> Value:
        attribute = self_attribute(node)
        if attribute is not None:
            return self.env.get(f"self.{attribute}", frozenset({(f"self.{attribute}", 0)}))
        value = self.value(node.value)
        if node.attr in METADATA:
            return NOTHING
        if writes_itself(node.attr):
            self.write(node, value)  # a method laid aside, to be called later
        if node.attr in MUTATORS:
            self.change(node, value)
        return value

    def _of_subscript(self, node: ast.Subscript) -> Value:
        self.value(node.slice)
        value = self.value(node.value)
        picked = isinstance(node.slice, ast.List | ast.Compare)  # a copy of some rows
        return NOTHING if picked and all(label[1] == 0 for label in value) else element(value)

    def _of_ifexp(self, node: ast.IfExp) -> Value:
        self.value(node.test)
        return self.value(node.body) | self.value(node.orelse)

    def _of_boolop(self, node: ast.BoolOp) -> Value:
        return NOTHING.union(*map(self.value, node.values))

    def _of_binop(self, node: ast.BinOp) -> Value:
        both = self.value(node.left) | self.value(node.right)
        return frozenset(label for label in both if label[1])  # lists that are joined

    def _of_unaryop(self, node: ast.UnaryOp) -> Value:
        value = self.value(node.operand)
        return value if isinstance(node.op, ast.UAdd) else NOTHING

    def _of_listed(self, node: ast.Tuple | ast.List | ast.Set) -> Value:
        parts = [
            self.value(each.value) if isinstance(each, ast.Starred) else deeper(self.value(each))
            for each in node.elts
        ]
        return NOTHING.union(*parts)

    _of_tuple = _of_list = _of_set = _of_listed

    def _of_dict(self, node: ast.Dict) -> Value:
        parts = [
            self.value(value) if key is None else deeper(self.value(value))
            for key, value in zip(node.keys, node.values, strict=True)
        ]
        return NOTHING.union(*parts)

    def _of_comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Value:
        return self._comprehended(node.generators, node.elt)

    _of_listcomp = _of_setcomp = _of_generatorexp = _of_comprehension

    def _of_dictcomp(self, node: ast.DictComp) -> Value:
        return self._comprehended(node.generators, node.value)

    def _comprehended(self, generators: list[ast.comprehension], made: ast.expr) -> Value:
        before = dict(self.env)
        for each in generators:
            self._each(each.target, each.iter)
            for test in each.ifs:
                self.value(test)
        found = deeper(self.value(made))
        self.env = before
        return found

    def _of_namedexpr(self, node: ast.NamedExpr) -> Value:
        value = self.value(node.value)
        self._bind(node.target, value, node.value)
        return value

    def _of_starred(self, node: ast.Starred) -> Value:
        return self.value(node.value)

    def _of_lambda(self, node: ast.Lambda) -> Value:
        return NOTHING

    def _of_constant(self, node: ast.Constant) -> Value:
        return NOTHING


def _is_held(label: Label) -> bool:
    return isinstance(label[0], str)


def _renews(node: ast.Assign) -> bool:
    """`x = layer(x)`, as in a loop over modules."""
    call, target = node.value, node.targets[0]
    return (
        isinstance(call, ast.Call)
        and len(call.args) == 1
        and isinstance(target, ast.Name)
        and isinstance(call.args[0], ast.Name)
        and call.args[0].id == target.id
    )


def element(value: Value) -> Value:
    """What lies in a list; parts and rows of a tensor share its memory."""
    return frozenset(
        (f"{what}[]" if isinstance(what, str) and "[" not in what else what, max(depth - 1, 0))
        for what, depth in value
    )


def deeper(value: Value) -> Value:
    """A list around a value."""
    return frozenset((what, min(depth + 1, DEEPEST)) for what, depth in value)
