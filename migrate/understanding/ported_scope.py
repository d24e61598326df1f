"""A class that is being ported from TensorFlow: what its names stand for.

Ported   the class, with the TensorFlow names of its expressions
said     a name as it is written
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import Scope, self_attribute

HOMES = ("tensorflow.compat.v1.", "tensorflow.compat.v2.", "tensorflow.", "tf_keras.", "keras.")


@dataclass
class Ported:
    """One class; `building` are the nodes of its constructor and of what that calls."""

    scope: Scope

    def __post_init__(self) -> None:
        self.building: set[int] = set()
        for name in self._builders():
            if name in self.scope.methods:
                self.building |= {id(n) for n in nodes_in(self.scope.methods[name])}

    def _builders(self) -> set[str]:
        """Methods that the constructor alone calls, a base's and an heir's included."""
        kin = self.scope.kin
        around = [kin.own, *kin.bases, *(heir for heir, _ in kin.heirs)] if kin else []
        calls: dict[str, set[str]] = {}
        for methods in (self.scope.methods, *(each.methods for each in around)):
            for name, method in methods.items():
                found = {a for n in nodes_in(method) if (a := self_attribute(n))}
                calls[name] = calls.get(name, set()) | found

        def reached(*roots: str) -> set[str]:
            seen: set[str] = set()
            stack = list(roots)
            while stack:
                name = stack.pop()
                if name in calls and name not in seen:
                    seen.add(name)
                    stack += calls[name]
            return seen

        built = reached("__init__")
        others = [n for n in calls if n not in built and n != "__init__"]
        return built - reached("forward", "forward_rnn", "value_function", *others)

    def problem(self, node: ast.AST, text: str) -> None:
        """Note why the class cannot be ported."""
        self.scope.problem(node, text)

    def tensorflow(self, node: ast.expr) -> str | None:
        """`nn.relu` of `tf.nn.relu`; None for names of other homes."""
        found = self.scope.qualified(node)
        if found is None:
            return None
        if found in {"tensorflow", "tensorflow.compat.v1", "keras", "tf_keras"}:
            return "tf"
        home = next((h for h in HOMES if found.startswith(h)), None)
        if home is None:
            return None
        rest = found.removeprefix(home)
        return f"keras.{rest}" if home in HOMES[-2:] else rest


def said(node: ast.expr) -> str:
    """A name as it is written."""
    return dotted(node) or ast.unparse(node)
