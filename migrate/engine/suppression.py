"""Comments by which a user keeps a rule away.

`# rlmigrate: ignore[RLM402]` on a line keeps the rule from what begins on that line, and on a line
of its own from the line below; `# rlmigrate: ignore` keeps every rule away. `# rlmigrate: off`
holds until `# rlmigrate: on`, or to the end of the file.

suppressions   read a file's comments
"""

from __future__ import annotations

import io
import re
import tokenize
from dataclasses import dataclass, field

COMMENT = re.compile(r"#\s*rlmigrate:\s*(ignore|off|on)\b(?:\[([^\]]*)\])?")
NO_CODE = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}
)


@dataclass
class Suppressions:
    """Codes kept away, by line; an empty code stands for every rule."""

    lines: dict[int, set[str]] = field(default_factory=dict)
    blocks: list[tuple[int, int, set[str]]] = field(default_factory=list)

    def hide(self, code: str, line: int) -> bool:
        """Tell whether `code` is kept away from `line`."""
        codes = set(self.lines.get(line, ()))
        for first, last, held in self.blocks:
            if first <= line <= last:
                codes |= held
        return any(code.startswith(prefix) for prefix in codes)


def suppressions(text: str) -> Suppressions:
    """Read the comments of a file that parses.

    >>> suppressions("a = 1  # rlmigrate: ignore[RLM402]").hide("RLM402", 1)
    True
    >>> suppressions("a = (  # rlmigrate: ignore\\n    1\\n)\\nb = 2\\n").hide("RLM402", 2)
    True
    """
    found = Suppressions()
    if "rlmigrate:" not in text:
        return found
    open_at: tuple[int, set[str]] | None = None
    last = text.count("\n") + 1
    starts: dict[int, int] = {}  # of statements, with their last lines
    start = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NEWLINE:
            starts[start], start = token.start[0], 0
        elif token.type not in NO_CODE:
            start = start or token.start[0]
        if token.type != tokenize.COMMENT:
            continue
        match = COMMENT.search(token.string)
        if match is None:
            continue
        codes = {code.strip() for code in (match[2] or "").split(",") if code.strip()} or {""}
        line = token.start[0]
        if match[1] == "off":
            open_at = open_at or (line, codes)
        elif match[1] == "on":
            if open_at is not None:
                found.blocks.append((open_at[0], line, open_at[1]))
            open_at = None
        else:
            alone = not token.line[: token.start[1]].strip()
            found.lines.setdefault(line + 1 if alone else line, set()).update(codes)
    if open_at is not None:
        found.blocks.append((open_at[0], last, open_at[1]))
    for line, codes in found.lines.items():
        if line in starts:  # at the head of a statement, for all of its lines
            found.blocks.append((line, starts[line], codes))
    return found
