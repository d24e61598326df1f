"""Policies put together from functions, DQN's and SAC's among them, against Ray 2.60's."""

from __future__ import annotations

import copy

import gymnasium as gym
import numpy as np
import pytest
import torch
from ray.rllib.algorithms.dqn import DQNConfig as RayDQNConfig
from ray.rllib.algorithms.dqn.dqn_torch_policy import DQNTorchPolicy as RayDQNTorchPolicy
from ray.rllib.algorithms.sac import SACConfig as RaySACConfig
from ray.rllib.algorithms.sac.sac_torch_policy import SACTorchPolicy as RaySACTorchPolicy
from ray.rllib.policy import policy_template as ray_template
from ray.rllib.policy.sample_batch import SampleBatch as RaySampleBatch

from rlmigrate.errors import LegacyError, UnsupportedSpace
from rlmigrate.legacy.batches import SampleBatch
from rlmigrate.legacy.policies import DQNTorchPolicy, SACTorchPolicy, build_torch_policy
from rlmigrate.legacy.policies import builder as our_template

OBS = gym.spaces.Box(-1.0, 1.0, (4,), np.float32)
BOX = gym.spaces.Box(-2.0, 3.0, (2,), np.float32)
OLD = {"enable_rl_module_and_learner": False, "enable_env_runner_and_connector_v2": False}


def pair(ours, theirs, ray_config, action_space, settings):
    config = ray_config.api_stack(**OLD).to_dict()
    settings = dict(settings)
    config["model"].update(settings.pop("model", {}))
    config.update(settings)
    given = {k: copy.deepcopy(config[k]) for k in (*settings, "model")}
    a = ours(OBS, action_space, given)
    b = theirs(OBS, action_space, copy.deepcopy(config))
    a.set_weights(b.get_weights())
    return a, b


def same_actions(ours, theirs, equal, rows=5):
    x = np.random.default_rng(2).normal(size=(rows, 4)).astype(np.float32)
    for explore, timestep in ((False, 0), (True, 0), (True, 5000), (True, 10**6)):
        torch.manual_seed(8)
        expected = theirs.compute_actions(x, explore=explore, timestep=timestep)
        torch.manual_seed(8)
        equal(ours.compute_actions(x, explore=explore, timestep=timestep), expected)
    return expected


DQN_CASES = {
    "default": {},
    "plain": {"dueling": False, "hiddens": [], "double_q": False},
    "distributional": {"num_atoms": 5, "v_min": -3.0, "v_max": 4.0},
    "plain_distributional": {"num_atoms": 3, "dueling": False},
    "noisy": {"noisy": True},
    "sampled": {"exploration_config": {"type": "StochasticSampling", "random_timesteps": 0}},
}


@pytest.mark.parametrize("case", DQN_CASES)
def test_dqn_acts_alike(case, equal):
    ours, theirs = pair(
        DQNTorchPolicy, RayDQNTorchPolicy, RayDQNConfig(), gym.spaces.Discrete(3), DQN_CASES[case]
    )
    same_actions(ours, theirs, equal)
    assert set(ours.get_weights()) == set(theirs.get_weights())
    for main, target in zip(ours.model.parameters(), ours.target_model.parameters(), strict=True):
        assert torch.equal(main, target)
    state = theirs.exploration.get_state()
    assert ours.exploration.get_state() == state


def test_soft_q_samples_at_its_temperature_and_leaves_the_q_values_alone(equal):
    settings = {"exploration_config": {"type": "SoftQ", "temperature": 0.25}}
    ours, theirs = pair(
        DQNTorchPolicy, RayDQNTorchPolicy, RayDQNConfig(), gym.spaces.Discrete(3), settings
    )
    x = np.random.default_rng(2).normal(size=(50, 4)).astype(np.float32)
    for explore in (True, False):
        torch.manual_seed(8)
        expected, _, ray_extra = theirs.compute_actions(x, explore=explore)
        torch.manual_seed(8)
        actions, _, extra = ours.compute_actions(x, explore=explore)
        equal(actions, expected)
        equal(extra["action_logp"], ray_extra["action_logp"])
        # RLlib's Categorical divides its caller's logits in place.
        equal(extra["q_values"] / np.float32(0.25), ray_extra["q_values"])


def test_dqn_refuses_continuous_actions():
    with pytest.raises(UnsupportedSpace, match="expected Discrete"):
        DQNTorchPolicy(OBS, BOX, {})


SAC_CASES = {
    "default": ({}, BOX),
    "beta": ({"_use_beta_distribution": True}, BOX),
    "not_normalized": ({"normalize_actions": False}, BOX),
    "one_q": ({"twin_q": False}, BOX),
    "discrete": ({}, gym.spaces.Discrete(3)),
}


