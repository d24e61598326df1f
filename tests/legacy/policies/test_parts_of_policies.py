"""The parts of IMPALA's, MARWIL's, PG's and DQN's policies that others are made of."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
import torch
from ray.rllib.algorithms.dqn.dqn_tf_policy import postprocess_nstep_and_prio as rays_n_step
from ray.rllib.algorithms.impala import impala_torch_policy as ray_impala
from ray.rllib.algorithms.marwil.marwil_tf_policy import PostprocessAdvantages as RayReturns
from ray.rllib.policy.sample_batch import SampleBatch as RayBatch

from rlmigrate import ray_names
from rlmigrate.errors import LegacyError
from rlmigrate.legacy.batches import SampleBatch
from rlmigrate.legacy.policies import LearningRateSchedule, TorchPolicyV2
from rlmigrate.legacy.policies.dqn_torch_policy import postprocess_nstep_and_prio
from rlmigrate.legacy.policies.returns import PostprocessAdvantages, post_process_advantages
from rlmigrate.legacy.policies.vtrace import VTraceOptimizer, make_time_major
from rlmigrate.legacy.utils.torch_utils import get_device

OBS, ACT = gym.spaces.Box(-1.0, 1.0, (4,), np.float32), gym.spaces.Discrete(3)


def trajectory(kind, *, terminated, steps=5):
    rng = np.random.default_rng(4)
    obs = rng.normal(size=(steps + 1, 4)).astype(np.float32)
    ended = np.zeros(steps, bool)
    ended[-1] = terminated
    return kind(
        {
            "obs": obs[:-1],
            "new_obs": obs[1:],
            "actions": np.arange(steps) % 3,
            "rewards": rng.normal(size=steps).astype(np.float32),
            "terminateds": ended,
            "truncateds": np.zeros(steps, bool),
        }
    )


@pytest.mark.parametrize("recurrent", [True, False])
def test_rows_become_time_major(recurrent):
    policy = SimpleNamespace(is_recurrent=lambda: recurrent, config={"rollout_fragment_length": 3})
    lens, rows = torch.tensor([3, 2, 3, 1]), torch.arange(24).reshape(12, 2)
    found = make_time_major(policy, lens, [rows, rows[:, 0]])
    expected = ray_impala.make_time_major(policy, lens, [rows, rows[:, 0]])
    assert all(map(torch.equal, found, expected))
    assert torch.equal(make_time_major(policy, lens, rows, drop_last=True), expected[0][:-1])


def of_impala(optimizer, schedule, base):
    class Policy(optimizer, schedule, base):
        def __init__(self, config):
            optimizer.__init__(self)
            schedule.__init__(self, 0.01, None, 0.02, None)
            base.__init__(self, OBS, ACT, config)

    return Policy


@pytest.mark.parametrize(
    "settings",
    [
        {"opt_type": "adam", "_separate_vf_optimizer": False},
        {"opt_type": "rmsprop", "decay": 0.9, "momentum": 0.1, "epsilon": 0.2}
        | {"_separate_vf_optimizer": False},
        {"opt_type": "adam", "_separate_vf_optimizer": True},
    ],
)
def test_optimizers_are_rays(settings):
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.policy.torch_mixins import LearningRateSchedule as RaySchedule
    from ray.rllib.policy.torch_policy_v2 import TorchPolicyV2 as RayBase

    config = PPOConfig().api_stack(
        enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False
    )
    model = {"fcnet_hiddens": [5], "vf_share_layers": False}
    rays = of_impala(ray_impala.VTraceOptimizer, RaySchedule, RayBase)(
        {**config.training(model=model).to_dict(), **settings}
    )
    ours = of_impala(VTraceOptimizer, LearningRateSchedule, TorchPolicyV2)(
        {"model": model, **settings}
    )
    names = [
        [
            (type(each).__name__, each.defaults["lr"], [tuple(p.shape) for p in group["params"]])
            for each in policy._optimizers
            for group in each.param_groups
        ]
        for policy in (ours, rays)
    ]
    assert names[0] == names[1]
    assert len(names[0]) == 1 + settings["_separate_vf_optimizer"]


def test_two_optimizers_other_than_adam_are_refused():
    policy = of_impala(VTraceOptimizer, LearningRateSchedule, TorchPolicyV2)
    with pytest.raises(NotImplementedError, match="'sgd', expected 'adam'"):
        policy({"opt_type": "sgd", "_separate_vf_optimizer": True})


@pytest.mark.parametrize("terminated", [True, False])
def test_returns_stand_for_advantages(terminated):
    def policy(mixin, batch):
        class Base:
            config = {"gamma": 0.9}
            view_requirements = {}

            def postprocess_trajectory(self, sample_batch, others=None, episode=None):
                return sample_batch

            def _value(self, **step):
                return 2.5

        made = type("Policy", (mixin, Base), {})()
        return made.postprocess_trajectory(trajectory(batch, terminated=terminated))

    found, expected = policy(PostprocessAdvantages, SampleBatch), policy(RayReturns, RayBatch)
    for column in ("advantages", "value_targets"):
        np.testing.assert_array_equal(found[column], expected[column])
    returns = post_process_advantages(
        SimpleNamespace(config={"gamma": 0.9}), trajectory(SampleBatch, terminated=True)
    )
    same = np.array_equal(returns["advantages"], expected["advantages"])
    assert same == terminated  # PG expects nothing after a truncated trajectory


@pytest.mark.parametrize("n_step", [1, 3])
@pytest.mark.parametrize("priorities", [True, False])
def test_steps_are_joined_and_weighed(n_step, priorities):
    config = {
        **{"n_step": n_step, "gamma": 0.9},
        "replay_buffer_config": {
            "worker_side_prioritization": priorities,
            "prioritized_replay_eps": 0.01,
        },
    }
    policy = SimpleNamespace(
        config=config, compute_td_error=lambda obs, *columns: obs.sum(-1) - columns[1]
    )
    found = postprocess_nstep_and_prio(policy, trajectory(SampleBatch, terminated=False))
    expected = rays_n_step(policy, trajectory(RayBatch, terminated=False))
    assert set(found) == set(expected)
    for column in found:
        np.testing.assert_array_equal(found[column], expected[column])
    assert np.all(found["weights"] == 1.0) != priorities
    without = copy.deepcopy(config)
    without["replay_buffer_config"] = {"worker_side_prioritization": True}
    policy.config = without
    with pytest.raises(LegacyError, match="prioritized_replay_eps"):
        postprocess_nstep_and_prio(policy, trajectory(SampleBatch, terminated=False))


def test_samplers_of_ray_2_2_give_three_values():
    class Sampler(TorchPolicyV2):
        def action_sampler_fn(self, model, *, obs_batch, state_batches, **kwargs):
            logits, state = model(obs_batch)
            return logits.argmax(-1), logits.max(-1).values, state

    policy = Sampler(OBS, ACT, {"model": {"fcnet_hiddens": [5]}})
    actions, states, extra = policy.compute_actions(np.ones((2, 4), np.float32))
    assert actions.shape == (2,)
    assert states == []
    assert set(extra) == {"action_logp", "action_prob"}


def test_the_device_of_a_config():
    assert get_device({"num_gpus": 0}) == torch.device("cpu")
    assert get_device({"num_gpus": 1, "_fake_gpus": True}) == torch.device("cpu")


def test_old_names_lead_to_them():
    with ray_names(ray=False):
        from ray.rllib.agents.pg.pg_tf_policy import post_process_advantages as of_pg
        from ray.rllib.algorithms.impala.impala_torch_policy import VTraceOptimizer as named
        from ray.rllib.utils.error import UnsupportedSpaceException
    assert named is VTraceOptimizer
    assert of_pg is post_process_advantages
    assert UnsupportedSpaceException.__name__ == "UnsupportedSpace"
