"""docs/ray-differences-legacy.md names a test for each of its rows."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "ray-differences-legacy.md"


def test_every_row_names_a_test_that_exists():
    rows = [
        line
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and not line.startswith("| what ")
    ]
    assert len(rows) > 20
    code = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "legacy").rglob("test_*.py")
    )
    named = [re.search(r"`(test_\w+)` \|$", row) for row in rows]
    assert all(named), [row for row, match in zip(rows, named, strict=True) if not match]
    missing = [match[1] for match in named if match and not re.search(rf"def {match[1]}\(", code)]
    assert missing == []
