"""Environments that callbacks get from `base_env` and `worker`, through gymnasium's wrappers.

PLAIN          what a wrapper has itself
environments   follow them from one use of `base_env` or `worker`; False where that is not certain

Env runners hold vector environments, whose `unwrapped.envs` are the single ones. Each is wrapped by
gymnasium, which hands on no attributes: `get_wrapper_attr()` and its like find them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.reading.nodes import Nodes
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.source import Span

CODE = "RLM701"
PLAIN = frozenset(
    {"unwrapped", "observation_space", "action_space", "reset", "step", "render", "close", "spec"}
    | {"metadata", "np_random", "render_mode", "reward_range"}
)
LISTS = frozenset({"get_sub_environments", "get_unwrapped", "envs"})


def environments(
    context: FileContext, nodes: Nodes, method: ast.FunctionDef, use: ast.Name
) -> list[Edit] | None:
    """Return the edits for `use` and for all names that its environments get; None where unsure."""
    followed = _Followed(context, nodes, method)
    member = nodes.parents[use]
    if not (isinstance(member, ast.Attribute) and isinstance(member.ctx, ast.Load)):
        return None
    if use.id == "worker":
        if member.attr != "env":
            return None
        outer = nodes.parents[member]
        if isinstance(outer, ast.Attribute) and outer.attr in ("unwrapped", "envs"):
            return None  # it may be one environment, or the vector of an env runner
        followed.replace(member, "env_runner.env.unwrapped.envs[0]")
        return followed.edits if followed.one(member) else None
    listed: ast.AST = member
    if member.attr not in LISTS:
        return None
    if member.attr != "envs":
        listed = nodes.parents[member]
        if not (isinstance(listed, ast.Call) and not listed.args and not listed.keywords):
            return None
    assert isinstance(listed, ast.expr)
    followed.replace(listed, "env.unwrapped.envs")
    return followed.edits if followed.many(listed) else None


class _Followed:
    """Edits to all that hangs on one expression."""

    def __init__(self, context: FileContext, nodes: Nodes, method: ast.FunctionDef) -> None:
        self.source = context.source
        self.nodes = nodes
        self.method = method
        self.edits: list[Edit] = []

    def replace(self, node: ast.expr, text: str) -> None:
        """Write `text` in place of an expression."""
        self.edits.append(Edit(self.source.span(node), text, CODE))

    def many(self, node: ast.expr) -> bool:
        """Follow a list of environments."""
        parent = self.nodes.parents[node]
        if isinstance(parent, ast.Subscript) and parent.value is node:
            whole = isinstance(parent.slice, ast.Slice)
            return isinstance(parent.ctx, ast.Load) and (self.many if whole else self.one)(parent)
        if isinstance(parent, ast.For | ast.comprehension) and parent.iter is node:
            return self._named(parent.target, self.one)
        if isinstance(parent, ast.Assign) and len(parent.targets) == 1:
            return self._named(parent.targets[0], self.many)
        called = parent.func if isinstance(parent, ast.Call) else None
        return isinstance(called, ast.Name) and called.id == "len"

    def one(self, node: ast.expr) -> bool:
        """Follow a single environment."""
        parent = self.nodes.parents[node]
        if isinstance(parent, ast.Attribute):
            return parent.attr in PLAIN or self._member(node, parent)
        if isinstance(parent, ast.Assign) and len(parent.targets) == 1:
            return self._named(parent.targets[0], self.one)
        return isinstance(parent, ast.Call) and self._asked(node, parent)

    def _named(self, target: ast.expr, follow: Callable[[ast.expr], bool]) -> bool:
        """Follow a name that is bound once, as every use of it in the method."""
        if not isinstance(target, ast.Name):
            return False
        uses = [
            name
            for name in self.nodes.of(ast.Name)
            if name.id == target.id and self.method in self.nodes.up(name) and name is not target
        ]
        return all(
            isinstance(name.ctx, ast.Load)
            and self.nodes.scope(name) is self.method
            and follow(name)
            for name in uses
        )

    def _member(self, node: ast.expr, member: ast.Attribute) -> bool:
        """`env.name` is read or set."""
        span = Span(self.source.span(node).end, self.source.span(member).end)
        name = f'"{member.attr}"'
        if isinstance(member.ctx, ast.Load):
            self.edits.append(Edit(span, f".get_wrapper_attr({name})", CODE))
            return True
        statement = self.nodes.parents[member]
        if not (isinstance(statement, ast.Assign) and statement.targets == [member]):
            return False
        known = any(
            isinstance(other.ctx, ast.Load) and self.method in self.nodes.up(other)
            for other in self.nodes.attributes(member.attr)
        )
        if isinstance(statement.value, ast.Tuple) or not known:
            return False  # an attribute that is new would be set on gymnasium's wrapper
        start = self.source.text.index("=", span.end) + 1
        start += len(self.source.text[start:]) - len(self.source.text[start:].lstrip(" "))
        end = self.source.span(statement).end
        self.edits.append(Edit(Span(span.start, start), f".set_wrapper_attr({name}, ", CODE))
        self.edits.append(Edit(Span(end, end), ")", CODE))
        return True

    def _asked(self, node: ast.expr, call: ast.Call) -> bool:
        """`hasattr(env, "name")` and `getattr(env, "name")`."""
        function = call.func.id if isinstance(call.func, ast.Name) else ""
        asks = {"hasattr": "has_wrapper_attr", "getattr": "get_wrapper_attr"}
        if function not in asks or len(call.args) != 2 or call.keywords or call.args[0] is not node:
            return False
        span, inner = self.source.span(call), self.source.span(node)
        if self.source.text[span.start : inner.start] != f"{function}(":
            return False
        asked = self.source.segment(call.args[1])
        self.edits.append(Edit(Span(span.start, inner.start), "", CODE))
        self.edits.append(Edit(Span(inner.end, span.end), f".{asks[function]}({asked})", CODE))
        return True
