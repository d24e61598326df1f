"""What a class reads from its model config, and how.

Configs   keys read so far, with the marks that move them to the top level
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.facts import Mark
from rlmigrate.migrate.understanding.scope import Scope, self_attribute
from rlmigrate.migrate.understanding.vocabulary import CUSTOM_CONFIG, MODEL_DEFAULTS


@dataclass
class Configs:
    """Reads of `model_config` in one class."""

    scope: Scope
    custom_keys: set[str] = field(default_factory=set)
    default_keys: set[str] = field(default_factory=set)

    def read(self, node: ast.expr) -> None:
        """Judge one place where the whole model config stands."""
        parent = self.scope.parent(node)
        key = self._key(node)
        if key is None:
            member = isinstance(parent, ast.Compare) and parent.comparators == [node]
            if member and isinstance(parent, ast.Compare) and self._asks_own_key(parent):
                self.scope.mark("config", node)
            elif isinstance(getattr(node, "ctx", None), ast.Load) and not _is_changed(parent, node):
                self.default_keys.add("vf_share_layers")
                self.scope.mark("old_config", node)
            else:
                self.scope.problem(node, "changes its model config")
            return
        access = self._access(node)
        if key in CUSTOM_CONFIG:
            self.read_custom(access)
        elif key in MODEL_DEFAULTS:
            self.default_keys.add(key)
            self.scope.mark("default_key", access, key)
        else:
            self.scope.mark("config", node)

    def read_custom(self, node: ast.expr) -> None:
        """Judge one place where the user's own part of the model config stands."""
        if self._key_use(node, pops=isinstance(node, ast.Name)):
            popped = self._popped(node)
            if popped is None:
                self.scope.mark("config", node, custom=node)
            else:
                self.scope.mark("config_pop", popped, custom=node)
            return
        parent = self.scope.parent(node)
        target = parent.targets[0] if isinstance(parent, ast.Assign) else None
        if isinstance(parent, ast.Assign) and parent.value is node and len(parent.targets) == 1:
            attribute = self_attribute(target) if target is not None else None
            if isinstance(target, ast.Name) or attribute:
                shared = attribute is not None and bool(self.scope.kin)
                by_key = self._follow(target, attribute) and not shared
                self.scope.mark("config" if by_key else "custom_whole", node, custom=node)
                return
        self.scope.mark("custom_whole", node)

    def _follow(self, target: ast.expr | None, attribute: str | None) -> bool:
        """Say whether a variable with the user's part of the config is asked for keys only."""
        by_key = True
        for node in nodes_in(self.scope.node):
            if node is target:
                continue
            named = (
                self_attribute(node) == attribute
                if attribute
                else isinstance(node, ast.Name) and node.id == getattr(target, "id", None)
            )
            if named and isinstance(node, ast.expr) and not self._key_use(node):
                by_key = False
        return by_key

    def asks_for_a_key(self, node: ast.expr) -> bool:
        """Say whether the model config is only asked for one key here."""
        parent = self.scope.parent(node)
        member = isinstance(parent, ast.Compare) and parent.comparators == [node]
        return self._key(node) is not None or (
            member and isinstance(parent, ast.Compare) and self._asks_own_key(parent)
        )

    def asks_custom_key(self, node: ast.expr) -> bool:
        """Say whether the user's part of the config is only asked for one key here."""
        parent = self.scope.parent(node)
        member = isinstance(parent, ast.Compare) and parent.comparators == [node]
        return self._key(node, pops=True) is not None or member

    def _key_use(self, node: ast.expr, *, pops: bool = False) -> bool:
        """Say whether a dict is only asked for one key here; notes the key."""
        parent = self.scope.parent(node)
        key = self._key(node, pops=pops)
        if key is None and isinstance(parent, ast.Compare) and parent.comparators == [node]:
            key = self.scope.key_of(parent.left)
            if not all(isinstance(op, ast.In | ast.NotIn) for op in parent.ops):
                return False
        if key is None:
            return False
        self.custom_keys.add(key)
        return True

    def _popped(self, node: ast.expr) -> ast.Call | None:
        """The call in `node.pop(key, ...)`."""
        parent = self.scope.parent(node)
        call = self.scope.parent(parent)
        pops = isinstance(parent, ast.Attribute) and parent.attr == "pop"
        return call if pops and isinstance(call, ast.Call) else None

    def _key(self, node: ast.expr, *, pops: bool = False) -> str | None:
        """The key in `node[key]` and `node.get(key, ...)`, where it is read and constant.

        With `pops` also in `node.pop(key, ...)`, for a dict that is the class's own copy.
        """
        parent = self.scope.parent(node)
        if isinstance(parent, ast.Subscript) and parent.value is node:
            return self.scope.key_of(parent.slice) if isinstance(parent.ctx, ast.Load) else None
        call = self.scope.parent(parent)
        if (
            isinstance(parent, ast.Attribute)
            and parent.attr in ({"get", "pop"} if pops else {"get"})
            and isinstance(call, ast.Call)
            and call.func is parent
            and call.args
        ):
            return self.scope.key_of(call.args[0])
        return None

    def _access(self, node: ast.expr) -> ast.expr:
        parent = self.scope.parent(node)
        found = parent if isinstance(parent, ast.Subscript) else self.scope.parent(parent)
        assert isinstance(found, ast.expr)
        return found

    def _asks_own_key(self, node: ast.Compare) -> bool:
        key = self.scope.key_of(node.left)
        return key is not None and key not in MODEL_DEFAULTS and key not in CUSTOM_CONFIG

    def check(self, own: Iterable[str]) -> None:
        """Keep the user's part apart where keys would collide once both share one level.

        `own` are parameters of the class's own, which are keys of that part too.
        """
        found = sorted((self.custom_keys | set(own)) & set(MODEL_DEFAULTS))
        if not found:
            return
        for key in found if self.scope.kin else ():
            self.scope.problem(
                self.scope.node,
                f"reads a custom_model_config key {key!r} that RLlib's model config has too",
            )
        self.scope.marks = [
            Mark("custom_whole", node)
            if isinstance(node := mark.data.get("custom"), ast.AST)
            else mark
            for mark in self.scope.marks
        ]


def _is_changed(parent: ast.AST, node: ast.expr) -> bool:
    """Say whether something is stored into the dict, or a method of it called."""
    if isinstance(parent, ast.Attribute):
        return parent.attr not in {"copy", "items", "keys", "values", "get"}
    return isinstance(parent, ast.Subscript) and not isinstance(parent.ctx, ast.Load)