@pytest.mark.parametrize("case", SAC_CASES)
def test_sac_acts_alike(case, equal):
    settings, space = SAC_CASES[case]
    ours, theirs = pair(SACTorchPolicy, RaySACTorchPolicy, RaySACConfig(), space, settings)
    expected = same_actions(ours, theirs, equal)
    x = np.random.default_rng(2).normal(size=(5, 4)).astype(np.float32)
    actions = expected[0]
    assert torch.equal(
        ours.compute_log_likelihoods(actions, x), theirs.compute_log_likelihoods(actions, x)
    )
    assert len(ours._optimizers) == len(theirs._optimizers)
    with pytest.raises(NotImplementedError, match="loss"):
        ours.learn_on_batch(SampleBatch(obs=x, actions=actions))


NOISE = [
    {"type": "GaussianNoise", "random_timesteps": 0, "stddev": 0.5, "scale_timesteps": 7000},
    {"type": "OrnsteinUhlenbeckNoise", "random_timesteps": 0, "ou_sigma": 0.7},
]


@pytest.mark.parametrize("exploration", NOISE, ids=lambda c: c["type"])
def test_noise_on_deterministic_actions(exploration, equal):
    ours, theirs = pair(
        SACTorchPolicy, RaySACTorchPolicy, RaySACConfig(), BOX, {"exploration_config": exploration}
    )
    same_actions(ours, theirs, equal)
    equal(ours.exploration.get_state(), theirs.exploration.get_state())


@pytest.mark.parametrize("kind", ["Random", "GaussianNoise"])
def test_random_actions_lie_in_the_space(kind):
    ours, theirs = pair(
        SACTorchPolicy,
        RaySACTorchPolicy,
        RaySACConfig(),
        BOX,
        {"exploration_config": {"type": kind}},
    )
    x = np.zeros((6, 4), np.float32)
    for policy in (ours, theirs):
        policy.action_space.seed(3)
        policy.exploration.action_space.seed(3)
    actions = ours.compute_actions(x, explore=True, timestep=0)
    assert all(BOX.contains(action) for action in actions[0])
    assert (actions[2]["action_logp"] == 0).all()


def build(template, batch_class, **changes):
    """Build the same policy class with our builder or Ray's."""

    def loss(policy, model, dist_class, train_batch):
        logits, _ = model(train_batch)
        dist = dist_class(logits, model)
        policy.seen = dist.logp(train_batch["actions"]).mean()
        return -(dist.logp(train_batch["actions"]) * train_batch["rewards"]).mean()

    def postprocess(policy, batch, other_agent_batches=None, episode=None):
        batch["rewards"] = batch["rewards"] * policy.config["scale"]
        return batch

    functions = {
        "loss_fn": loss,
        "get_default_config": None,
        "stats_fn": lambda policy, batch: {"seen": policy.seen},
        "postprocess_fn": postprocess,
        "extra_action_out_fn": lambda policy, batch, states, model, dist: {
            "values": model.value_function()
        },
        "extra_grad_process_fn": lambda policy, optimizer, loss: {"loss": float(loss)},
        "extra_learn_fetches_fn": lambda policy: {"extra": torch.tensor([1.0])},
        "optimizer_fn": lambda policy, config: torch.optim.SGD(
            policy.model.parameters(), lr=config["lr"]
        ),
        "before_init": lambda policy, obs, act, config: setattr(policy, "early", True),
        "after_init": lambda policy, obs, act, config: setattr(policy, "late", True),
    }
    return template.build_policy_class("Mine", "torch", **{**functions, **changes})


def old_and_new(**changes):
    config = RaySACConfig().api_stack(**OLD).to_dict()
    config.update(lr=0.1, scale=2.0)
    space = gym.spaces.Discrete(3)
    ours = build(our_template, SampleBatch, **changes)(OBS, space, copy.deepcopy(config))
    theirs = build(ray_template, RaySampleBatch, **changes)(OBS, space, copy.deepcopy(config))
    ours.set_weights(theirs.get_weights())
    return ours, theirs


def batch_columns(rows=8):
    rng = np.random.default_rng(0)
    return {
        "obs": rng.normal(size=(rows, 4)).astype(np.float32),
        "actions": rng.integers(0, 3, rows),
        "rewards": rng.normal(size=rows).astype(np.float32),
    }


def test_a_built_policy_learns_alike(equal):
    ours, theirs = old_and_new()
    assert ours.early and ours.late  # noqa: PT018
    same_actions(ours, theirs, equal)
    a = ours.postprocess_trajectory(SampleBatch(batch_columns()))
    b = theirs.postprocess_trajectory(RaySampleBatch(batch_columns()))
    for _ in range(2):
        mine, ray = ours.learn_on_batch(a), theirs.learn_on_batch(b)
        equal(mine["learner_stats"], ray["learner_stats"])
        equal(mine["extra"], ray["extra"])
        equal(ours.get_weights(), theirs.get_weights())
    assert set(ours.view_requirements) == set(theirs.view_requirements)


