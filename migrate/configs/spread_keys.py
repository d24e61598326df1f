"""Keys of config dicts over the whole repository: whether all places can change their names.

reads      places of a file that read a key, as `config["num_sgd_iter"]`
other_use  a file that uses a key in a way that is not followed
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from weakref import WeakKeyDictionary

from rlmigrate.errors import SourceError
from rlmigrate.migrate.configs.dict_config import dict_findings
from rlmigrate.migrate.configs.keys import OLD
from rlmigrate.migrate.configs.loose_dicts import ALONE, loose_dicts, loose_keys
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.source import SourceFile

#: Keys that no dict but RLlib's has, so that whoever reads them reads such a dict.
READABLE = ALONE | {"num_sgd_iter"}
GETTERS = frozenset({"get", "pop", "setdefault"})

NOTEBOOK = ".ipynb"
#: Files that are read by people, or are programs of their own.
TALK = frozenset({NOTEBOOK, ".md", ".rst", ".html", ".csv", ".log", ".tex", ".svg"})
_YAML = re.compile(rb"yaml\b[\s\S]*?load|OmegaConf|hydra")
#: What a program holds that reads such files.
LOADS = {
    ".json": re.compile(rb"json\.loads?\b|from json import|read_json"),
    ".yaml": _YAML,
    ".yml": _YAML,
    ".toml": re.compile(rb"toml(?:lib|i)?\.loads?\b"),
}

_known: WeakKeyDictionary[SourceFile, frozenset[str]] = WeakKeyDictionary()


def reads(nodes: Nodes) -> Iterator[ast.Constant]:
    """Yield the keys in `config[KEY]`, `config.get(KEY)`, `KEY in config`, for old names."""
    for node in nodes.strings(*OLD.keys() & READABLE):
        if _reads(nodes.parents.get(node), node):
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
    """Name a file that knows a key in a way that would not follow when it is renamed.

    The first by its name, so that it stays the same when a rewritten file leaves the index.
    """
    return min((path.name for path in _others(context, name)), default=None)


def _others(context: FileContext, name: str) -> Iterator[Path]:
    for path in context.index.files:
        own = path == context.source.path
        if not own and not _meets(context, path):
            continue
        try:
            source = context.source if own else context.index.source_of(path)
            if name.encode() in source.raw and name in _unfollowed(context, source):
                yield path
        except SourceError:
            yield path
    word = re.escape(name.encode())
    key = re.compile(rb"[\"']" + word + rb"\\?[\"']|^[ \t-]*" + word + rb"[ \t]*:", re.MULTILINE)
    for path, raw in context.index.other_texts.items():
        if name.encode() in raw and key.search(raw) and _is_read(context, path):
            yield path


def _meets(context: FileContext, path: Path) -> bool:
    """Whether a dict of this file may come to another: a notebook only shares what is imported."""
    mine = context.source.path
    notebooks = [each for each in (mine, path) if each.suffix == NOTEBOOK]
    if len(notebooks) == 2:
        return False
    if not notebooks:
        return True
    module = context.index.files[path if mine in notebooks else mine].module
    imported = context.index.files[notebooks[0]].imports
    last = module.rpartition(".")[2]
    targets = (*imported.names.values(), *imported.stars)
    return any(last in target.split(".") for target in targets)


def _is_read(context: FileContext, path: Path) -> bool:
    """Whether keys in a file that is no Python may come to a config in Python."""
    if path.suffix == NOTEBOOK and context.source.path.suffix != NOTEBOOK:
        module = re.escape(context.index.files[context.source.path].module.rpartition(".")[2])
        raw = context.index.other_texts[path]
        return bool(re.search(rb"\b(?:from|import)\b[^\n]*\b" + module.encode() + rb"\b", raw))
    if path.suffix in TALK:
        return False
    loads = LOADS.get(path.suffix)
    if loads is None:
        return True
    name = path.name.encode()
    if context.source.path.suffix == NOTEBOOK:
        raw = context.source.raw
        return name in raw or bool(loads.search(raw))
    others = context.index.other_texts.items()
    texts = [raw for each, raw in others if each.suffix == ".py"]
    texts += [context.index.source_of(p).raw for p in context.index.files if p.suffix != NOTEBOOK]
    return any(name in raw or loads.search(raw) for raw in texts)


def _unfollowed(context: FileContext, source: SourceFile) -> frozenset[str]:
    """Old names in strings of a file that neither its dicts nor its reads account for."""
    found = _known.get(source)
    if found is None:
        nodes = nodes_of(FileContext(source, context.index, context.settings))
        dicts = [each for each in (*loose_dicts(nodes), *loose_keys(nodes)) if not each.own]
        ours = {id(key.node) for each in dicts for key in each.keys}
        ours |= {id(node) for node in reads(nodes)}
        strings = [
            node
            for node in nodes.strings(*OLD)
            if id(node) not in ours
            and not isinstance(nodes.parents.get(node), ast.Expr | ast.JoinedStr)
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
