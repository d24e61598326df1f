"""Policies that compute their advantages themselves, on Ray: the most copied example of RLlib."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

pytest.importorskip("ray.rllib")
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.single_agent_episode import SingleAgentEpisode
from ray.rllib.policy.sample_batch import SampleBatch
from ray.rllib.utils.sgd import standardized

from .test_learners import ACTIONS, MODEL, OBSERVATIONS, config, old_policy

NET = MODEL.replace(
    "\n    def value_function(self):",
    """
    def central_value(self, obs, acted):
        return self.critic(torch.tanh(self.trunk(obs + acted.unsqueeze(-1)))).squeeze(-1)

    def value_function(self):""",
)
OWN = """STEP_BEFORE = "step_before"


class Policy(PPOTorchPolicy):
    @torch.no_grad()
    def postprocess_trajectory(self, sample_batch, other_agent_batches=None, episode=None):
        # What was done a step ago.
        acted = np.roll(sample_batch[SampleBatch.ACTIONS], 1).astype(np.float32)
        acted[0] = 0.0
        sample_batch[STEP_BEFORE] = acted
        sample_batch[SampleBatch.VF_PREDS] = (
            self.model.central_value(
                torch.from_numpy(sample_batch[SampleBatch.OBS]).to(self.device),
                torch.from_numpy(acted).to(self.device),
            )
            .cpu()
            .numpy()
        )
        sample_batch[SampleBatch.REWARDS][-1] += 1.0
        if sample_batch[{ended}][-1]:
            last_r = 0.0
        else:
            last_r = sample_batch[SampleBatch.VF_PREDS][-1]
        {final}

    def loss(self, model, dist_class, train_batch):
        logits, _ = model(train_batch)
        dist = dist_class(logits, model)
        values = model.central_value(train_batch["obs"], train_batch[STEP_BEFORE])
        gains = dist.logp(train_batch[SampleBatch.ACTIONS]) * train_batch["advantages"]
        errors = torch.pow(values - train_batch[Postprocessing.VALUE_TARGETS], 2.0)
        near = torch.abs(values - train_batch[SampleBatch.VF_PREDS])
        return torch.mean(errors * self.config["vf_loss_coeff"] - gains + near)

    def stats_fn(self, train_batch):
        return {}
"""
GAE = """return compute_advantages(
            sample_batch,
            last_r,
            self.config["gamma"],
            self.config["lambda"],
            use_gae=self.config["use_gae"],
        )"""
RETURNS = """if "lambda" in self.config:
            batch = compute_advantages(
                rollout=sample_batch, last_r=last_r, gamma=0.8, use_gae=False, use_critic={critic}
            )
        return batch"""
FINALS = {
    "gae": (GAE, "SampleBatch.TERMINATEDS"),
    "dones": (GAE, '"dones"'),
    "returns": (RETURNS.format(critic=False), '"dones"'),
    "returns less values": (RETURNS.format(critic=True), "SampleBatch.TERMINATEDS"),
}
HEAD = NET.replace("import Postprocessing, ", "import Postprocessing, compute_advantages, ")


def text(name: str, base: str = "PPO") -> str:
    final, ended = FINALS[name]
    own = OWN.replace("{final}", final).replace("{ended}", ended)
    return (HEAD + own).replace("PPO", base).replace("ppo", base.lower())


GOAL = """def until_goal(policy, sample_batch, other_agent_batches=None, episode=None):
    # An end without a goal goes on.
    if sample_batch[SampleBatch.DONES][-1] and sample_batch["rewards"][-1] > -1.0:
        last_r = 0.0
    else:
        input_dict = sample_batch.get_single_step_input_dict(
            policy.model.view_requirements, index="last"
        )
        last_r = policy._value(**input_dict)
    batch = compute_advantages(
        sample_batch,
        last_r,
        policy.config["gamma"],
        policy.config["lambda"],
        use_gae=policy.config["use_gae"],
        use_critic=policy.config.get("use_critic", True),
    )
    return batch


class Policy(PPOTorchPolicy):
    def postprocess_trajectory(self, sample_batch, other_agent_batches=None, episode=None):
        with torch.no_grad():
            return until_goal(self, sample_batch, other_agent_batches, episode)
