"""The parsed files that stay in memory.

KeptSources   sources up to a number of bytes; the one added first goes first
"""

from __future__ import annotations

from pathlib import Path

from rlmigrate.migrate.source import SourceFile

#: Bytes of text whose trees are kept: a tree takes some twenty times its text.
KEPT_BYTES = 8_000_000


class KeptSources:
    """Sources with their trees, as many as fit."""

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._sources: dict[Path, SourceFile] = {}

    def get(self, path: Path) -> SourceFile | None:
        """Return the source of a path where it is still kept."""
        return self._sources.get(path)

    def add(self, source: SourceFile) -> None:
        """Keep a source, in the place of those that were kept longest."""
        before = self._sources.pop(source.path, None)
        self._sources[source.path] = source
        self._size += len(source.raw) - (len(before.raw) if before else 0)
        while self._size > self._limit and self._sources:
            oldest = next(iter(self._sources))
            self._size -= len(self._sources.pop(oldest).raw)
