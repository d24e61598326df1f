"""Edits on a text, and how they are applied.

Edit            a span, its replacement, and the rule that asked for it
Imports         names a file must gain or may lose, merged over all rules before they are edited
apply_edits     the edited text; refuses edits that overlap
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rlmigrate.errors import SourceError
from rlmigrate.migrate.source import SourceFile, Span


@dataclass(frozen=True, order=True)
class Edit:
    """Replace `span` by `text`; its line ends become those of the file."""

    span: Span
    text: str
    code: str
    safe: bool = True
    reason: str = ""


@dataclass(frozen=True)
class Imports:
    """Imports that an edit makes necessary, and qualified names it makes unnecessary.

    `wanted` holds `("ray.rllib.core.columns", "Columns")` for `from ... import ...` and
    `("torch", "")` for `import torch`. `unneeded` holds qualified names, for example
    `ray.rllib.models.torch.torch_modelv2.TorchModelV2`; they go if nothing else uses them.
    """

    wanted: frozenset[tuple[str, str]] = frozenset()
    unneeded: frozenset[str] = frozenset()

    def __or__(self, other: Imports) -> Imports:
        return Imports(self.wanted | other.wanted, self.unneeded | other.unneeded)


def apply_edits(source: SourceFile, edits: Iterable[Edit]) -> str:
    """Return the text of `source` with `edits` made; raises SourceError where two overlap.

    >>> file = SourceFile.from_text("a = 1")
    >>> apply_edits(file, [Edit(Span(4, 5), "2", "RLM999")])
    'a = 2'
    """
    pieces: list[str] = []
    at = 0
    last: Edit | None = None
    for edit in sorted(set(edits)):
        if edit.span.start < at and last is not None:
            raise SourceError(
                f"{source.path}:{source.line_of(edit.span.start)}: edits of {last.code} and "
                f"{edit.code} overlap; run them one at a time with --select"
            )
        pieces.append(source.text[at : edit.span.start])
        pieces.append(_in_line_ends_of(source, edit.text))
        at = edit.span.end
        last = edit
    pieces.append(source.text[at:])
    return "".join(pieces)


def _in_line_ends_of(source: SourceFile, text: str) -> str:
    """Write text, of which parts may come from the file itself, with the file's line ends."""
    plain = text.replace("\r\n", "\n") if "\r" in text else text
    return plain if source.newline == "\n" else plain.replace("\n", source.newline)