SAMPLERS = {
    "four": lambda policy, model, batch, states, explore, timestep: (
        torch.ones(len(batch["obs"]), dtype=torch.long),
        torch.zeros(len(batch["obs"])),
        model(batch)[0],
        [],
    ),
    "three": lambda policy, model, batch, states, explore, timestep: (
        torch.ones(len(batch["obs"]), dtype=torch.long) * int(explore),
        torch.zeros(len(batch["obs"])),
        [],
    ),
}


@pytest.mark.parametrize("kind", SAMPLERS)
def test_sampler_functions_of_both_forms(kind, equal):
    ours, theirs = old_and_new(action_sampler_fn=SAMPLERS[kind], extra_action_out_fn=None)
    same_actions(ours, theirs, equal)


def test_distribution_functions_of_both_forms(equal):
    from rlmigrate.legacy.distributions import TorchCategorical

    def new(policy, model, input_dict, state_batches, seq_lens, explore, is_training, **_):
        return model(input_dict, state_batches, seq_lens)[0] * 2, TorchCategorical, []

    def old(policy, model, obs, *, explore, is_training, timestep=None):
        return model({"obs": obs})[0] * 2, TorchCategorical, []

    x = batch_columns()["obs"]
    results = []
    for fn in (new, old):
        torch.manual_seed(0)
        policy = build(our_template, SampleBatch, action_distribution_fn=fn)(
            OBS, gym.spaces.Discrete(3), {"lr": 0.1, "scale": 1.0}
        )
        results.append(policy.compute_actions(x, explore=False)[2]["action_dist_inputs"])
        assert policy.compute_log_likelihoods(np.zeros(8, int), x).shape == (8,)
    equal(results[0], results[1])


def test_with_updates_replaces_functions():
    mine = build_torch_policy("Mine", loss_fn=lambda *args: args[1](args[3])[0].mean())
    other = mine.with_updates(
        name="Other", postprocess_fn=lambda policy, batch, *args: {"seen": True}
    )
    assert (mine.__name__, other.__name__) == ("Mine", "Other")
    policy = mine(OBS, BOX, {})
    assert policy.postprocess_trajectory({"a": 1}) == {"a": 1}
    policy = mine.with_updates(postprocess_fn=lambda policy, batch, *args: batch, make_model=None)(
        OBS, BOX, {}
    )
    assert policy.loss_initialized is not None if hasattr(policy, "loss_initialized") else True


def test_the_builder_says_what_is_wrong():
    with pytest.raises(LegacyError, match="expected 'torch'"):
        our_template.build_policy_class("Mine", "jax", loss_fn=None)
    with pytest.raises(LegacyError, match="not both"):
        build_torch_policy("Mine", loss_fn=None, make_model=print, make_model_and_action_dist=print)
    with pytest.raises(LegacyError, match="expected a TorchModelV2"):
        build_torch_policy("Mine", loss_fn=None, make_model=lambda *args: object())(OBS, BOX, {})


@pytest.mark.parametrize("tau", [1.0, 0.25])
def test_target_networks_follow(tau):
    policy = DQNTorchPolicy(OBS, gym.spaces.Discrete(2), {"tau": tau})
    key = next(iter(policy.get_weights()))
    before = policy.target_model.state_dict()[key].clone()
    with torch.no_grad():
        for parameter in policy.model.parameters():
            parameter += 1.0
    policy.update_target()
    expected = tau * policy.model.state_dict()[key] + (1 - tau) * before
    assert torch.equal(policy.target_model.state_dict()[key], expected)


@pytest.mark.parametrize("random_timesteps", [0, 10])
def test_parameter_noise_acts_adapts_and_leaves_the_weights_as_they_were(random_timesteps, equal):
    settings = {
        "exploration_config": {"type": "ParameterNoise", "random_timesteps": random_timesteps}
    }
    ours, theirs = pair(
        DQNTorchPolicy, RayDQNTorchPolicy, RayDQNConfig(), gym.spaces.Discrete(3), settings
    )
    before = theirs.get_weights()
    x = np.random.default_rng(2).normal(size=(5, 4)).astype(np.float32)
    for timestep in (5, 50):
        found = []
        for policy, batch in ((ours, SampleBatch), (theirs, RaySampleBatch)):
            torch.manual_seed(3)
            policy.exploration.on_episode_start(policy)
            acted = [policy.compute_actions(x, explore=e, timestep=timestep) for e in (1, 1, 0, 1)]
            policy.exploration.postprocess_trajectory(policy, batch({"obs": x}))
            policy.exploration.on_episode_end(policy)
            found.append([acted, policy.exploration.get_state(), policy.get_weights()])
        equal(found[0][0], found[1][0])
        assert found[0][1] == found[1][1]
        equal(found[0][2], found[1][2])
    for name, weight in ours.get_weights().items():
        np.testing.assert_allclose(weight, before[name], atol=1e-6)
