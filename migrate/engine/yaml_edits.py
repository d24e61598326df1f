"""Keys of a YAML mapping renamed, replaced and taken away, all other lines left as they are.

YamlEdits   the edits of one file
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rlmigrate.migrate.source import SourceFile


class YamlEdits:
    """Edits of one text; what cannot be said by lines is refused, with False."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.lines = source.text.splitlines(keepends=True)
        self.newline = "\r\n" if "\r\n" in source.text else "\n"
        self.done: list[tuple[int, int, str]] = []

    def rename(self, line: int, column: int, old: str, new: str) -> bool:
        """Rename a key whose line counts from 0."""
        if not self.lines[line].startswith(old, column):
            return False
        at = self._offset(line) + column
        self.done.append((at, at + len(old), new))
        return True

    def remove(self, line: int, column: int, value: Any) -> bool:
        """Take a key away with its value."""
        return self.replace(line, column, value, {})

    def replace(self, line: int, column: int, value: Any, entries: Mapping[str, Any]) -> bool:
        """Put entries in the place of a key that has its lines to itself."""
        if self.lines[line][:column].strip() or self._shared(line, column):
            return False
        last = self._last(line, column, isinstance(value, list))
        comment = re.search(r"\s#.*$", self.lines[line].rstrip("\r\n")) if last == line else None
        texts = [f"{' ' * column}{name}: {flow(given)}" for name, given in entries.items()]
        if comment and texts:
            texts[0] += comment.group()
        text = "".join(t + self.newline for t in texts)
        self.done.append((self._offset(line), self._offset(last + 1), text))
        return True

    def insert(self, line: int, text: str) -> None:
        """Put a line behind another one."""
        at = self._offset(line + 1)
        end = "" if self.lines[line].endswith(("\n", "\r")) else self.newline
        self.done.append((at, at, f"{end}{text}{self.newline}"))

    def text(self) -> str:
        """The text with all edits made."""
        text = self.source.text
        for start, end, new in sorted(self.done, key=lambda e: (e[0], e[1]), reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def _offset(self, line: int) -> int:
        return sum(len(each) for each in self.lines[:line])

    def _shared(self, line: int, column: int) -> bool:
        """Whether the value is part of a flow mapping around the key."""
        depth = 0
        for char in re.sub(r"(\"[^\"]*\"|'[^']*')", "", self.lines[line][column:]):
            depth += (char in "{[") - (char in "}]")
            if depth < 0:
                return True
        return False

    def _last(self, line: int, column: int, is_list: bool) -> int:
        """The last line of a value: deeper lines, blank and comment lines between them."""
        last = at = line
        while at + 1 < len(self.lines):
            at += 1
            text = self.lines[at]
            stripped = text.strip()
            if not stripped or stripped.startswith("#"):
                continue
            indent = len(text) - len(text.lstrip(" "))
            if (
                indent <= column
                and stripped[0] not in "]}"
                and not (is_list and indent == column and stripped.startswith(("- ", "-\n")))
            ):
                break
            last = at
        return last


def flow(value: Any) -> str:
    """Write a value in YAML's flow style.

    >>> flow({"a": [1, True, None], "b": "x y"})
    '{a: [1, true, null], b: x y}'
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        plain = re.fullmatch(r"[A-Za-z_][\w ./-]*", value) and value.lower() not in WORDS
        return value if plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, float):
        text = repr(value)
        return re.sub(r"^(-?\d+)e", r"\1.0e", text)  # YAML 1.1 reads 1e-5 as a text
    return repr(value)


WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "none"})
