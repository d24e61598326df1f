"""Write the recorder that stands alone."""

from __future__ import annotations

from importlib import resources


def recorder_source() -> str:
    """Give the text of the single-file recorder: Python 3.7 up, numpy and the user's own Ray."""
    folder = resources.files("rlmigrate.compat.parity.recording.single_file")
    parts = sorted(item.name for item in folder.iterdir() if item.name.endswith(".py.txt"))
    texts = [(folder / name).read_text(encoding="utf-8").strip() for name in parts]
    return "\n\n\n".join(texts) + "\n"
