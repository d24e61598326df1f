"""Keys of a config dict as it is written.

parts_of   the keys, with their comments
"""

from __future__ import annotations

import ast
from dataclasses import replace

from rlmigrate.migrate.configs.dict_chain import LAST, Part, comments_in
from rlmigrate.migrate.configs.literals import Entry, dict_entries
from rlmigrate.migrate.reading.builders import builders_of
from rlmigrate.migrate.rules.base import FileContext


def parts_of(context: FileContext, node: ast.expr) -> list[Part] | None:
    """Keys of a dict literal, with their comments; a spread of RLlib's defaults says nothing."""
    if isinstance(node, ast.Dict):
        comments = comments_in(context.source, node)
        parts: list[Part] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                if _defaults(context, value):
                    continue
                spread = dict_entries(context, value)
                if spread is None:
                    return None
                parts += [Part(entry, entry.value) for entry in spread]
            elif isinstance(key, ast.Constant) and isinstance(key.value, str):
                above = tuple(comments.pop((key.lineno, False), ()))
                inner = tuple(comments.pop((key.lineno, True), ()))
                parts.append(Part(Entry(key.value, value), key, above, inner))
            else:
                return None
        after = tuple(comments.pop((LAST, False), ()))
        if parts and after:
            parts[-1] = replace(parts[-1], after=after)
        return parts
    if _defaults(context, node):
        return []
    entries = dict_entries(context, node)
    return [Part(entry, entry.value) for entry in entries] if entries is not None else None


def _defaults(context: FileContext, node: ast.expr) -> bool:
    """`DEFAULT_CONFIG`, `ppo.DEFAULT_CONFIG.copy()`, `PPOConfig().to_dict()` and their kin."""
    imports = context.index.files[context.source.path].imports
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("copy", "to_dict"):
            owner = node.func.value
            if node.func.attr == "to_dict":
                return isinstance(owner, ast.Call) and bool(builders_of(context).config(owner))
            return _defaults(context, owner)
        if imports.qualified(node.func) in ("copy.copy", "copy.deepcopy", "dict") and node.args:
            return _defaults(context, node.args[0])
        return False
    name = imports.qualified(node) or ""
    return name.startswith("ray.rllib.") and name.endswith("DEFAULT_CONFIG")
