"""Losses, optimizers and postprocessings in the Learner that is written beside a policy."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

pytest.importorskip("ray.rllib")
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.single_agent_episode import SingleAgentEpisode
from ray.rllib.policy.sample_batch import SampleBatch

OBSERVATIONS = gym.spaces.Box(-1, 1, (4,), np.float32)
ACTIONS = gym.spaces.Discrete(3)
MODEL = """import numpy as np
import torch
from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy
from ray.rllib.evaluation.postprocessing import Postprocessing, compute_gae_for_sample_batch
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from ray.rllib.policy.sample_batch import SampleBatch
from ray.rllib.utils.torch_utils import sequence_mask
from torch import nn


class Net(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.trunk = nn.Linear(4, 8)
        self.head = nn.Linear(8, num_outputs)
        self.critic = nn.Linear(8, 1)

    def forward(self, input_dict, state, seq_lens):
        self._features = torch.tanh(self.trunk(input_dict["obs"]))
        return self.head(self._features), state

    def value_function(self):
        return self.critic(self._features).squeeze(-1)


"""
OWN = """class Policy(PPOTorchPolicy):
    def loss(self, model, dist_class, train_batch):
        logits, state = model(train_batch)
        dist = dist_class(logits, model)
        if state:
            lengths = train_batch[SampleBatch.SEQ_LENS]
            max_seq_len = logits.shape[0] // len(lengths)
            mask = sequence_mask(lengths, max_seq_len)
            mask = torch.reshape(mask, [-1])

            def mean(x):
                return torch.sum(x[mask]) / torch.sum(mask)

        else:
            mean = torch.mean
        before = dist_class(train_batch[SampleBatch.ACTION_DIST_INPUTS], model)
        ratio = torch.exp(
            dist.logp(train_batch[SampleBatch.ACTIONS]) - train_batch[SampleBatch.ACTION_LOGP]
        )
        clipped = torch.clamp(ratio, 1 - self.config["clip_param"], 1 + self.config["clip_param"])
        # The smaller of the two, as always.
        surrogate = torch.min(ratio, clipped) * train_batch[Postprocessing.ADVANTAGES]
        values = model.value_function()
        error = self._error(values, train_batch[Postprocessing.VALUE_TARGETS])
        model.tower_stats["mean_error"] = mean(error)
        total = mean(error * self.config["vf_loss_coeff"] - surrogate)
        total += self.kl_coeff * mean(before.kl(dist))
        return total - self.entropy_coeff * mean(dist.entropy())

    def _error(self, values, targets):
        return (values - targets).abs()

    def stats_fn(self, train_batch):
        return {}
"""
TWICE = """class Policy(PPOTorchPolicy):
    def loss(self, model, dist_class, train_batch):
        return super().loss(model, dist_class, train_batch) * 2
"""
BUILT = """from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy as Base


def my_loss(policy, model, dist_class, train_batch):
    logits, _ = model(train_batch)
    logp = dist_class(logits, model).logp(train_batch["actions"])
    return -torch.mean(logp * train_batch["advantages"]) * policy.config["vf_loss_coeff"]


First = Base.with_updates(name="First", loss_fn=my_loss)
Policy = First.with_updates(name="Policy")
"""


def batch() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    inputs = torch.randn(6, 3)
    return {
        "obs": torch.rand(6, 4),
        "actions": torch.tensor([0, 1, 2, 0, 1, 2]),
        "action_dist_inputs": inputs,
        "action_logp": torch.log_softmax(inputs, 1)[:, 0],
        "advantages": torch.randn(6),
        "value_targets": torch.randn(6),
        "vf_preds": torch.randn(6),
    }


def config() -> PPOConfig:
    return PPOConfig().training(entropy_coeff=0.01, kl_coeff=0.3, vf_loss_coeff=0.7)


def old_policy(cls: type, net: type, **more: Any) -> Any:
    old = config().api_stack(
        enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False
    )
    settings = old.to_dict()
    settings["model"] = {**settings["model"], "custom_model": net}
    settings |= more
    return cls(OBSERVATIONS, ACTIONS, settings)


def learner_of(learner_class: type, net: type, **more: Any) -> Any:
    spec = RLModuleSpec(module_class=net)
    made = config().learners(learner_class=learner_class, learner_config_dict=more)
    made = made.rl_module(rl_module_spec=spec)
    spaces = {"__env__": (OBSERVATIONS, ACTIONS), "default_policy": (OBSERVATIONS, ACTIONS)}
    learner = made.build_learner(env=None, spaces=spaces)
    return learner, made


@pytest.mark.parametrize("text", [OWN, TWICE], ids=["own", "twice"])
def test_the_moved_loss_is_the_old_one(migrate, text):
    done = migrate(MODEL + text)
    old, new = done.old(), done.new()
    policy = old_policy(old.Policy, old.Net)
    learner, made = learner_of(new.PolicyLearner, new.Net)
    module = learner.module["default_policy"].unwrapped()
    module.load_state_dict(policy.model.state_dict())
    given = batch()
    expected = policy.loss(policy.model, policy.dist_class, SampleBatch(given))
    outs = module.forward_train(given)
    found = learner.compute_loss_for_module(
        module_id="default_policy", config=made, batch=given, fwd_out=outs
    )
    assert torch.equal(found, expected)
    given["loss_mask"] = torch.tensor([True, True, False, True, True, True])
    masked = learner.compute_loss_for_module(
        module_id="default_policy", config=made, batch=given, fwd_out=outs
    )
    assert not torch.equal(masked, expected)


def test_every_old_name_of_a_loss_is_gone(migrate):
    done = migrate(MODEL + OWN)
    learner = done.text().partition("class PolicyLearner")[2]
    for name in ("SampleBatch", "Postprocessing", "tower_stats", "self.config"):
        assert name not in learner
    assert "TODO" not in learner
    assert done.items["Policy"].outcome == "manual"
    assert "no mean_kl_loss to follow" in done.items["Policy.learning"].message


def test_a_builder_gets_its_learner_once(migrate):
    done = migrate(MODEL + BUILT)
    after = done.text()
    assert after.count("class FirstLearner(PPOTorchLearner)") == 1
    assert "class PolicyLearner" not in after  # the second link of the chain adds nothing
    assert "train_batch = unmasked(batch, batch)" in after
    assert migrate(after).text() == after
    compile(after, "after", "exec")


def test_what_the_policy_had_is_marked_where_it_stands(migrate):
    text = MODEL + (
        "class Policy(PPOTorchPolicy):\n"
        "    def loss(self, model, dist_class, train_batch):\n"
        "        weight = self.some_schedule.value(self.global_timestep)\n"
        "        return super().loss(model, dist_class, train_batch) * weight\n\n"
        "    def optimizer(self):\n"
        '        return torch.optim.SGD(self.model.parameters(), lr=self.config["lr"])\n'
    )
    after = migrate(text).text()
    learner = after.partition("class PolicyLearner")[2]
    assert "# TODO(rlmigrate RLM205): the policy had some_schedule, find it a place" in learner
    assert "optimizer = torch.optim.SGD(module.parameters(), lr=config.lr)" in learner
    assert migrate(after).text() == after


def test_the_optimizer_is_registered(migrate):
    text = MODEL + (
        "class Policy(PPOTorchPolicy):\n"
        "    def optimizer(self):\n"
        '        return torch.optim.SGD(self.model.parameters(), lr=self.config["lr"])\n'
    )
    new = migrate(text).new()
    learner, _ = learner_of(new.PolicyLearner, new.Net)
    assert isinstance(learner.get_optimizer("default_policy"), torch.optim.SGD)


def test_each_of_two_optimizers_is_registered_with_its_own_parameters(migrate):
    text = MODEL + (
        "class Policy(PPOTorchPolicy):\n"
        "    def optimizer(self):\n"
        '        actor = torch.optim.SGD(self.model.head.parameters(), lr=self.config["lr"])\n'
        "        critic = torch.optim.SGD(self.model.critic.parameters(), lr=0.1)\n"
        "        return actor, critic\n"
    )
    new = migrate(text).new()
    learner, _ = learner_of(new.PolicyLearner, new.Net)
    actor = learner.get_optimizer("default_policy", "0")
    assert [p.shape for p in actor.param_groups[0]["params"]] == [(3, 8), (3,)]


def test_a_postprocessing_becomes_a_connector(migrate):
    text = MODEL + (
        "class Policy(PPOTorchPolicy):\n"
        "    def postprocess_trajectory(self, sample_batch, other=None, episode=None):\n"
        "        rewards = np.clip(sample_batch[SampleBatch.REWARDS], -1, 1)\n"
        "        sample_batch[SampleBatch.REWARDS] = rewards\n"
        "        return sample_batch\n"
    )
    done = migrate(text)
    connector = done.new().PolicyConnector(OBSERVATIONS, ACTIONS)
    episode = SingleAgentEpisode(
        observations=[OBSERVATIONS.sample() for _ in range(4)],
        actions=[0, 1, 2],
        rewards=[5.0, -0.5, -7.0],
        len_lookback_buffer=0,
    )
    out = connector(rl_module=None, batch={}, episodes=[episode])
    ((_, items),) = out["rewards"].items()
    assert np.concatenate([np.asarray(i).reshape(-1) for i in items]).tolist() == [1.0, -0.5, -1.0]


def test_a_connector_promises_no_old_types_and_finds_the_device_by_its_module(migrate):
    text = MODEL + (
        "class Policy(PPOTorchPolicy):\n"
        "    def postprocess_trajectory(\n"
        "        self, sample_batch: SampleBatch, other: dict[str, str] = None, episode=None\n"
        "    ) -> SampleBatch:\n"
        "        obs = torch.as_tensor(sample_batch[SampleBatch.OBS]).to(self.device)\n"
        "        sample_batch[SampleBatch.REWARDS] = obs.mean(-1).cpu().numpy()\n"
        "        return sample_batch\n"
    )
    after = migrate(text).text()
    assert "    def postprocess(self, module, sample_batch, other=None, episode=None):\n" in after
    assert ".to(next(module.parameters()).device)" in after
    assert "find it a place" not in after


def test_optimizers_of_elsewhere_and_of_kept_things_are_left_to_a_person(migrate):
    text = MODEL + (
        "class Policy(PPOTorchPolicy):\n"
        "    def __init__(self, observation_space, action_space, config):\n"
        "        self.parts = []\n"
        "        super().__init__(observation_space, action_space, config)\n\n"
        "    def optimizer(self):\n"
        "        found = []\n"
        "        for part in self.parts:\n"
        "            found.extend(part.optimizer())\n"
        "        return found\n"
    )
    done = migrate(text)
    assert done.items["Policy"].outcome == "manual"
    assert "the policy had parts, find it a place" in done.text()
    assert "register each optimizer" in done.text()


REWARDS = """class Policy(PPOTorchPolicy):
    def postprocess_trajectory(self, sample_batch, other=None, episode=None):
        halves = sample_batch[SampleBatch.REWARDS] / 2
        sample_batch[SampleBatch.REWARDS] = np.clip(halves, -1.0, 1.0)
        return super().postprocess_trajectory(sample_batch, other, episode)
"""


def test_rewards_that_change_one_by_one_change_before_advantages(migrate):
    done = migrate(MODEL + REWARDS)
    assert done.items["Policy"].outcome == "native", done.items["Policy"].message
    assert "class Policy(" not in done.text()
    new = done.new()
    rewards = [5.0, -0.5, -7.0, 1.0]

    def columns(given: list[float], **more: Any) -> Any:
        spec = RLModuleSpec(module_class=new.Net)
        made = config().rl_module(rl_module_spec=spec).learners(**more)
        spaces = {"__env__": (OBSERVATIONS, ACTIONS), "default_policy": (OBSERVATIONS, ACTIONS)}
        torch.manual_seed(5)
        learner = made.build_learner(env=None, spaces=spaces)
        OBSERVATIONS.seed(2)
        episode = SingleAgentEpisode(
            observations=[OBSERVATIONS.sample() for _ in range(5)],
            actions=[0, 1, 2, 1],
            rewards=given,
            terminated=True,
            observation_space=OBSERVATIONS,
            action_space=ACTIONS,
            len_lookback_buffer=0,
        )
        rows = learner._learner_connector(
            rl_module=learner.module, batch={}, episodes=[episode], shared_data={}
        )
        return rows["default_policy"]

    found = columns(list(rewards), learner_connector=lambda *_, **__: new.PolicyConnector())
    expected = columns([1.0, -0.25, -1.0, 0.5])
    assert torch.equal(found["rewards"], expected["rewards"])
    assert torch.equal(found["value_targets"], expected["value_targets"])
    assert torch.equal(found["advantages"], expected["advantages"])
    assert migrate(done.text()).text() == done.text()


def test_rewards_that_depend_on_each_other_are_left_to_a_person(migrate):
    text = MODEL + REWARDS.replace("/ 2", "- sample_batch[SampleBatch.REWARDS].mean()")
    assert migrate(text).items["Policy"].outcome == "manual"


LOSS = """class {name}({base}TorchPolicy):
    def loss(self, model, dist_class, train_batch):
        logits, _ = model(train_batch)
        return -dist_class(logits, model).logp(train_batch["actions"]).mean()
"""


def test_modules_of_other_algorithms_have_other_outputs(migrate):
    text = LOSS.format(name="Policy", base="DQN")
    text = "from ray.rllib.algorithms.dqn.dqn_torch_policy import DQNTorchPolicy\n\n\n" + text
    done = migrate(text)
    assert done.items["Policy"].outcome == "manual"


@pytest.mark.parametrize(
    "use", ["from policy import Policy\n", "import policy\n\nprint(policy.Policy)\n"]
)
def test_a_policy_that_another_file_names_stays(migrate, use):
    files = {
        "policy.py": MODEL + LOSS.format(name="Policy", base="PPO"),
        "run.py": "from ray import rllib\n" + use,
    }
    done = migrate(files)
    assert "class Policy(PPOTorchPolicy)" in done.text()
    assert "class PolicyLearner(PPOTorchLearner)" in done.text()
    assert "the policy stays for run.py" in done.items["Policy"].message
    assert "TODO" not in done.text()
    again = migrate({"policy.py": done.text(), "run.py": done.text("run.py")})
    assert again.text() == done.text()


def test_a_chain_with_a_model_of_its_own_is_left_to_a_person(migrate):
    text = MODEL + BUILT.replace('name="First", loss_fn', 'name="First", make_model')
    text = text.replace('name="Policy")', 'name="Policy", loss_fn=my_loss)')
    done = migrate(text)
    assert done.items["Policy"].outcome == "manual"


def test_columns_are_names_in_capitals_alone(migrate):
    text = MODEL + (
        "class Policy(PPOTorchPolicy):\n"
        "    def postprocess_trajectory(self, sample_batch, other=None, episode=None):\n"
        "        return SampleBatch.concat_samples([sample_batch])\n"
    )
    assert "SampleBatch.concat_samples([sample_batch])" in migrate(text).text()
