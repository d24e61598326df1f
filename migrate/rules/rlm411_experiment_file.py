"""Keys of YAML experiment files get their names of today."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.findings import Kind
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Find nothing in Python files: the engine gives YAML files to engine/experiments.py."""
    return ()


RULE = Rule(
    code="RLM411",
    name="experiment-file",
    kind=Kind.CONFIG,
    summary="Keys of YAML experiment files get their names of today.",
    explanation="""
`rllib train file` reads experiments with `run`, `stop` and `config`. Keys that only changed their
names are renamed in place, comments and layout kept; a model, a policy mapping or an exploration
object needs a Python config and is marked in the report. Algorithms that RLlib no longer has are
named.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "python_file",
            """
import ray.rllib

EXPERIMENT = "run: PPO"
""",
        ),
    ),
)
