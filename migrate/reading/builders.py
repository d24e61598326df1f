"""Config builders: which expressions are an AlgorithmConfig, and the calls chained on them.

Chain         calls on one config in one expression, first call first
Builders      the chains of a file
builders_of   the builders of a context's file
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

from rlmigrate.migrate.configs.keys import FINAL_METHODS, METHODS
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.source import SourceFile

#: How far names and functions are followed.
DEPTH = 12


@dataclass(frozen=True)
class Config:
    """An AlgorithmConfig; `algorithm` is its name, "PPO", or empty where it is not known."""

    algorithm: str = ""


@dataclass(frozen=True, eq=False)
class Chain:
    """`root.first(...).second(...)`; `calls` are the builder's methods in source order."""

    config: Config
    root: ast.expr
    calls: tuple[ast.Call, ...]

    def method(self, call: ast.Call) -> str:
        """Name the method of one of the calls."""
        assert isinstance(call.func, ast.Attribute)
        return call.func.attr


class Builders:
    """Answers what is a config in one file."""

    def __init__(self, context: FileContext) -> None:
        self.context = context
        self.nodes: Nodes = nodes_of(context)
        entry = context.index.files.get(context.source.path)
        self.imports = entry.imports if entry is not None else None
        self._known: dict[ast.expr, Config | None] = {}
        self._functions: dict[ast.AST, Config | None] = {}

    @cached_property
    def chains(self) -> tuple[Chain, ...]:
        """Every chain of the file, in source order."""
        found = []
        for method in self.nodes.attributes(*METHODS):
            call = self.nodes.parents.get(method)
            if not isinstance(call, ast.Call) or call.func is not method:
                continue
            if self._is_receiver(call):
                continue
            config = self.config(call)
            if config is None and not _final(call):
                continue
            chain = self._chain(call)
            if chain is not None:
                found.append(chain)
        return tuple(found)

    def config(self, node: ast.expr, depth: int = DEPTH) -> Config | None:
        """Say whether an expression is an AlgorithmConfig."""
        if depth == 0:
            return None
        if node not in self._known:
            self._known[node] = None  # a name that is bound through itself is no config
            self._known[node] = self._config(node, depth - 1)
        return self._known[node]

    def _config(self, node: ast.expr, depth: int) -> Config | None:
        if isinstance(node, ast.Call):
            return self._called(node, depth)
        if isinstance(node, ast.Name):
            return self._named(node, depth)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, depth)
        if isinstance(node, ast.IfExp):
            one, two = self.config(node.body, depth), self.config(node.orelse, depth)
            return one if one == two else (Config() if one and two else None)
        if isinstance(node, ast.NamedExpr):
            return self.config(node.value, depth)
        return None

    def _called(self, node: ast.Call, depth: int) -> Config | None:
        qualified = self.imports.qualified(node.func) if self.imports else None
        if qualified is not None:
            algorithm = config_class(qualified)
            if algorithm is not None:
                return Config(algorithm)
            if qualified in ("copy.copy", "copy.deepcopy") and node.args:
                return self.config(node.args[0], depth)
        if isinstance(node.func, ast.Attribute):
            if node.func.attr == "get_default_config":
                return self._default_config(node.func.value)
            if node.func.attr in METHODS and not _final(node):
                return self.config(node.func.value, depth)
            return None
        if isinstance(node.func, ast.Name):
            return self._returned(node.func, depth)
        return None

    def _default_config(self, owner: ast.expr) -> Config | None:
        """`PPO.get_default_config()` and `get_trainable_cls(name).get_default_config()`."""
        if self.imports is None:
            return None
        if isinstance(owner, ast.Call):
            made = (self.imports.qualified(owner.func) or "").rpartition(".")[2]
            if made not in ("get_trainable_cls", "get_algorithm_class"):
                return None
            first = owner.args[0] if owner.args else None
            known = isinstance(first, ast.Constant) and isinstance(first.value, str)
            return Config(str(first.value) if known else "")  # type: ignore[union-attr]
        qualified = self.imports.qualified(owner) or ""
        if qualified.startswith("ray.rllib.algorithms."):
            return Config(qualified.rpartition(".")[2])
        return None

    def _named(self, node: ast.Name, depth: int) -> Config | None:
        scope: ast.AST = self.nodes.scope(node)
        while True:
            bound = [] if isinstance(scope, ast.ClassDef) else self.nodes.bindings(node.id, scope)
            if bound:
                found = [
                    self._bound(item, depth) for item in bound if not self._onward(item, node.id)
                ] or [None]
                if any(config is None for config in found):
                    return None
                first = found[0]
                return first if all(config == first for config in found) else Config()
            if scope is self.nodes.tree:
                return None
            scope = self.nodes.scope(scope)

    def _onward(self, node: ast.AST, name: str) -> bool:
        """`config = config.training(...)`: whatever the name is, it stays that."""
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if not (isinstance(value, ast.Call) and _is_builder_call(value) and not _final(value)):
            return False
        while isinstance(value, ast.Call) and _is_builder_call(value) and not _final(value):
            assert isinstance(value.func, ast.Attribute)
            value = value.func.value
        return (
            isinstance(value, ast.Name)
            and value.id == name
            and name in (target.id for target in _targets(node) if isinstance(target, ast.Name))
        )

    def _bound(self, node: ast.AST, depth: int) -> Config | None:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            return self.config(node.value, depth)
        if isinstance(node, ast.arg) and node.annotation is not None and self.imports:
            annotation = node.annotation
            if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
                qualified = self.imports.resolve(annotation.value)
            else:
                qualified = self.imports.qualified(annotation)
            algorithm = config_class(qualified or "")
            return Config(algorithm) if algorithm is not None else None
        return None

    def _attribute(self, node: ast.Attribute, depth: int) -> Config | None:
        """`self.config`, where every `self.config = ...` of the class is a config."""
        if not (isinstance(node.value, ast.Name) and node.value.id == "self"):
            return None
        holder = next((p for p in self.nodes.up(node) if isinstance(p, ast.ClassDef)), None)
        if holder is None:
            return None
        values = [
            statement.value
            for statement in self.nodes.of(ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Attribute)
            and target.attr == node.attr
            and isinstance(target.value, ast.Name)
            and target.value.id == "self"
            and holder in self.nodes.up(statement)
        ]
        found = [self.config(value, depth) for value in values]
        return found[0] if found and all(found) else None

    def _returned(self, name: ast.Name, depth: int) -> Config | None:
        """A function of this file that returns a config on every path."""
        bound = self.nodes.bindings(name.id, self.nodes.tree)
        if len(bound) != 1 or not isinstance(bound[0], ast.FunctionDef):
            return None
        function = bound[0]
        if function not in self._functions:
            self._functions[function] = None
            values = [
                node.value
                for node in self.nodes.of(ast.Return)
                if self.nodes.scope(node) is function
            ]
            found = [self.config(v, depth) if v is not None else None for v in values]
            self._functions[function] = found[0] if found and all(found) else None
        return self._functions[function]

    def _is_receiver(self, call: ast.Call) -> bool:
        """Whether the call is followed by another builder call on its result."""
        outer = self.nodes.parents.get(call)
        if not isinstance(outer, ast.Attribute):
            return False
        beyond = self.nodes.parents.get(outer)
        return isinstance(beyond, ast.Call) and beyond.func is outer and outer.attr in METHODS

    def _chain(self, call: ast.Call) -> Chain | None:
        calls: list[ast.Call] = []
        at: ast.expr = call
        while isinstance(at, ast.Call) and _is_builder_call(at):
            calls.append(at)
            assert isinstance(at.func, ast.Attribute)
            at = at.func.value
        config = self.config(at)
        return Chain(config, at, tuple(reversed(calls))) if config is not None else None


_CACHE: WeakKeyDictionary[SourceFile, tuple[object, Builders]] = WeakKeyDictionary()


def builders_of(context: FileContext) -> Builders:
    """Return the builders of a file, read once."""
    found = _CACHE.get(context.source)
    if found is None or found[0] is not context.index:
        found = _CACHE[context.source] = (context.index, Builders(context))
    return found[1]


def config_class(qualified: str) -> str | None:
    """Name the algorithm of a config class of RLlib; empty for AlgorithmConfig itself.

    >>> config_class("ray.rllib.algorithms.ppo.PPOConfig")
    'PPO'
    """
    if qualified == "ray.rllib.core.testing.bc_algorithm.BCConfigTest":  # RLlib's documents use it
        return "BC"
    if not qualified.startswith(("ray.rllib.algorithms.", "ray.rllib.agents.")):
        return None
    name = qualified.rpartition(".")[2]
    if name == "AlgorithmConfig":
        return ""
    return name.removesuffix("Config") if name.endswith("Config") and name[:1].isupper() else None


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []


def _is_builder_call(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in METHODS


def _final(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in FINAL_METHODS
