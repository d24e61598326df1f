"""Files of a repository that are not in the index, and may name keys of configs all the same.

texts_of   their bytes
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

#: Bytes above which a file is taken for data.
LARGE = 1_000_000
#: YAML whose keys are renamed with those of the configs in Python.
EXPERIMENT = re.compile(rb"^\s+run:", re.MULTILINE)


def texts_of(paths: Iterable[Path]) -> dict[Path, bytes]:
    """Read files, experiments and large ones aside; what cannot be read is left out."""
    found: dict[Path, bytes] = {}
    for path in paths:
        try:
            raw = path.read_bytes() if path.stat().st_size <= LARGE else b""
        except OSError:
            continue
        if not (path.suffix in (".yaml", ".yml") and EXPERIMENT.search(raw)):
            found[path] = raw
    return found
