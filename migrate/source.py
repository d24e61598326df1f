"""A source file as bytes, text and places.

SourceFile   one Python file: bytes, text, encoding, line starts
Span         a half-open range of character offsets in the text
"""

from __future__ import annotations

import ast
import codecs
import io
import re
import tokenize
from bisect import bisect_right
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple, TypeVar

from rlmigrate.errors import SourceError
from rlmigrate.migrate.tree import Walk, WordTable, walk

_LINE_END = re.compile(r"\r\n|\r|\n")
_Node = TypeVar("_Node", bound=ast.AST)

#: A file tells its line length by this many lines of more than so many columns.
WRAPPED_LINES, TELLING = 10, 60


class Span(NamedTuple):
    """Characters `start` up to, not including, `end`."""

    start: int
    end: int


@dataclass(frozen=True, eq=False)
class SourceFile:
    """One Python file whose every byte can be given back.

    `text` keeps the file's own line ends; a BOM is kept in `bom`, not in `text`. `kept_width` is
    the line length of the text that this one was made from, if it was made from one.
    """

    path: Path
    raw: bytes
    kept_width: int | None = None

    @classmethod
    def read(cls, path: Path) -> SourceFile:
        """Read `path`; raises SourceError where the system refuses."""
        try:
            return cls(path, path.read_bytes())
        except OSError as error:
            raise SourceError(f"{path}: cannot be read: {error.strerror}") from error

    @classmethod
    def from_text(cls, text: str, path: str | Path = "<text>") -> SourceFile:
        """Wrap text that came from nowhere, for tests and notebook cells."""
        return cls(Path(path), text.encode("utf-8"))

    @cached_property
    def bom(self) -> bytes:
        """The UTF-8 byte order mark, or nothing."""
        return codecs.BOM_UTF8 if self.raw.startswith(codecs.BOM_UTF8) else b""

    @cached_property
    def encoding(self) -> str:
        """The encoding named by the cookie, else utf-8; raises SourceError on a false cookie."""
        try:
            found, _ = tokenize.detect_encoding(io.BytesIO(self.raw).readline)
        except SyntaxError as error:
            raise SourceError(f"{self.path}:1: {error.msg}; correct the coding cookie") from error
        return "utf-8" if found == "utf-8-sig" else found

    @cached_property
    def text(self) -> str:
        """The decoded text; raises SourceError where the bytes do not fit the encoding."""
        try:
            text = self.raw[len(self.bom) :].decode(self.encoding)
        except UnicodeDecodeError as error:
            line = self.raw[: error.start].count(b"\n") + 1
            raise SourceError(
                f"{self.path}:{line}: byte 0x{self.raw[error.start]:02x} is not {self.encoding}; "
                "add a coding cookie or save the file as UTF-8"
            ) from error
        if self.encode(text) != self.raw:
            raise SourceError(f"{self.path}: does not survive decoding and encoding unchanged")
        return text

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file; raises SourceError with the place of a syntax error."""
        try:
            return ast.parse(self.text)
        except SyntaxError as error:
            where = f"{self.path}:{error.lineno or 1}:{error.offset or 1}"
            raise SourceError(f"{where}: syntax error: {error.msg}") from error
        except (RecursionError, MemoryError) as error:
            raise SourceError(f"{self.path}: nested too deeply to be parsed") from error
        except ValueError as error:
            raise SourceError(f"{self.path}: {error}") from error

    @cached_property
    def newline(self) -> str:
        """The line end that the file uses most; a newline where it has none."""
        crlf = self.text.count("\r\n")
        lf = self.text.count("\n") - crlf
        return "\r\n" if crlf > lf else "\n"

    @cached_property
    def width(self) -> int:
        """The line length that the file keeps to: 79, 88, or 100 where it tells nothing.

        Comments and lines with links do not count: markers that we put there must not tell.
        """
        if self.kept_width is not None:
            return self.kept_width
        lines = (line.rstrip() for line in self.text.splitlines())
        code = [len(s) for s in lines if "://" not in s and not s.lstrip().startswith("#")]
        if sum(length > TELLING for length in code) < WRAPPED_LINES:
            return 100
        return next((limit for limit in (79, 88) if max(code) <= limit), 100)

    @cached_property
    def _line_starts(self) -> list[int]:
        if "\r" in self.text:
            return [0, *(match.end() for match in _LINE_END.finditer(self.text))]
        lengths = (len(line) + 1 for line in self.text.split("\n")[:-1])
        return [*accumulate(lengths, initial=0)]

    @cached_property
    def walked(self) -> Walk:
        """The tree's nodes by type and the node around each, from the walk that all rules share."""
        return walk(self.tree)

    @property
    def parents(self) -> Mapping[ast.AST, ast.AST]:
        """The node around each node of the tree."""
        return self.walked.parents

    def nodes(self, *types: type[_Node]) -> list[_Node]:
        """List the tree's nodes of some types in source order, from the walk that rules share.

        >>> [name.id for name in SourceFile.from_text("a = b").nodes(ast.Name)]
        ['a', 'b']
        """
        by_type = self.walked.by_type
        if len(types) == 1:
            return [*by_type.get(types[0], ())]  # type: ignore[list-item]
        return [node for kind in types for node in by_type.get(kind, ())]  # type: ignore[misc]

    @cached_property
    def names(self) -> WordTable[ast.Name]:
        """Where each bare name is used or bound."""
        return WordTable(self.nodes(ast.Name), attrgetter("id"))

    @cached_property
    def attributes(self) -> WordTable[ast.Attribute]:
        """Where each `x.name` stands, by `name`."""
        return WordTable(self.nodes(ast.Attribute), attrgetter("attr"))

    @cached_property
    def strings(self) -> WordTable[ast.Constant]:
        """Where each whole string stands."""
        constants = self.nodes(ast.Constant)
        return WordTable([c for c in constants if c.value.__class__ is str], attrgetter("value"))

    @cached_property
    def said(self) -> Set[str]:
        """Every name, attribute, keyword, definition, whole string and part of an import.

        One set answers for all rules whether a file can hold what they look for.
        """
        found = set(self.names.words)
        found |= self.attributes.words
        found |= self.strings.words
        found.update(keyword.arg for keyword in self.nodes(ast.keyword) if keyword.arg)
        found.update(each.name for each in self.nodes(ast.ClassDef))
        found.update(each.name for each in self.nodes(ast.FunctionDef))
        for alias in self.nodes(ast.alias):
            found.update(alias.name.split("."))
        for node in self.nodes(ast.ImportFrom):
            found.update((node.module or "").split("."))
        return found

    def block_of(self, node: ast.stmt) -> list[ast.stmt]:
        """List the statements of the block that one stands in, itself included."""
        around = self.parents[node]
        blocks = (getattr(around, name, None) for name in ("body", "orelse", "finalbody"))
        return next(block for block in blocks if isinstance(block, list) and node in block)

    def offset(self, line: int, utf8_column: int) -> int:
        """Character offset of an ast position (line from 1, column in UTF-8 bytes)."""
        start = self._line_starts[line - 1]
        end = self._line_starts[line] if line < len(self._line_starts) else len(self.text)
        content = self.text[start:end]
        if content.isascii():
            return start + utf8_column
        return start + len(content.encode("utf-8")[:utf8_column].decode("utf-8"))

    def line_of(self, offset: int) -> int:
        """Line number, from 1, of a character offset."""
        return bisect_right(self._line_starts, offset)

    def line_span(self, first: int, last: int) -> Span:
        """Characters of lines `first` to `last`, both from 1 and included, with their line ends."""
        end = self._line_starts[last] if last < len(self._line_starts) else len(self.text)
        return Span(self._line_starts[first - 1], end)

    def span(self, node: ast.expr | ast.stmt | ast.arg | ast.keyword | ast.alias) -> Span:
        """Characters of an ast node; of a decorated definition, from its first decorator on."""
        line, column = node.lineno, node.col_offset
        decorators = getattr(node, "decorator_list", None)
        if decorators:
            line, column = decorators[0].lineno, decorators[0].col_offset - 1
        if node.end_lineno is None or node.end_col_offset is None:
            raise SourceError(f"{self.path}:{line}: a node without an end")
        return Span(self.offset(line, column), self.offset(node.end_lineno, node.end_col_offset))

    def segment(self, node: ast.expr | ast.stmt | ast.arg | ast.keyword | ast.alias) -> str:
        """The text of an ast node."""
        start, end = self.span(node)
        return self.text[start:end]

    def with_text(self, text: str) -> SourceFile:
        """The same file with another text."""
        return SourceFile(self.path, self.encode(text), self.width)

    def encode(self, text: str) -> bytes:
        """Bytes of `text` in this file's encoding, with its BOM."""
        try:
            return self.bom + text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise SourceError(
                f"{self.path}: the result holds {text[error.start]!r}, which {self.encoding} lacks"
            ) from error
