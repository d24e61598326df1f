"""Dicts that can be read without running the program.

Entry          one key and its value
dict_entries   the entries of a dict literal or `dict(...)`, through a name that is bound once
is_changed     whether a file changes the dict that a name holds
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import FileContext


@dataclass(frozen=True)
class Entry:
    """One key of a dict; `key` is None for `**spread`."""

    key: str | None
    value: ast.expr


def dict_entries(context: FileContext, value: ast.expr | None) -> list[Entry] | None:
    """Read a dict literal or `dict(...)`, through a name that is bound once; None if computed."""
    if isinstance(value, ast.Name):
        bound = nodes_of(context).value_of(value)
        if bound is None or is_changed(context, value.id):
            return None
        return dict_entries(context, bound) if not isinstance(bound, ast.Name) else None
    if isinstance(value, ast.Dict):
        entries = []
        for key, item in zip(value.keys, value.values, strict=True):
            if key is None:
                inner = dict_entries(context, item)
                if inner is None:
                    return None
                entries += inner
            elif isinstance(key, ast.Constant) and isinstance(key.value, str):
                entries.append(Entry(key.value, item))
            else:
                return None
        return entries
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "dict":
        if value.args or any(keyword.arg is None for keyword in value.keywords):
            return None
        return [Entry(keyword.arg, keyword.value) for keyword in value.keywords]
    return None


def is_changed(context: FileContext, name: str) -> bool:
    """Tell whether the file changes the dict that a name holds."""
    nodes = nodes_of(context)
    for item in nodes.of(ast.Subscript):
        if isinstance(item.value, ast.Name) and item.value.id == name:
            if not isinstance(item.ctx, ast.Load):
                return True
            parent = nodes.parents.get(item)
            if isinstance(parent, ast.Subscript) and not isinstance(parent.ctx, ast.Load):
                return True
    return any(
        isinstance(item.value, ast.Name)
        and item.value.id == name
        and item.attr in ("update", "pop", "setdefault", "clear", "popitem")
        for item in nodes.of(ast.Attribute)
    )
