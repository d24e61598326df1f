"""A central critic over two agents, its parts in two files: rewritten whole, and trained by Ray."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

pytest.importorskip("ray.rllib")
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.multi_agent_env import MultiAgentEnv
from ray.rllib.env.multi_agent_episode import MultiAgentEpisode
from ray.rllib.evaluation.postprocessing import compute_advantages
from ray.rllib.policy.sample_batch import SampleBatch
from ray.rllib.utils.sgd import standardized

OBSERVATIONS = gym.spaces.Box(-1, 1, (4,), np.float32)
ACTIONS = gym.spaces.Discrete(3)
CENTRAL = """\
import numpy as np
import torch
from ray.rllib.evaluation.postprocessing import compute_advantages
from ray.rllib.policy.sample_batch import SampleBatch


class CentralMixin:
    def __init__(self):
        self.compute_central_vf = self.model.central_value


def with_the_other(policy, sample_batch, other_agent_batches=None, episode=None):
    if policy.loss_initialized():
        [(_, _, other)] = list(other_agent_batches.values())
        sample_batch["seen"] = other[SampleBatch.CUR_OBS]
        sample_batch[SampleBatch.VF_PREDS] = policy.compute_central_vf(
            torch.from_numpy(sample_batch[SampleBatch.CUR_OBS]),
            torch.from_numpy(sample_batch["seen"]),
        ).cpu().detach().numpy()
    else:
        sample_batch["seen"] = np.zeros_like(sample_batch[SampleBatch.CUR_OBS])
    ended = sample_batch[SampleBatch.TERMINATEDS][-1]
    return compute_advantages(
        sample_batch,
        0.0 if ended else sample_batch[SampleBatch.VF_PREDS][-1],
        policy.config["gamma"],
        policy.config["lambda"],
        use_gae=policy.config["use_gae"],
    )
"""
POLICY = """\
import torch
from central import CentralMixin, with_the_other
from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy, ppo_surrogate_loss
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from ray.rllib.policy.sample_batch import SampleBatch
from torch import nn


class Net(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.trunk = nn.Linear(4, 8)
        self.head = nn.Linear(8, num_outputs)
        self.critic = nn.Linear(8, 1)
        self.central = nn.Linear(8, 1)

    def forward(self, input_dict, state, seq_lens):
        self._features = torch.tanh(self.trunk(input_dict["obs"]))
        return self.head(self._features), state

    def central_value(self, obs, others):
        return self.central(torch.cat([obs, others], 1)).squeeze(-1)

    def value_function(self):
        return self.critic(self._features).squeeze(-1)


def central_loss(policy, model, dist_class, train_batch):
    kept = model.value_function
    model.value_function = lambda: policy.model.central_value(
        train_batch[SampleBatch.CUR_OBS], train_batch["seen"]
    )
    loss = ppo_surrogate_loss(policy, model, dist_class, train_batch)
    model.value_function = kept
    return loss


Policy = PPOTorchPolicy.with_updates(
    name="Policy",
    loss_fn=central_loss,
    postprocess_fn=with_the_other,
    mixins=[CentralMixin],
)
"""
FILES = {"central.py": CENTRAL, "policy.py": POLICY}


class Pair(MultiAgentEnv):
    """Two agents that see noise for seven steps."""

    def __init__(self, config: Any = None) -> None:
        super().__init__()
        self.possible_agents = self.agents = ["a", "b"]
        self.observation_spaces = dict.fromkeys(self.agents, OBSERVATIONS)
        self.action_spaces = dict.fromkeys(self.agents, ACTIONS)

    def _seen(self) -> dict[str, Any]:
        return {name: OBSERVATIONS.sample() for name in self.agents}

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.steps = 0
        return self._seen(), {}

    def step(self, action_dict: Any) -> Any:
        self.steps += 1
        rewards = {name: float(action) for name, action in action_dict.items()}
        return self._seen(), rewards, {"__all__": self.steps >= 7}, {"__all__": False}, {}


def config_of(new: Any) -> PPOConfig:
    specs = {name: RLModuleSpec(module_class=new.Net) for name in ("one", "two")}
    config = PPOConfig().environment(Pair).env_runners(num_env_runners=0)
    config.training(train_batch_size=150, minibatch_size=64, num_epochs=1, gamma=0.9, lambda_=0.7)
    config.multi_agent(
        policies={"one", "two"},
        policy_mapping_fn=lambda agent, *_, **__: {"a": "one", "b": "two"}[agent],
    )
    config.learners(learner_class=new.PolicyLearner)
    return config.rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs=specs))


def episode() -> MultiAgentEpisode:
    rng = np.random.default_rng(4)
    names, steps = ("a", "b"), 5
    observations = [
        {name: rng.uniform(-1, 1, 4).astype(np.float32) for name in names} for _ in range(steps + 1)
    ]
    return MultiAgentEpisode(
        observations=observations,
        actions=[{name: int(rng.integers(3)) for name in names} for _ in range(steps)],
        rewards=[{name: float(rng.normal()) for name in names} for _ in range(steps)],
        agent_module_ids={"a": "one", "b": "two"},
        agent_to_module_mapping_fn=lambda agent, *_: {"a": "one", "b": "two"}[agent],
        len_lookback_buffer=0,
    )


def test_both_files_are_rewritten_whole_and_advantages_are_the_old_ones(migrate):
    done = migrate(FILES)
    for name in ("with_the_other()", "Policy", "Net"):
        assert done.items[name].outcome == "native", done.items[name].message
    new = done.new()
    config = config_of(new)
    spaces = dict.fromkeys(("__env__", "one", "two"), (OBSERVATIONS, ACTIONS))
    learner = config.build_learner(env=None, spaces=spaces)
    found = learner._learner_connector(
        rl_module=learner.module, batch={}, episodes=[episode()], shared_data={}
    )
    for agent, other, name in (("a", "b", "one"), ("b", "a", "two")):
        mine, theirs = (episode().agent_episodes[each] for each in (agent, other))
        rows = SampleBatch(
            obs=np.stack(mine.get_observations(slice(0, 5))),
            rewards=np.array(mine.get_rewards(), np.float32),
        )
        seen = np.stack(theirs.get_observations(slice(0, 5)))
        module = learner.module[name].unwrapped()
        given = (torch.from_numpy(rows["obs"]), torch.from_numpy(seen))
        rows["vf_preds"] = module.central_value(*given).detach().numpy()
        expected = compute_advantages(rows, rows["vf_preds"][-1], 0.9, 0.7)
        mask = found[name]["loss_mask"]
        assert torch.equal(found[name]["seen"][mask], given[1])
        for key, want in (
            ("value_targets", expected["value_targets"]),
            ("advantages", standardized(expected["advantages"])),
        ):
            got = found[name][key][mask]
            torch.testing.assert_close(got, torch.from_numpy(want), atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_ray_trains_it(migrate):
    import ray

    algorithm = config_of(migrate(FILES).new()).build_algo()
    try:
        learner = algorithm.learner_group._learner
        before = learner.module["one"].unwrapped().central.weight.detach().clone()
        algorithm.train()
        after = learner.module["one"].unwrapped().central.weight.detach()
        assert not torch.equal(before, after)
    finally:
        algorithm.stop()
        ray.shutdown()
