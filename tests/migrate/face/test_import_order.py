"""Imports that stood in order stand in order after a rewrite; others are left as they are."""

from __future__ import annotations

import pytest

from rlmigrate.migrate.edits import apply_edits
from rlmigrate.migrate.engine.import_order import name_edits, statement_edits
from rlmigrate.migrate.source import SourceFile

UNSORTED = "import os\nimport ast\n"


def ordered(before: str, after: str) -> str:
    source, old = SourceFile.from_text(after), SourceFile.from_text(before)
    for edits_of in (statement_edits, name_edits):
        source = SourceFile.from_text(apply_edits(source, list(edits_of(source, old))))
    return source.text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (UNSORTED + "from b import c\n", UNSORTED + "from a import c\n"),  # in no order before
        ("import a\nimport c\n", "import c\nx = 1\nimport a\n"),  # not one block
        ("import a\nimport c\n", "import c\n# why b comes late\nimport b\n"),
        ("from a import b, c\n", "from a import (  # both\n    c,  # first\n    b,\n)\n"),
        ("from a import B, b\n", "from a import B, b\nfrom z import Q, q\n"),
        ("import a; import b\n", "import b; import a\n"),
        ("x = 1\n", "import b\nimport a\n"),  # nothing to go by
    ],
)
def test_left_alone(before: str, after: str) -> None:
    assert ordered(before, after) == after


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "import torch\nfrom ray.a import A\nfrom ray.b import B\n",
            "import torch\nfrom ray.z import A\nfrom ray.b import B\n",
            "import torch\nfrom ray.b import B\nfrom ray.z import A\n",
        ),
        (  # force_sort_within_sections
            "from a import b\nimport c\nfrom d import e\n",
            "from a import b\nfrom e import e\nimport c\n",
            "from a import b\nimport c\nfrom e import e\n",
        ),
        (
            "from ray import A, Z\n",
            "from ray import (\n    Z,\n    B,\n)\n",
            "from ray import (\n    B,\n    Z,\n)\n",
        ),
        (  # both at once: the statement moves, and its names are put in order
            "from a import b\nfrom c import C, D\n",
            "from c import D, B\nfrom b import b  # kept\n",
            "from b import b  # kept\nfrom c import B, D\n",
        ),
        (
            "try:\n    from a import b\n    from c import d\nexcept ImportError:\n    pass\n",
            "try:\n    from z import b\n    from c import d\nexcept ImportError:\n    pass\n",
            "try:\n    from c import d\n    from z import b\nexcept ImportError:\n    pass\n",
        ),
    ],
)
def test_put_in_order(before: str, after: str, expected: str) -> None:
    assert ordered(before, after) == expected


def test_a_second_time_changes_nothing() -> None:
    before = "from a import b\nfrom c import C, D\n"
    once = ordered(before, "from c import D, B\nfrom b import b\n")
    assert ordered(before, once) == once
