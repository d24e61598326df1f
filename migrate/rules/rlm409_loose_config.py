"""Config dicts that cannot be followed are listed, key by key."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.configs.loose import loose_findings
from rlmigrate.migrate.findings import Kind
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Find dicts with RLlib's keys that no other rule carries over."""
    return loose_findings(context)


RULE = Rule(
    code="RLM409",
    name="loose-config",
    kind=Kind.CONFIG,
    summary="Config dicts that cannot be followed are listed, key by key.",
    explanation="""
Configs are often put together far from the call that takes them: returned from functions, merged,
loaded from files. Such a dict stays as it is; the item says where each of its keys belongs today,
so that nothing is overlooked.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "data_loader_settings",
            """
import ray.rllib

LOADER = {"num_workers": 2, "pin_memory": True}
""",
        ),
    ),
    cases=(
        Case(
            "returned_from_a_function",
            """
import ray.rllib


def get_config():
    return {"num_workers": 2, "num_sgd_iter": 3}
""",
            """
import ray.rllib


def get_config():
    # TODO(rlmigrate RLM409): config keys outside of a builder: "num_workers" is
    #     env_runners(num_env_runners=) now, "num_sgd_iter" is training(num_epochs=) now
    return {"num_workers": 2, "num_sgd_iter": 3}
""",
        ),
    ),
)
