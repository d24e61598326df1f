"""New strings are quoted as the file quotes its own.

quote_edits   turn new "strings" into 'strings' in files that write theirs so
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.tree import nodes_in

CODE = "RLM000"

#: A file quotes with ' if it has this many such strings, and this many for each one with ".
ENOUGH, PREPONDERANCE = 3, 4


def quote_edits(source: SourceFile, before: SourceFile) -> Iterator[Edit]:
    """Requote the short strings of `source` that `before` does not have."""
    old = {text for _, text in _short_strings(before)}
    counted = [text[0] for _, text in _short_strings(before)]
    single, double = counted.count("'"), counted.count('"')
    if single < ENOUGH or single < PREPONDERANCE * double:
        return
    for node, text in _short_strings(source):
        if text[0] == '"' and text not in old:
            yield Edit(source.span(node), f"'{text[1:-1]}'", CODE)


def _short_strings(source: SourceFile) -> Iterator[tuple[ast.Constant, str]]:
    """Strings of one token on one line, without prefix, escapes and quotes inside."""
    inside = {id(n) for joined in source.nodes(ast.JoinedStr) for n in nodes_in(joined)}
    for node in source.nodes(ast.Constant):
        if id(node) in inside:
            continue
        if not isinstance(node.value, str) or node.lineno != node.end_lineno:
            continue
        text = source.segment(node)
        content = text[1:-1]
        plain = text[:1] in ("'", '"') and text[-1:] == text[:1] and len(text) > 1
        if plain and not any(mark in content for mark in "'\"\\"):
            yield node, text
