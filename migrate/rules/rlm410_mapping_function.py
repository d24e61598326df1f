"""Policy mapping functions take the episode, and multi-agent specs lose their policy classes."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.configs.findings import builder_findings
from rlmigrate.migrate.configs.multi_agent import mapping_fn
from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.builders import builders_of
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule

CODE = "RLM410"


def check(context: FileContext) -> Iterable[Finding]:
    """Find the arguments of `.multi_agent(...)`."""
    yield from builder_findings(context, CODE)
    for chain in builders_of(context).chains:
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
    summary="Mapping functions take the episode; policies with models get a MultiRLModuleSpec.",
    explanation="""
Env runners call `policy_mapping_fn(agent_id, episode, **kwargs)`. A lambda of one argument is
widened, a function of one argument is wrapped. The models of policy specs become RLModuleSpecs in
a MultiRLModuleSpec, their other settings overrides for their module. A policy with a class of its
own is left to a person.
""",
    check=check,
    words=frozenset({"multi_agent"}),
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
        Case(
            "policies_with_models",
            """
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.models import ModelCatalog
from ray.rllib.policy.policy import PolicySpec
from models import Net

ModelCatalog.register_custom_model("net", Net)
config = (
    PPOConfig()
    .multi_agent(
        policies={
            "a": (None, None, None, {"model": {"custom_model": "net"}, "gamma": 0.9}),
            "b": PolicySpec(config={"model": {"fcnet_hiddens": [32]}}),
            "c": PolicySpec(),
        },
        policy_mapping_fn=lambda agent_id, episode, **kwargs: agent_id,
    )
)
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.policy.policy import PolicySpec
from models import Net

config = (
    PPOConfig()
    .multi_agent(
        policies={
            "a": (None, None, None, {}),
            "b": PolicySpec(config={}),
            "c": PolicySpec(),
        },
        algorithm_config_overrides_per_module={"a": PPOConfig.overrides(gamma=0.9)},
        policy_mapping_fn=lambda agent_id, episode, **kwargs: agent_id,
    )
    .rl_module(
        rl_module_spec=MultiRLModuleSpec(
            rl_module_specs={
                "a": RLModuleSpec(module_class=Net),
                "b": RLModuleSpec(
                    model_config=DefaultModelConfig(fcnet_hiddens=[32], vf_share_layers=False),
                ),
                "c": RLModuleSpec(),
            },
        ),
    )
)
""",
            other_files={
                "models.py": """
from torch import nn
from ray.rllib.core.rl_module.torch import TorchRLModule


class Net(TorchRLModule):
    def setup(self):
        self.layer = nn.Linear(4, 2)
"""
            },
        ),
    ),
)
