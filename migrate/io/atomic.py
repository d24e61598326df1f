"""Replace a file whole or not at all.

replace_file   write beside it, then rename
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from rlmigrate.errors import SourceError


def replace_file(path: Path, content: bytes, *, expected: bytes | None) -> None:
    """Give `path` a new content, keeping its mode bits; a link's target is what changes.

    Raises SourceError where the file is no longer what was read (`expected`, None for a new
    file), or the system refuses; the file is then as it was.
    """
    target = Path(os.path.realpath(path))
    temporary: str | None = None
    try:
        now = target.read_bytes() if target.exists() else None
        if now != expected:
            raise SourceError(f"{path}: changed while it was being rewritten; run again")
        handle, temporary = tempfile.mkstemp(prefix=".rlmigrate-", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, target.stat().st_mode if now is not None else 0o666 & ~_umask())
        os.replace(temporary, target)
        temporary = None
    except OSError as error:
        raise SourceError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
