"""What the author of a policy wrote beside the code, for the methods that take its place.

opening     the line on which a block begins, its first comments included
described   a docstring without what only the old stack made true
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator

from rlmigrate.migrate.source import SourceFile

#: Where the description ends, and arguments and results of the old stack are listed.
_SECTION = re.compile(
    r"\s*(?:arg(?:ument)?s|param(?:eter)?s|keyword arg(?:ument)?s|returns?|raises|yields"
    r"|examples?|notes?|attributes|inputs?|outputs?)\s*:?\s*$|\s*[:@](?:param|return|type|rtype)",
    re.IGNORECASE,
)
#: What an RLModule does not get, give or have.
_OLD = re.compile(
    r"\b(?:state_(?:batches|outs?)|prev_\w+_batch|info_batch|compute_actions\w*|learn_on_batch"
    r"|SampleBatch|tuple|RNN|observation_space|action_space)\b|\bpolicy config",
)
#: A comment about the call of the base class.
_BASE = re.compile(r"\b(?:super|parent|base|init\w*|constructor)\b", re.IGNORECASE)


def opening(source: SourceFile, first: ast.stmt, *, goes: bool = False) -> int:
    """The line of the first comment above a statement that begins a block.

    Where the statement, a call of the base class, goes away, so does what was said of it alone.
    """
    at = found = first.lineno
    while at > 1 and (_line(source, at - 1).startswith("#") or not _line(source, at - 1)):
        at -= 1
        if _line(source, at):
            found = at
    if goes and all(_BASE.search(_line(source, at)) for at in range(found, first.lineno)):
        return first.lineno
    return found


def described(source: SourceFile, method: ast.FunctionDef, indent: str) -> str:
    """The docstring of an old method for the new one, with its line ends; "" without one.

    Sections and paragraphs about arguments and results that only the old method had are left out.
    """
    text = ast.get_docstring(method, clean=False)
    if text is None or "\\" in source.segment(method.body[0]) or '"""' in text:
        return ""
    kept = list(_paragraphs(inspect.cleandoc(text)))
    if not kept:
        return ""
    whole = "\n\n".join(kept)
    if "\n" not in whole:
        return f'{indent}"""{whole}"""\n'
    lines = [f'"""{whole}'.splitlines(), ['"""']]
    return "".join(f"{indent}{line}".rstrip() + "\n" for part in lines for line in part)


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        lines: list[str] = []
        for line in paragraph.splitlines():
            if _SECTION.match(line):
                if lines:
                    yield "\n".join(lines)
                return
            lines.append(line)
        if lines and not _OLD.search(paragraph):
            yield paragraph


def _line(source: SourceFile, number: int) -> str:
    start, end = source.line_span(number, number)
    return source.text[start:end].strip()
