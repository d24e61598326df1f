"""Keys of config dicts over the whole repository: whether all places can change their names.

reads      places of a file that read a key, as `config["num_sgd_iter"]`
other_use  a file that uses a key in a way that is not followed
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from weakref import WeakKeyDictionary

from rlmigrate.errors import SourceError
from rlmigrate.migrate.configs.dict_config import dict_findings
from rlmigrate.migrate.configs.keys import OLD
from rlmigrate.migrate.configs.loose_dicts import SHARED, STRONG, loose_dicts, loose_keys
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.source import SourceFile

#: Keys that no dict but RLlib's has, so that whoever reads them reads such a dict.
READABLE = (STRONG - SHARED) | {name for name in OLD if name.count("_") > 1} | {"num_sgd_iter"}
GETTERS = frozenset({"get", "pop", "setdefault"})

_known: WeakKeyDictionary[SourceFile, frozenset[str]] = WeakKeyDictionary()


def reads(nodes: Nodes) -> Iterator[ast.Constant]:
    """Yield the keys in `config[KEY]`, `config.get(KEY)`, `KEY in config`, for old names."""
    for node in nodes.of(ast.Constant):
        known = isinstance(node.value, str) and node.value in OLD and node.value in READABLE
        if known and _reads(nodes.parents.get(node), node):
            yield node


def _reads(parent: ast.AST | None, key: ast.Constant) -> bool:
    match parent:
        case ast.Subscript(slice=found, ctx=ast.Load() | ast.Del()):
            return found is key
        case ast.Call(func=ast.Attribute(attr=name), args=[first, *_]):
            return first is key and name in GETTERS
        case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()]):
            return left is key
    return False


def other_use(context: FileContext, name: str) -> str | None:
    """Name a file that knows a key in a way that would not follow when it is renamed."""
    for path in context.index.files:
        own = path == context.source.path
        try:
            source = context.source if own else context.index.source_of(path)
            if name.encode() in source.raw and name in _unfollowed(context, source):
                return path.name
        except SourceError:
            return path.name
    word = re.escape(name.encode())
    key = re.compile(rb"[\"']" + word + rb"[\"']|^[ \t-]*" + word + rb"[ \t]*:", re.MULTILINE)
    for path, raw in context.index.other_texts.items():
        if name.encode() in raw and key.search(raw):
            return path.name
    return None


def _unfollowed(context: FileContext, source: SourceFile) -> frozenset[str]:
    """Old names in strings of a file that neither its dicts nor its reads account for."""
    found = _known.get(source)
    if found is None:
        nodes = nodes_of(FileContext(source, context.index, context.settings))
        ours = {id(key.node) for d in (*loose_dicts(nodes), *loose_keys(nodes)) for key in d.keys}
        ours |= {id(node) for node in reads(nodes)}
        strings = [
            node
            for node in nodes.of(ast.Constant)
            if isinstance(node.value, str) and node.value in OLD and id(node) not in ours
            if not isinstance(nodes.parents.get(node), ast.Expr | ast.JoinedStr)
        ]
        names: set[str] = set()
        if strings:
            other = FileContext(source, context.index, context.settings)
            spans = [edit.span for each in dict_findings(other) for edit in each.edits]
            for node in strings:
                at = source.span(node).start
                if not any(span.start <= at < span.end for span in spans):
                    names.add(str(node.value))
        found = _known[source] = frozenset(names)
    return found
