"""YAML experiment files get the config keys of today."""

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
    summary="YAML experiment files get the config keys of today.",
    explanation="""
Experiments with `run`, `stop` and `config` are read by the user's own script today; the command
that ran them went. Their keys follow the rules for config dicts in Python, in place, comments and
layout kept: a config of today is updated from the result. The keys of a model stand under
`_model_config`, the attribute that `rl_module(model_config=)` sets. A custom module class or a
connector needs a Python config: `--yaml-to-python` writes one. Algorithms that RLlib no longer
has are named, with what comes nearest.
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