"""


def chunk(seed: int, steps: int, *, done: bool, cut: bool = False) -> SingleAgentEpisode:
    rng = np.random.default_rng(seed)
    space = OBSERVATIONS
    return SingleAgentEpisode(
        observations=[rng.uniform(-1, 1, 4).astype(np.float32) for _ in range(steps + 1)],
        actions=[np.int64(rng.integers(3)) for _ in range(steps)],
        rewards=[np.float32(rng.normal()) for _ in range(steps)],
        extra_model_outputs={
            "action_dist_inputs": list(rng.normal(size=(steps, 3)).astype(np.float32)),
            "action_logp": list(rng.normal(size=steps).astype(np.float32)),
        },
        terminated=done,
        truncated=cut,
        observation_space=space,
        action_space=gym.spaces.Discrete(3),
        len_lookback_buffer=0,
    )


def chunks() -> list[SingleAgentEpisode]:
    made = [chunk(0, 5, done=True), chunk(1, 3, done=False), chunk(2, 4, done=False, cut=True)]
    return [each.to_numpy() for each in made]


def old_rows(policy: Any, *, standardize: bool) -> dict[str, torch.Tensor]:
    """What the old sampler and PPO's training step made of the same chunks."""
    found = []
    for each in chunks():
        last = np.arange(len(each)) == len(each) - 1
        obs = torch.from_numpy(each.get_observations(slice(0, len(each))))
        policy.model({"obs": obs})
        rows = SampleBatch(
            new_obs=each.get_observations(slice(1, len(each) + 1)),
            vf_preds=policy.model.value_function().detach().numpy(),
            obs=each.get_observations(slice(0, len(each))),
            actions=each.get_actions(),
            rewards=np.array(each.get_rewards()),
            terminateds=last & each.is_terminated,
            truncateds=last & each.is_truncated,
        )
        found.append(policy.postprocess_trajectory(rows))
    whole = {key: np.concatenate([each[key] for each in found]) for key in found[0]}
    if standardize:
        whole["advantages"] = standardized(whole["advantages"])
    return {key: torch.as_tensor(value) for key, value in whole.items()}


def sides(migrate: Any, given: str, **settings: Any) -> Any:
    done = migrate(given)
    assert done.items["Policy"].outcome == "native", done.items["Policy"].message
    assert "learner_class=PolicyLearner)" in done.items["Policy"].message
    after = done.text()
    assert "TODO" not in after
    assert after.count("        # ") == 1
    assert "class Policy(" not in after
    assert "until_goal(" not in after
    assert migrate(after).text() == after
    old, new = done.old(), done.new()
    policy = old_policy(old.Policy, old.Net, gamma=0.9, **settings)
    policy.config["lambda"] = 0.7
    made = (
        config()
        .training(gamma=0.9, lambda_=0.7, **settings)
        .learners(learner_class=new.PolicyLearner)
    )
    made = made.rl_module(rl_module_spec=RLModuleSpec(module_class=new.Net))
    spaces = {"__env__": (OBSERVATIONS, ACTIONS), "default_policy": (OBSERVATIONS, ACTIONS)}
    learner = made.build_learner(env=None, spaces=spaces)
    learner.module["default_policy"].unwrapped().load_state_dict(policy.model.state_dict())
    return policy, learner, made


