"""The generated pages are up to date, and the README names only what exists."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
assert SPEC is not None
assert SPEC.loader is not None
BUILD = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(BUILD)
PLACE = re.compile(r"(?<![\w.*])/(work|root|home)/[a-z.]")


@pytest.mark.parametrize("name", sorted(BUILD.PAGES))
def test_page_is_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == BUILD.PAGES[name](), (
        "run: python docs/build.py"
    )


def test_readme_names_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    named = set(re.findall(r"`?make ([a-z-]+)`?", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert named <= targets
    assert {"demo", "test"} <= named


def test_relative_links_lead_somewhere() -> None:
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert dead == []


def test_no_page_names_a_place_of_one_machine() -> None:
    suspects = [
        str(path.relative_to(ROOT))
        for pattern in ("*.md", "*.toml", "*.txt", "*.sh", "*.py", "Makefile")
        for path in ROOT.rglob(pattern)
        if not {".venv", "build", "demo-out", ".git"} & set(path.relative_to(ROOT).parts)
        and re.search(
            r"/(work|root|home)/[a-z.]", path.read_text(encoding="utf-8", errors="replace")
        )
        and path != Path(__file__)
    ]
    assert suspects == []
