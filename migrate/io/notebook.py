"""Notebooks as Python files, and back.

Notebook   code cells joined into one text; outputs, metadata and the file's layout stay
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rlmigrate.errors import SourceError
from rlmigrate.migrate.io.json_places import elements, members
from rlmigrate.migrate.source import Span

MARK = "# rlmigrate cell {at}\n"
MARKED = re.compile(r"^# rlmigrate cell (\d+)\n", re.MULTILINE)
#: Lines that are no Python are set aside behind this word: magics, shell commands, help, and what
#: follows a backslash at the end of one. `files = !ls` keeps its name, bound to something else.
ASIDE = "  # rlmigrate aside: "
MAGIC = re.compile(r"^(\s*)([%!?].*|\w[\w.]*\?+)$")
BOUND = re.compile(r"^(\s*[\w., ]+= *)([%!].*)$")
LEFT = re.compile(r"^(?:(\s*)pass|(\s*[\w., ]+= *)\.\.\.)" + re.escape(ASIDE) + "(.*)$")


@dataclass(frozen=True, eq=False)
class Notebook:
    """A notebook's bytes, and the code in it as one Python text."""

    path: Path
    raw: bytes
    cells: tuple[int, ...]
    text: str

    @classmethod
    def read(cls, path: Path) -> Notebook:
        """Read a notebook; raises SourceError where it is no notebook of version 4."""
        try:
            raw = path.read_bytes()
            data = json.loads(raw.decode("utf-8"))
            cells = data["cells"]
        except OSError as error:
            raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(f"{path}: is no notebook of version 4: {error}") from error
        pieces, taken = [], []
        for at, cell in enumerate(cells):
            source = _joined(cell.get("source", ""))
            if cell.get("cell_type") != "code" or source.lstrip().startswith("%%"):
                continue
            taken.append(at)
            pieces.append(MARK.format(at=at) + "\n".join(_aside(source.split("\n"))) + "\n")
        return cls(path, raw, tuple(taken), "".join(pieces))

    def with_text(self, text: str) -> bytes:
        """Put changed code back into its cells; every other byte of the file's data stays."""
        plain = self.raw.decode("utf-8")
        parts = MARKED.split(text)
        head, numbers, bodies = parts[0], parts[1::2], parts[2::2]
        if [int(number) for number in numbers] != list(self.cells):
            raise SourceError(f"{self.path}: cells were lost in rewriting; left alone")
        cells = elements(plain, members(plain)["cells"].start)
        pieces, done = [], 0
        for at, (number, body) in enumerate(zip(numbers, bodies, strict=True)):
            place = members(plain, cells[int(number)].start)["source"]
            before = json.loads(plain[place.start : place.end])
            whole = (head + body if at == 0 else body).removesuffix("\n")
            source = "\n".join(_back(line) for line in whole.split("\n"))
            if source == _joined(before):
                continue
            after = source.splitlines(keepends=True) if isinstance(before, list) else source
            pieces += [plain[done : place.start], _written(plain, place, after)]
            done = place.end
        return "".join([*pieces, plain[done:]]).encode("utf-8")

    def place(self, line: int) -> tuple[int, int]:
        """Turn a line of the text into a cell (from 1) and a line in it."""
        before = self.text.split("\n")[:line]
        for back, content in enumerate(reversed(before)):
            found = MARKED.match(content + "\n")
            if found:
                return int(found[1]) + 1, back
        return 1, line


def _written(plain: str, place: Span, source: list[str] | str) -> str:
    """A cell's source as the lines of the notebook around it are laid out."""
    line = plain[plain.rfind("\n", 0, place.start) + 1 : place.start]
    indent = re.search(r'\n( +)"', plain)
    step = " " * (len(line) - len(line.lstrip()))
    text = json.dumps(
        source, indent=len(indent[1]) if indent else None, ensure_ascii=plain.isascii()
    )
    return text.replace("\n", f"\n{step}") if indent else text


def _joined(source: object) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _aside(lines: Iterable[str]) -> Iterator[str]:
    indent, goes_on = "", False
    for line in lines:
        if goes_on and line.startswith(indent):
            yield f"{indent}pass{ASIDE}{line.removeprefix(indent)}"
        elif magic := MAGIC.match(line):
            indent = magic[1]
            yield f"{indent}pass{ASIDE}{magic[2]}"
        elif bound := BOUND.match(line):
            indent = line[: len(line) - len(line.lstrip())]
            yield f"{bound[1]}...{ASIDE}{bound[2]}"
        else:
            yield line
            continue
        goes_on = line.endswith("\\")


def _back(line: str) -> str:
    left = LEFT.match(line)
    return f"{left[1] or left[2] or ''}{left[3]}" if left else line
