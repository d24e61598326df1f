"""Read files through memory maps, so that large arrays are never copied on the way in.

open_mapped     the bytes of a file, private to this process
Window          a file object over them that also hands out parts without copying
"""

from __future__ import annotations

import mmap
from pathlib import Path


def open_mapped(path: Path) -> memoryview:
    """Map a file; writing to the memory does not change the file."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:  # which cannot be mapped
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))


class Window:
    """What an unpickler asks of a file, over bytes in memory."""

    def __init__(self, data: memoryview | bytes) -> None:
        self._data = memoryview(data)
        self._at = 0

    def take(self, count: int) -> memoryview:
        """Return the next `count` bytes, or what is left, as a part of the whole."""
        part = self._data[self._at : self._at + count]
        self._at += len(part)
        return part

    def read(self, count: int) -> bytes:
        """Return a copy of the next `count` bytes, or of what is left."""
        return bytes(self.take(count))

    def readinto(self, target: memoryview | bytearray) -> int:
        """Fill `target`; return how many bytes there were."""
        part = self.take(len(target))
        target[: len(part)] = part
        return len(part)

    def readline(self) -> bytes:
        """Return the bytes up to and with the next line feed."""
        end = self._at
        while end < len(self._data) and self._data[end] != 10:
            end += 1
        return self.read(end + 1 - self._at)
