"""The old class on rlmigrate.legacy, and the RLModule made of it.

emit_bridge   edits that turn one class
emit_twin     the old form of a class that is written anew, for heirs that are not
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence

from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.emit.moves import Moves
from rlmigrate.migrate.emit.result import Emitted
from rlmigrate.migrate.emit.text import indent_of
from rlmigrate.migrate.emit.wrapping import wrapping_edit
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.tree import nodes_in

CODE = "RLM102"


def emit_bridge(
    source: SourceFile,
    node: ast.ClassDef,
    *,
    moves: Moves,
    renamed: Mapping[str, tuple[str, str]],
    reason: str,
    role: str | None = None,
) -> Emitted:
    """Rename the class, and make the module under its name.

    `renamed` are local names of other bridged classes: local name to (module, legacy name), the
    module empty where the class stands in the same file. `role` is what wrap_model must be told.
    """
    edits, wanted = _renames(source, node, moves, renamed)
    wanted.add(("rlmigrate", "wrap_model"))
    edits.append(
        wrapping_edit(
            source,
            node,
            code=CODE,
            maker="wrap_model",
            comment=f"On the old model, because it {reason}.",
            **({"role": role} if role else {}),
        )
    )
    return Emitted(tuple(edits), Imports(frozenset(wanted)))


def emit_twin(
    source: SourceFile,
    node: ast.ClassDef,
    *,
    moves: Moves,
    renamed: Mapping[str, tuple[str, str]],
    heirs: Sequence[str],
) -> tuple[Edit, Imports]:
    """The old form of a class after the new one, for heirs that stay on the old model."""
    renames, wanted = _renames(source, node, moves, renamed)
    span = source.line_span(node.lineno, node.end_lineno or node.lineno)
    text = source.text[span.start : span.end]
    for edit in sorted(renames, key=lambda e: e.span.start, reverse=True):
        start, end = edit.span.start - span.start, edit.span.end - span.start
        text = f"{text[:start]}{edit.text}{text[end:]}"
    indent = indent_of(source, node)
    lead = "" if source.text[span.end - 1 : span.end] in "\r\n" else "\n"
    gap = "\n\n" if not indent else "\n"
    several = f"{', '.join(heirs[:-1])} and {heirs[-1]} still inherit"
    named = several if len(heirs) > 1 else f"{heirs[0]} still inherits"
    comment = f"{indent}# The old form of {node.name}, which {named} from.\n"
    return Edit(Span(span.end, span.end), f"{lead}{gap}{comment}{text}", CODE), Imports(
        frozenset(wanted)
    )


def _renames(
    source: SourceFile,
    node: ast.ClassDef,
    moves: Moves,
    renamed: Mapping[str, tuple[str, str]],
) -> tuple[list[Edit], set[tuple[str, str]]]:
    """Edits that name old classes LegacyX in a class, and the imports that it then needs."""
    start = source.offset(node.lineno, node.col_offset)
    head = re.compile(r"class\s+").match(source.text, start)
    assert head is not None
    legacy = f"Legacy{node.name}"
    edits = [Edit(Span(head.end(), head.end() + len(node.name)), legacy, CODE)]
    wanted: set[tuple[str, str]] = set()
    for inner in nodes_in(node):
        if not isinstance(inner, ast.Name):
            continue
        if inner.id == node.name:
            edits.append(Edit(source.span(inner), legacy, CODE))
        elif inner.id in renamed:
            module, name = renamed[inner.id]
            edits.append(Edit(source.span(inner), name, CODE))
            if module:
                wanted.add((module, name))
        elif inner.id in moves.legacy:
            module, name = moves.legacy[inner.id]
            wanted.add((module, name if name == inner.id else f"{name} as {inner.id}"))
    return edits, wanted
