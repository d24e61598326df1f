"""Policy mapping functions take the episode, and multi-agent specs lose their policy classes."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.configs.multi_agent import mapping_fn, policy_problem
from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.builders import builders_of
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule

CODE = "RLM410"


def check(context: FileContext) -> Iterable[Finding]:
    """Find the arguments of `.multi_agent(...)`."""
    if b"multi_agent" not in context.source.raw:
        return
    for chain in builders_of(context).chains():
        for call in chain.calls:
            if chain.method(call) != "multi_agent":
                continue
            for keyword in call.keywords:
                finding = _finding(context, keyword)
                if finding is not None:
                    yield finding


def _finding(context: FileContext, keyword: ast.keyword) -> Finding | None:
    def item(outcome: Outcome, message: str) -> Item:
        return Item(
            path=str(context.source.path),
            line=keyword.lineno,
            name=str(keyword.arg),
            kind=Kind.CONFIG,
            outcome=outcome,
            code=CODE,
            message=message,
            column=keyword.col_offset,
        )

    if keyword.arg == "policies":
        problem = policy_problem(context, keyword.value)
        return Finding(item(Outcome.MANUAL, problem)) if problem else None
    if keyword.arg != "policy_mapping_fn":
        return None
    text = mapping_fn(context, keyword.value)
    if text is None or text == context.source.segment(keyword.value):
        return None
    message = "the policy mapping function takes (agent_id, episode, **kwargs) now"
    edit = Edit(context.source.span(keyword.value), text, CODE)
    return Finding(item(Outcome.NATIVE, message), (edit,))


RULE = Rule(
    code=CODE,
    name="mapping-function",
    kind=Kind.CONFIG,
    summary="Policy mapping functions take the episode and keywords beside the agent's id.",
    explanation="""
Env runners call `policy_mapping_fn(agent_id, episode, **kwargs)`. A lambda of one argument is
widened, a function of one argument is wrapped. Policy specs with a class or a model of their own
need an RLModuleSpec each, in a MultiRLModuleSpec.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/multi-agent-envs.html",
    unchanged=(
        Case(
            "takes_everything_already",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().multi_agent(
    policies={"a", "b"},
    policy_mapping_fn=lambda agent_id, episode, **kwargs: agent_id,
)
""",
        ),
        Case(
            "imported_function",
            """
from ray.rllib.algorithms.ppo import PPOConfig
from mapping import to_policy

config = PPOConfig().multi_agent(policies={"a", "b"}, policy_mapping_fn=to_policy)
""",
        ),
    ),
    cases=(
        Case(
            "one_argument",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().multi_agent(
    policies={"a": (None, None, None, {})}, policy_mapping_fn=lambda agent_id: "a"
)
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().multi_agent(
    policies={"a": (None, None, None, {})}, policy_mapping_fn=lambda agent_id, *args, **kwargs: "a"
)
""",
        ),
    ),
)