@pytest.mark.parametrize("name", FINALS)
def test_columns_and_loss_are_those_of_the_old_stack(migrate, name):
    policy, learner, made = sides(migrate, text(name))
    expected = old_rows(policy, standardize=True)
    batch = learner._learner_connector(
        rl_module=learner.module, batch={}, episodes=chunks(), shared_data={}
    )["default_policy"]
    assert len(batch["loss_mask"]) == 5 + 3 + 4 + 3  # a step more for each chunk
    mask = batch["loss_mask"]
    for column in ("rewards", "step_before", "vf_preds", "value_targets", "advantages"):
        found = batch[column][mask].float()
        torch.testing.assert_close(found, expected[column].float(), atol=1e-6, rtol=1e-5)
    loss = policy.loss(policy.model, policy.dist_class, SampleBatch(expected))
    outs = learner.module["default_policy"].forward_train(batch)
    found = learner.compute_loss_for_module(
        module_id="default_policy", config=made, batch=batch, fwd_out=outs
    )
    torch.testing.assert_close(found, loss, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("use_gae", [True, False])
def test_a_copy_of_rllibs_gae_has_values_of_its_own(migrate, use_gae):
    policy, learner, _ = sides(migrate, HEAD + GOAL, use_gae=use_gae)
    expected = old_rows(policy, standardize=True)
    batch = learner._learner_connector(
        rl_module=learner.module, batch={}, episodes=chunks(), shared_data={}
    )["default_policy"]
    for column in ("vf_preds", "value_targets", "advantages"):
        found = batch[column][batch["loss_mask"]]
        torch.testing.assert_close(found, expected[column], atol=1e-5, rtol=1e-5)


def test_inputs_that_are_looked_at_are_for_a_person(migrate):
    text = GOAL.replace("last_r = policy", "print(input_dict)\n        last_r = policy")
    message = migrate(HEAD + text).items["Policy.learning"].message
    assert "asks its samples for get_single_step_input_dict" in message


def test_advantages_are_rays():
    from ray.rllib.evaluation.postprocessing import compute_advantages

    from rlmigrate.new_stack.layers.on_ray.advantages import add_advantages

    rng = np.random.default_rng(0)
    rows = {key: rng.normal(size=7).astype(np.float32) for key in ("rewards", "vf_preds")}
    several: list[dict[str, Any]] = [
        {"gamma": 0.9, "lambda_": 0.8},
        {"use_gae": False},
        {"use_gae": False, "use_critic": False},
        {"rewards": rows["vf_preds"], "vf_preds": rows["rewards"]},
    ]
    for given in several:
        expected = compute_advantages(SampleBatch(rows), 0.3, **given)
        found = add_advantages(dict(rows), 0.3, **given)
        for key in ("advantages", "value_targets"):
            assert found[key].dtype == expected[key].dtype
            np.testing.assert_allclose(found[key], expected[key], rtol=1e-6)


USES = {
    "align(sample_batch)": "hands its samples to align",
    "sample_batch['t'][0]": "reads t, which episodes do not have",
    "episode.length": "uses the episode",
    "[other[0].model for other in other_agent_batches.values()]": "asks another agent for model",
    "[align(other[1]) for other in other_agent_batches.values()]": "samples to align",
    "len(sample_batch)": "hands its samples to len",
    "setattr(self, 'a', 1)": "marks stand in it",
}


@pytest.mark.parametrize("use", USES)
def test_what_is_not_understood_is_for_a_person(migrate, use):
    body = (
        HEAD + "class Policy(PPOTorchPolicy):\n"
        "    def postprocess_trajectory("
        "self, sample_batch, other_agent_batches=None, episode=None):\n"
        f"        seen = {use}\n"
        "        sample_batch['seen'] = np.array([seen] * len(sample_batch['obs']))\n"
        "        return sample_batch\n"
    )
    done = migrate(body)
    assert done.items["Policy"].outcome == "manual"
    assert USES[use] in done.items["Policy.learning"].message


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("DQN", "is given steps out of a buffer"),
        ("SAC", "is given steps out of a buffer"),
        ("Impala", "batched before its Learner is given them"),
        ("APPO", "batched before its Learner is given them"),
    ],
)
def test_other_learners_see_other_samples(migrate, base, reason):
    folder = base.lower()
    body = (
        f"from ray.rllib.algorithms.{folder}.{folder}_torch_policy import {base}TorchPolicy\n\n\n"
        f"class Policy({base}TorchPolicy):\n"
        "    def postprocess_trajectory(self, sample_batch, others=None, episode=None):\n"
        "        sample_batch['rewards'][-1] += 1.0\n"
        "        return sample_batch\n"
    )
    assert reason in migrate(body).items["Policy.learning"].message


def test_dones_that_are_set_are_for_a_person(migrate):
    body = (
        HEAD + "class Policy(PPOTorchPolicy):\n"
        "    def postprocess_trajectory(self, sample_batch, others=None, episode=None):\n"
        "        sample_batch['dones'][-1] = True\n"
        "        return sample_batch\n"
    )
    assert "sets dones" in migrate(body).items["Policy.learning"].message


def test_a_state_kept_on_the_policy_is_for_a_person(migrate):
    body = (
        HEAD + "class Policy(PPOTorchPolicy):\n"
        "    def postprocess_trajectory(self, sample_batch, others=None, episode=None):\n"
        "        self.mean = sample_batch['rewards'].mean()\n"
        "        sample_batch['rewards'] -= self.mean\n"
        "        return sample_batch\n"
    )
    done = migrate(body)
    assert "sets mean of the policy" in done.items["Policy.learning"].message
