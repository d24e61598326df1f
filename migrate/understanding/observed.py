"""Which part of the observation forward reads, and in what form.

Observed   "unread", "whole", "flat", "keyed" or "mixed", with the marks that follow
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from rlmigrate.migrate.understanding.scope import Scope

#: Keys of the input that the new stack's module knows by another way.
TRAINING = frozenset({"is_training"})


@dataclass
class Observed:
    """Reads of the observation in one forward; `whole` and `flat` say that it is read so."""

    scope: Scope
    function: ast.FunctionDef
    batch: str
    whole: bool = False
    flat: bool = False
    roots: list[ast.expr] = field(default_factory=list)
    flats: list[ast.expr] = field(default_factory=list)
    leaves: list[ast.expr] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    aliases: dict[str, ast.expr] = field(default_factory=dict)

    def read(self) -> None:
        """Find every read of the input, then what happens to the observation."""
        for node in ast.walk(self.function):
            named = isinstance(node, ast.Name) and node.id == self.batch
            if named and isinstance(node, ast.Name) and id(node) not in self.scope.handled:
                self._read_batch(node)
        self._find_aliases()
        for root in self._uses():
            self._read_use(root)

    @property
    def mode(self) -> str:
        """How the observation is read."""
        if self.keys:
            return "mixed" if self.whole or self.flat else "keyed"
        if self.flat:
            return "mixed" if self.whole else "flat"
        return "whole" if self.whole else "unread"

    def finish(self) -> None:
        """Mark the reads, now that the form is known."""
        mode = self.mode
        for node in self.flats:
            self.scope.mark("obs_flat", node)
        for root in self.roots:
            self.scope.mark("obs_mixed" if mode == "mixed" else "obs", root)
        if mode == "keyed":
            for leaf in self.leaves:
                self.scope.mark("obs_leaf", leaf)

    def _read_batch(self, node: ast.Name) -> None:
        parent = self.scope.parent(node)
        if isinstance(parent, ast.Attribute) and parent.attr in TRAINING:
            self.scope.mark("training", parent)
            return
        if not isinstance(parent, ast.Subscript) or parent.value is not node:
            self.scope.problem(node, f"hands its whole input ({node.id}) on")
            return
        key = self.scope.key_of(parent.slice)
        if not isinstance(parent.ctx, ast.Load):
            self.scope.problem(node, f"changes its input {key or ''}".rstrip())
        elif key == "obs":
            self.roots.append(parent)
        elif key == "obs_flat":
            self.flat = True
            self.flats.append(parent)
        elif key in TRAINING:
            self.scope.mark("training", parent)
        else:
            self.scope.problem(node, f"reads {ast.unparse(parent)} beside the observation")

    def _find_aliases(self) -> None:
        """Names bound once, to the observation or a part of it."""
        bound: dict[str, int] = {}
        for node in ast.walk(self.function):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                bound[node.id] = bound.get(node.id, 0) + 1
        for root in self.roots:
            parent = self.scope.parent(root)
            if isinstance(parent, ast.Assign) and parent.value is root:
                target = parent.targets[0]
                if isinstance(target, ast.Name) and len(parent.targets) == 1:
                    if bound[target.id] == 1:
                        self.aliases[target.id] = root
                    elif self._subscripted(target.id):
                        self.whole = True
                        self.keys.append("?")

    def _subscripted(self, name: str) -> bool:
        return any(
            isinstance(n, ast.Subscript)
            and isinstance(n.value, ast.Name)
            and n.value.id == name
            and self.scope.key_of(n.slice) is not None
            for n in ast.walk(self.function)
        )

    def _uses(self) -> list[ast.expr]:
        """Every place where the whole observation stands, under its own name or an alias."""
        roots = [r for r in self.roots if r not in self.aliases.values()]
        names = [
            n
            for n in ast.walk(self.function)
            if isinstance(n, ast.Name) and n.id in self.aliases and isinstance(n.ctx, ast.Load)
        ]
        return [*roots, *names]

    def _read_use(self, node: ast.expr) -> None:
        path: list[str] = []
        leaf = node
        while True:
            parent = self.scope.parent(leaf)
            if not isinstance(parent, ast.Subscript) or parent.value is not leaf:
                break
            key = self.scope.key_of(parent.slice)
            if key is None:
                break
            path.append(key)
            leaf = parent
        if path:
            key = ".".join(path)
            if key not in self.keys:
                self.keys.append(key)
            self.leaves.append(leaf)
            return
        parent = self.scope.parent(node)
        if isinstance(parent, ast.Attribute) and parent.attr in {"keys", "items", "values"}:
            self.keys.append("?")  # a dict whose parts are not named
        if isinstance(parent, ast.Subscript) and isinstance(parent.slice, ast.Constant):
            self.keys.append("?")  # part of a tuple, or a row
        if isinstance(parent, ast.For | ast.comprehension | ast.Starred):
            self.keys.append("?")
        self.whole = True

    def pure(self, node: ast.expr) -> ast.expr | None:
        """The expression on the batch alone that `node` stands for, if it is one."""
        inner = node
        bare = [*self.roots, *self.flats]
        while isinstance(inner, ast.Subscript) and inner not in bare:
            if self.scope.key_of(inner.slice) is None:
                return None
            inner = inner.value
        known = inner in bare or (isinstance(inner, ast.Name) and inner.id in self.aliases)
        return node if known else None
