"""Version pins of ray in requirement files are raised."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.findings import Kind
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Find nothing in Python files: the engine gives requirement files to engine/pins.py."""
    return ()


RULE = Rule(
    code="RLM612",
    name="version-pins",
    kind=Kind.IMPORT,
    summary="Version pins of ray in requirement files are raised.",
    explanation="""
`ray[rllib]==2.9.3` in requirements, pyproject.toml, setup.cfg or a conda environment would install
a Ray that the rewritten code cannot run on. An exact pin names the release that is written for, any
other that keeps it out becomes `>=` it; an exact pin of gymnasium becomes the one that this release
asks for. Pins of gym and of old torch releases are named, and hashes that no longer fit. Read are
requirements (.txt, .in), pyproject.toml (Poetry's tables too), setup.cfg, setup.py, Pipfile, conda
environments and Dockerfiles.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/ray-overview/installation.html",
    unchanged=(
        Case(
            "text_in_a_python_file",
            """
import ray.rllib

TEXT = "ray[rllib]==2.9.3"
""",
        ),
        Case(
            "check_of_the_version",
            """
import ray.rllib

assert ray.__version__ == "2.9.3"
""",
        ),
    ),
)
