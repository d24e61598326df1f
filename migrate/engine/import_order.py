"""Imports that stood in order before a rewrite stand in order after it.

statement_edits   sort blocks of imports that lost their order
name_edits        sort the names of an import that lost theirs
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.engine.todo import markers
from rlmigrate.migrate.source import SourceFile, Span

CODE = "RLM000"
Statement = ast.Import | ast.ImportFrom
Key = Callable[[Statement], tuple[int | str, ...]]
Block = list[Statement]


def _plain_first(node: Statement) -> tuple[int | str, ...]:
    """As isort and ruff sort by default: `import x` before `from x import y`."""
    return (isinstance(node, ast.ImportFrom), *_within(node))


def _within(node: Statement) -> tuple[int | str, ...]:
    """As isort sorts under force_sort_within_sections."""
    level = node.level if isinstance(node, ast.ImportFrom) else 0
    return (-level, _module(node).lower(), isinstance(node, ast.ImportFrom))


def _roman(node: Statement) -> tuple[int | str, ...]:
    level = node.level if isinstance(node, ast.ImportFrom) else 0
    return (isinstance(node, ast.ImportFrom), -level, _module(node))


def _constants_first(name: str) -> tuple[int | str, ...]:
    """As isort and ruff sort names by default: constants, classes, then the rest."""
    if name.isupper() and len(name) > 1:
        return (0, name)
    return (1 if name[:1].isupper() else 2, name)


def _ignoring_case(name: str) -> tuple[int | str, ...]:
    return (name.lower(),)


def _by_code_point(name: str) -> tuple[int | str, ...]:
    return (name,)


STATEMENT_KEYS: tuple[Key, ...] = (_plain_first, _within, _roman)
NAME_KEYS: tuple[Callable[[str], tuple[int | str, ...]], ...] = (
    _constants_first,
    _ignoring_case,
    _by_code_point,
)


def statement_edits(source: SourceFile, before: SourceFile) -> Iterator[Edit]:
    """Sort blocks that are new in `source`, if all of `before` kept to one order."""
    old = [block for block in _blocks(before) if len(block) > 1]
    known = {_text(before, block) for block in old}
    key = next((k for k in STATEMENT_KEYS if old and all(_in_order(b, k) for b in old)), None)
    if key is None:
        return
    for block in _blocks(source):
        if len(block) < 2 or _in_order(block, key) or _text(source, block) in known:
            continue
        lines = [source.line_span(n.lineno, n.end_lineno or n.lineno) for n in block]
        texts = {id(n): source.text[s.start : s.end] for n, s in zip(block, lines, strict=True)}
        if not all(text.endswith(("\n", "\r")) for text in texts.values()):
            continue
        for node, span in zip(sorted(block, key=key), lines, strict=True):
            if source.text[span.start : span.end] != texts[id(node)]:
                yield Edit(span, texts[id(node)], CODE)


def _in_order(block: Block, key: Key) -> bool:
    return block == sorted(block, key=key)


def _blocks(source: SourceFile) -> Iterator[Block]:
    """Runs of import statements on neighbouring lines, one statement a line at least.

    One below a marker stays where the marker is.
    """
    marked = {marker.last + 1 for marker in markers(source.text)}
    statements: list[Statement] = [*source.nodes(ast.Import), *source.nodes(ast.ImportFrom)]
    bodies = {id(body): body for body in (source.block_of(node) for node in statements)}
    for body in bodies.values():
        block: Block = []
        for node in body:
            lone = node if isinstance(node, Statement) and _alone(source, node) else None
            lone = None if lone and lone.lineno in marked else lone
            if block and not (lone and lone.lineno == (block[-1].end_lineno or 0) + 1):
                yield block
                block = []
            if lone:
                block.append(lone)
        if block:
            yield block


def _alone(source: SourceFile, node: Statement) -> bool:
    """Say whether nothing but a comment shares the lines of a statement."""
    lines = source.line_span(node.lineno, node.end_lineno or node.lineno)
    span = source.span(node)
    after = source.text[span.end : lines.end].strip()
    return not source.text[lines.start : span.start].strip() and (
        not after or after.startswith("#")
    )


def _text(source: SourceFile, block: Block) -> str:
    first, last = block[0], block[-1]
    span = source.line_span(first.lineno, last.end_lineno or last.lineno)
    return source.text[span.start : span.end]


def name_edits(source: SourceFile, before: SourceFile) -> Iterator[Edit]:
    """Sort the names of statements that are new in `source`, if all of `before` were sorted."""
    old = [n for n in before.nodes(ast.ImportFrom) if len(n.names) > 1]
    known = {before.segment(node) for node in old}
    key = next(
        (k for k in NAME_KEYS if all(_listed(n) == sorted(_listed(n), key=k) for n in old)), None
    )
    if key is None:
        return
    for node in source.nodes(ast.ImportFrom):
        written = _listed(node)
        if written == sorted(written, key=key) or source.segment(node) in known:
            continue
        spans = [_with_alias(source, alias) for alias in node.names]
        if "#" in source.text[spans[0].start : source.span(node).end]:
            continue
        texts = [source.text[s.start : s.end] for s in spans]
        order = sorted(range(len(texts)), key=lambda i: key(written[i]))
        for span, i in zip(spans, order, strict=True):
            if source.text[span.start : span.end] != texts[i]:
                yield Edit(span, texts[i], CODE)


def _listed(node: ast.ImportFrom) -> list[str]:
    return [alias.name for alias in node.names]


def _with_alias(source: SourceFile, alias: ast.alias) -> Span:
    return Span(
        source.offset(alias.lineno, alias.col_offset),
        source.offset(alias.end_lineno or alias.lineno, alias.end_col_offset or 0),
    )


def _module(node: Statement) -> str:
    if isinstance(node, ast.Import):
        return node.names[0].name
    return node.module or ""
