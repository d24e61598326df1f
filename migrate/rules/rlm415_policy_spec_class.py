"""Policy specs that name a policy class, wherever they stand, are pointed out."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.configs.policy_specs import POLICY_SPEC
from rlmigrate.migrate.configs.special import constant
from rlmigrate.migrate.findings import Kind, Outcome
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import imports_of, item

CODE = "RLM415"


def check(context: FileContext) -> Iterable[Finding]:
    """Find `PolicySpec(policy_class=...)` in statements that no other rule has marked."""
    if context.settings.target != "ray":
        return
    nodes = nodes_of(context)
    marked = {each.item.line for each in context.found if each.item.outcome is Outcome.MANUAL}
    for call, qualified in nodes.ray_calls(imports_of(context)):
        if qualified not in POLICY_SPEC:
            continue
        named = [keyword.value for keyword in call.keywords if keyword.arg == "policy_class"]
        given = [*named, *call.args[:1]]
        if not given or constant(own := given[0]) is None:
            continue
        around = next((n for n in nodes.up(call) if isinstance(n, ast.stmt)), None)
        if around is not None and marked & {*range(around.lineno, (around.end_lineno or 0) + 1)}:
            continue
        name = context.source.segment(own)
        message = (
            f"PolicySpec: Ray {context.settings.ray_version} passes over the policy class {name}; "
            "write it as an RLModule and put RLModuleSpec(module_class=...) under the policy's "
            "name into rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs={...}))"
        )
        found = item(
            context,
            call,
            code=CODE,
            name=name,
            kind=Kind.CONFIG,
            outcome=Outcome.MANUAL,
            message=message,
        )
        yield Finding(found)


RULE = Rule(
    code=CODE,
    name="policy-spec-class",
    kind=Kind.CONFIG,
    summary="Policy specs that name a policy class are pointed out.",
    explanation="""
The new stack makes an RLModule for each policy and does not look at `policy_class`: a policy of
one's own would be replaced by a default net in silence. Where a config's policies are in sight,
RLM408 and RLM410 speak of them; this rule finds specs that stand elsewhere.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/multi-agent-envs.html",
    late=True,
    words=frozenset({"PolicySpec"}),
    unchanged=(
        Case(
            "no_class",
            """
from ray.rllib.policy.policy import PolicySpec

SPECS = [PolicySpec(), PolicySpec(None, observation_space=None)]
""",
        ),
        Case(
            "a_spec_of_the_project",
            """
import ray.rllib
from specs import PolicySpec

SPEC = PolicySpec(policy_class=dict)
""",
        ),
    ),
    cases=(
        Case(
            "a_class",
            """
from ray.rllib.policy.policy import PolicySpec

from policies import Mine

SPEC = PolicySpec(policy_class=Mine)
""",
            """
from ray.rllib.policy.policy import PolicySpec

from policies import Mine

# TODO(rlmigrate RLM415): PolicySpec: Ray 2.60 passes over the policy class Mine; write it as an
#     RLModule and put RLModuleSpec(module_class=...) under the policy's name into
#     rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs={...}))
SPEC = PolicySpec(policy_class=Mine)
""",
        ),
    ),
)
