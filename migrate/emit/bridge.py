"""The old class on rlmigrate.legacy, and the RLModule made of it.

emit_bridge   edits that turn one class
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.emit.moves import Moves
from rlmigrate.migrate.emit.result import Emitted
from rlmigrate.migrate.emit.text import indent_of
from rlmigrate.migrate.source import SourceFile, Span

CODE = "RLM102"
WIDTH = 88


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
    text = source.text
    start = source.offset(node.lineno, node.col_offset)
    head = re.compile(r"class\s+").match(text, start)
    assert head is not None
    legacy = f"Legacy{node.name}"
    edits = [Edit(Span(head.end(), head.end() + len(node.name)), legacy, CODE)]
    wanted = {("rlmigrate", "wrap_model")}
    for inner in ast.walk(node):
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
    indent = indent_of(source, node)
    last = node.end_lineno or node.lineno
    at = source.line_span(last, last).end
    lead = "" if text[at - 1 : at] in "\r\n" else "\n"
    gap = "\n\n" if not indent else "\n"
    arguments = f'{legacy}, name="{node.name}"' + (f', role="{role}"' if role else "")
    call = f"{indent}{node.name} = wrap_model({arguments})"
    if len(call) > WIDTH:
        call = f"{indent}{node.name} = wrap_model(\n{indent}    {arguments}\n{indent})"
    line = f"{lead}{gap}{indent}# On the old model, because it {reason}.\n{call}\n"
    edits.append(Edit(Span(at, at), line, CODE))
    return Emitted(tuple(edits), Imports(frozenset(wanted)))
