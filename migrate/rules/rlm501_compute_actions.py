"""Calls that compute actions on algorithms and policies are found."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.algorithms import Thing, algorithm_like
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule

CODE = "RLM501"
RECIPE = (
    "{name}() needs a Policy: take module = algo.get_module(), put the observation with a batch "
    "dimension as a tensor into out = module.forward_{phase}({{Columns.OBS: ...}}), make "
    "dist = module.get_{phase}_action_dist_cls().from_logits(out[Columns.ACTION_DIST_INPUTS]), "
    "and take dist{deterministic}.sample(); connectors and the unsquashing of Box actions are yours"
)
NAMES = frozenset(
    {"compute_action", "compute_actions", "compute_single_action"}
    | {"compute_actions_from_input_dict", "compute_log_likelihoods"}
)


def check(context: FileContext) -> Iterable[Finding]:
    """Find the calls, on objects that are RLlib's."""
    if b".compute_" not in context.source.raw:
        return
    for call in nodes_of(context).of(ast.Call):
        function = call.func
        if not (isinstance(function, ast.Attribute) and function.attr in NAMES):
            continue
        thing = algorithm_like(context, function.value)
        if thing not in (Thing.ALGORITHM, Thing.POLICY):
            continue
        explores = next((k.value for k in call.keywords if k.arg == "explore"), None)
        greedy = isinstance(explores, ast.Constant) and explores.value is False
        message = RECIPE.format(
            name=function.attr,
            phase="inference" if greedy else "exploration",
            deterministic=".to_deterministic()" if greedy else "",
        )
        yield Finding(
            Item(
                path=str(context.source.path),
                line=call.lineno,
                name=f"{thing}.{function.attr}()",
                kind=Kind.CALL,
                outcome=Outcome.MANUAL,
                code=CODE,
                message=message,
                column=call.col_offset,
            )
        )


RULE = Rule(
    code=CODE,
    name="compute-actions",
    kind=Kind.CALL,
    summary="Calls that compute actions on algorithms and policies are found.",
    explanation="""
The new stack has no policies: env runners put observations through connectors into the RLModule
and draw from its action distribution. What stood in the policy's call (preprocessing, filters,
unsquashing) depends on the config, so the call is left to a person, with the recipe beside it.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/getting-started.html",
    unchanged=(
        Case(
            "method_of_the_projects_own_class",
            """
import ray.rllib


class Agent:
    def compute_action(self, obs):
        return 0


agent = Agent()
agent.compute_action(1)
""",
        ),
    ),
    cases=(
        Case(
            "single_action",
            """
from ray.rllib.algorithms.ppo import PPOConfig

algo = PPOConfig().build_algo()
action = algo.compute_single_action([0.0], explore=False)
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

algo = PPOConfig().build_algo()
# TODO(rlmigrate RLM501): compute_single_action() needs a Policy: take module =
#     algo.get_module(), put the observation with a batch dimension as a tensor into out =
#     module.forward_inference({Columns.OBS: ...}), make dist =
#     module.get_inference_action_dist_cls().from_logits(out[Columns.ACTION_DIST_INPUTS]), and
#     take dist.to_deterministic().sample(); connectors and the unsquashing of Box actions are
#     yours
action = algo.compute_single_action([0.0], explore=False)
""",
        ),
    ),
)
