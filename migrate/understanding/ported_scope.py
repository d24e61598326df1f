"""A class that is being ported from TensorFlow: what its names stand for.

Ported   the class, with the TensorFlow names of its expressions
said     a name as it is written
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import Scope

HOMES = ("tensorflow.compat.v1.", "tensorflow.compat.v2.", "tensorflow.", "tf_keras.", "keras.")


@dataclass
class Ported:
    """One class; `building` are the nodes of its constructor."""

    scope: Scope

    def __post_init__(self) -> None:
        init = self.scope.methods.get("__init__")
        self.building = {id(n) for n in nodes_in(init)} if init is not None else set[int]()

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
