"""Places in a source file that ast does not name.

signature_span   from `def` to the colon of a function
method_span      a method, with the blank lines before it
unconditional    an `if` that always holds, without its condition
indent_of        the white space before a statement
requoted_pieces  texts for f-strings
describes        whether a comment is in words
Lines            lines to delete, tidied so that no double blank lines stay
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field

from rlmigrate.migrate.fstrings import quote_around, requoted
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.facts import Reading


def signature_span(source: SourceFile, node: ast.FunctionDef) -> Span:
    """Characters from `def` up to and including the colon."""
    start = source.offset(node.lineno, node.col_offset)
    depth = 0
    text = source.text[start:]
    tokens = tokenize.generate_tokens(io.StringIO(text, newline="").readline)
    offsets = _line_offsets(text)
    for token in tokens:
        if token.type != tokenize.OP:
            continue
        if token.string in "([{":
            depth += 1
        elif token.string in ")]}":
            depth -= 1
        elif token.string == ":" and depth == 0:
            row, column = token.end
            return Span(start, start + offsets[row - 1] + column)
    raise AssertionError(f"{source.path}:{node.lineno}: a function without a colon")


def _line_offsets(text: str) -> list[int]:
    offsets = [0]
    for line in text.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    return offsets


def method_span(source: SourceFile, node: ast.FunctionDef) -> Span:
    """A method with the blank lines before it, or after it where it opens its class."""
    first = min([d.lineno for d in node.decorator_list], default=node.lineno)
    start, end = source.line_span(first, node.end_lineno or node.lineno)
    before = source.text[:start].rstrip(" \t\r\n")
    newline = source.text.find("\n", len(before))
    if before.endswith(":"):
        rest = source.text[end:]
        blank = len(rest) - len(rest.lstrip())
        return Span(newline + 1, end + rest.rfind("\n", 0, blank) + 1)
    return Span(newline + 1 if newline >= 0 else start, end)


def indent_of(source: SourceFile, node: ast.stmt) -> str:
    """The white space that a statement's line begins with."""
    line = _line(source, node.lineno)
    return line[: len(line) - len(line.lstrip())]


def unconditional(source: SourceFile, node: ast.If) -> list[tuple[Span, str]]:
    """Edits that leave the body of an `if` alone, one step further left, comments included."""
    outer, inner = indent_of(source, node), indent_of(source, node.body[0])
    first, last = node.test.end_lineno or node.lineno, node.body[-1].end_lineno or node.lineno
    pieces = [(source.line_span(node.lineno, first), "")]
    for number in range(first + 1, last + 1):
        line = _line(source, number)
        if line.startswith(inner):
            start = source.line_span(number, number).start
            pieces.append((Span(start + len(outer), start + len(inner)), ""))
    end = node.end_lineno or last
    if end > last:
        pieces.append((source.line_span(last + 1, end), ""))
    return pieces


def _line(source: SourceFile, number: int) -> str:
    start, end = source.line_span(number, number)
    return source.text[start:end]


#: Comments with these words are more than a description of the next line.
_SPOKEN = re.compile(r"TODO|FIXME|XXX|HACK|rlmigrate|noqa|fmt:|type:|pylint|isort|yapf")


def _comments_of(texts: list[str], going: set[int], replaced: int) -> Iterator[int]:
    """Lines of comments that stand right above lines that go, and speak of nothing else."""
    for first in sorted(going):
        if first - 1 in going:
            continue
        last = first
        while last + 1 in going:
            last += 1
        if first <= replaced <= last:
            continue
        indent = _indent(texts[first - 1])
        below = texts[last] if last < len(texts) else ""
        if below.strip() and not below.lstrip().startswith("#") and _indent(below) == indent:
            continue  # the comment may speak of the statements below as well
        at = first - 1
        while at and _indent(texts[at - 1]) == indent and describes(texts[at - 1]):
            at -= 1
        if not any(_SPOKEN.search(text) for text in texts[at : first - 1]):
            yield from range(at + 1, first)


def describes(line: str) -> bool:
    """Tell whether a line is a comment in words, not code that was commented out."""
    if not line.lstrip().startswith("#"):
        return False
    try:
        nodes = list(ast.walk(ast.parse(line.strip(" \t#"))))
    except (SyntaxError, ValueError):
        return True
    return not any(isinstance(node, ast.Call | ast.Assign | ast.Import) for node in nodes)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


@dataclass
class Lines:
    """Whole lines that go.

    `spans` also takes the comments that speak of them alone, and blank lines left doubled.
    """

    source: SourceFile
    numbers: set[int] = field(default_factory=set)

    def take(self, node: ast.stmt) -> None:
        """Let a statement's lines go."""
        self.numbers.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))

    def spans(self, *, openers: set[int], replaced: int = 0) -> list[Span]:
        """The spans to delete; a blank line is not left after one of `openers`.

        Blank lines after the run that begins at line `replaced` stay: text comes in its place.
        """
        texts = self.source.text.splitlines()
        total = len(texts)
        going = set(self.numbers) | set(_comments_of(texts, self.numbers, replaced))
        for number in sorted(self.numbers):
            if number + 1 in going:
                continue
            before = number
            while before in going:
                before -= 1
            if replaced and before < replaced <= number:
                continue
            after = number + 1
            while (
                after <= total
                and not _line(self.source, after).strip()
                and (before in openers or not _line(self.source, before).strip())
            ):
                going.add(after)
                after += 1
        spans = []
        for first in sorted(going):
            if first - 1 not in going:
                last = first
                while last + 1 in going:
                    last += 1
                spans.append(self.source.line_span(first, last))
        return spans


def requoted_pieces(
    source: SourceFile, reading: Reading, pieces: list[tuple[Span, str]]
) -> list[tuple[Span, str]]:
    """Let texts that go into f-strings keep clear of their quotes."""
    around = [
        (source.span(node), quote_around(source, node))
        for node in nodes_in(reading.node)
        if isinstance(node, ast.JoinedStr)
    ]
    done = []
    for span, text in pieces:
        quotes = [q for outer, q in around if outer.start < span.start and span.end < outer.end]
        done.append((span, requoted(text, quotes[0]) if quotes else text))
    return done
