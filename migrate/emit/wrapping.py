"""The module that stands under an old class's name, made of the class by rlmigrate.

wrapping_edit   what follows an old class: why it is wrapped, and the line that does it
"""

from __future__ import annotations

import ast
import re
import textwrap

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.emit.text import indent_of
from rlmigrate.migrate.source import SourceFile, Span

WIDTH = 88
_PLACE = re.compile(r" \(lines? \d+(, \d+)*\)")


def wrapping_edit(
    source: SourceFile, node: ast.ClassDef, *, code: str, maker: str, comment: str, **more: str
) -> Edit:
    """Write `Name = maker(LegacyName, name="Name")` below a class, under a comment.

    `more` are further arguments, all strings. Line numbers in the comment are left out: they are
    those of the file as it was.
    """
    indent = indent_of(source, node)
    last = node.end_lineno or node.lineno
    at = source.line_span(last, last).end
    lead = "" if source.text[at - 1 : at] in "\r\n" else "\n"
    gap = "\n" if indent else "\n\n"
    width = min(source.width, WIDTH)
    said = textwrap.fill(
        _PLACE.sub("", comment),
        width=width,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    named = {"name": node.name, **more}
    arguments = f"Legacy{node.name}, " + ", ".join(f'{k}="{v}"' for k, v in named.items())
    call = f"{indent}{node.name} = {maker}({arguments})"
    if len(call) > width:
        call = f"{indent}{node.name} = {maker}(\n{indent}    {arguments}\n{indent})"
    return Edit(Span(at, at), f"{lead}{gap}{said}\n{call}\n", code)
