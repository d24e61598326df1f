"""Policies with a network that override compute_actions(): what is left to the bridge, and said."""

from __future__ import annotations

import pytest

pytest.importorskip("ray.rllib")

HEAD = """\
import numpy as np
from ray.rllib.policy.torch_policy_v2 import TorchPolicyV2


class Policy(TorchPolicyV2):
    def compute_actions(self, obs_batch, state_batches=None, explore=None, **kwargs):
"""
ASKS = "        actions, states, infos = super().compute_actions(obs_batch, **kwargs)\n"
RETURNS = "        return actions, states, infos\n"


def test_says_that_the_old_sampler_did_not_ask(migrate):
    done = migrate(HEAD + ASKS + RETURNS)
    assert done.items["Policy"].outcome == "native"
    assert "asked compute_actions_from_input_dict()" in done.items["Policy"].message


@pytest.mark.parametrize(
    ("arguments", "phases"),
    [
        ("obs_batch, explore=False", ("False", "False")),
        ("obs_batch, explore=explore", ("True", "False")),
        ("obs_batch, explore=not explore", ("False", "True")),
        ("obs_batch=obs_batch, **kwargs", ("True", "False")),
    ],
)
def test_the_base_explores_when_it_is_told_to(migrate, arguments, phases):
    text = migrate(HEAD + ASKS.replace("obs_batch, **kwargs", arguments) + RETURNS).text()
    exploring, certain = text.split("def _forward_inference")
    assert f"explore={phases[0]})" in exploring
    assert f"explore={phases[1]})" in certain


LEFT = {
    "gives its base other observations": ASKS.replace("obs_batch", "obs_batch * 2") + RETURNS,
    "gives its base inputs of its own": ASKS.replace("**kwargs", "self.kept") + RETURNS,
    "keeps states of its own": ASKS + RETURNS.replace("states", "[self.memory]"),
    "reads values": ASKS + "        actions = actions * infos['vf_preds']\n" + RETURNS,
    "one by one": ASKS + RETURNS.replace("actions, states, infos", "self.pack(actions)"),
    "twice": ASKS
    + RETURNS
    + "\n    def compute_actions_from_input_dict(self, input_dict, **kwargs):\n"
    "        return super().compute_actions_from_input_dict(input_dict, **kwargs)\n",
    "and extra_action_out()": ASKS
    + RETURNS
    + "\n    def extra_action_out(self, input_dict, state_batches, model, action_dist):\n"
    "        return {'a': action_dist.entropy()}\n",
}


@pytest.mark.parametrize(("said", "body"), LEFT.items(), ids=list(LEFT))
def test_what_is_not_certain_is_bridged(migrate, said, body):
    item = migrate(HEAD + body).items["Policy"]
    assert item.outcome == "bridged"
    assert said in item.message
