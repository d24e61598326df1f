"""Policies whose every hook has a certain place become RLModules."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.policies.study import studied_policies
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Yield each policy class that is written as a module."""
    for policy in studied_policies(context.source, context.index):
        native = policy.native
        if native is None:
            continue
        facts = policy.facts
        asked = ""
        if native.asked:
            keys = ", ".join(repr(key) for key in native.asked)
            asked = f"; pass {keys} in its model_config"
        if native.inputs:
            columns = ", ".join(native.inputs)
            asked += f"; env_to_module_connector=lambda *_, **__: PolicyInputs() gives it {columns}"
        asked += f"; {native.remark}" if native.remark else ""
        path = str(context.source.path)
        item = Item(
            path=path,
            line=facts.line,
            name=facts.name,
            kind=Kind.POLICY,
            outcome=Outcome.NATIVE,
            code=RULE.code,
            message=f"{policy.plan.reason}{asked}",
            new_name=facts.name,
            new_path=path,
        )
        edits: tuple[Edit, ...] = (*native.edits, *policy.moves)
        yield Finding(item, edits, native.imports, native.layers)


_OLD = """\
import numpy as np
from ray.rllib.policy.policy import Policy


class Constant(Policy):
    def compute_actions(self, obs_batch, state_batches=None, **kwargs):
        return np.zeros(len(obs_batch), int), [], {}

    def learn_on_batch(self, samples):
        pass
"""
_NEW = """\
import numpy as np
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module import RLModule
from rlmigrate_layers import acted, old_observations


class Constant(RLModule):
    framework = "torch"  # in which it is handed batches

    def _forward(self, batch, **kwargs):
        obs_batch = old_observations(batch[Columns.OBS], self.observation_space)
        return acted(np.zeros(len(obs_batch), int))

    def to(self, device):
        return self  # Ray asks; nothing is to move
"""

RULE = Rule(
    code="RLM204",
    name="policy-module",
    kind=Kind.POLICY,
    summary="Write a policy that chooses actions as an RLModule.",
    explanation=(
        "The module is a subclass of the model that the policy built, or of RLlib's default "
        "model; a policy without a network becomes an RLModule that returns actions. "
        "action_distribution_fn() and action_sampler_fn() become _forward_exploration() and "
        "_forward_inference(), with what they asked of `explore` answered; actions always come "
        "with their log-probabilities. Settings of the algorithm's config that the class read are "
        "read from its model_config."
    ),
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "a class of one's own that is called Policy",
            "from mine import Policy  # not of rllib\n\n\nclass Constant(Policy):\n"
            "    def compute_actions(self, obs_batch, *args, **kwargs):\n"
            "        return [0] * len(obs_batch), [], {}\n",
        ),
    ),
    cases=(Case("a policy without a network", _OLD, _NEW),),
)
