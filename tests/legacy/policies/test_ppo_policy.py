"""PPO's policy against Ray 2.60's: the same weights and seeds give the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from ray.rllib.policy.sample_batch import SampleBatch as RaySampleBatch

from rlmigrate.legacy.batches import SampleBatch

RNG = np.random.default_rng(5)


def observations(rows=6):
    return RNG.normal(size=(rows, 4)).astype(np.float32)


def trajectory(policy, rows, *, terminated, seed=0):
    """Sample a trajectory's columns from Ray's policy."""
    rng = np.random.default_rng(seed)
    obs = rng.normal(size=(rows + 1, 4)).astype(np.float32)
    torch.manual_seed(seed)
    state = [np.stack([s] * rows) for s in policy.get_initial_state()]
    actions, state_out, extra = policy.compute_actions(obs[:-1], state)
    if isinstance(actions, tuple | dict):
        from ray.rllib.utils.spaces.space_utils import flatten_to_single_ndarray, unbatch

        actions = np.stack([flatten_to_single_ndarray(a) for a in unbatch(actions)])
    ended = np.zeros(rows, dtype=bool)
    ended[-1] = terminated
    columns = {
        "obs": obs[:-1],
        "new_obs": obs[1:],
        "actions": actions,
        "rewards": rng.normal(size=rows).astype(np.float32),
        "terminateds": ended,
        "truncateds": np.zeros(rows, dtype=bool),
        "eps_id": np.full(rows, 3),
        "unroll_id": np.zeros(rows, dtype=int),
        "agent_index": np.zeros(rows, dtype=int),
        "t": np.arange(rows),
        **extra,
    }
    for i, (s_in, s_out) in enumerate(zip(state, state_out, strict=True)):
        columns[f"state_in_{i}"], columns[f"state_out_{i}"] = s_in, s_out
    return columns


@pytest.mark.parametrize("explore", [True, False, None])
def test_compute_actions(ppo_pair, action_space, explore, equal):
    ours, theirs = ppo_pair(action_space)
    x = observations()
    for _ in range(2):
        torch.manual_seed(1)
        expected = theirs.compute_actions(x, explore=explore)
        torch.manual_seed(1)
        equal(ours.compute_actions(x, explore=explore), expected)
        assert ours.global_timestep == theirs.global_timestep


def test_single_actions(ppo_pair, action_space, equal):
    ours, theirs = ppo_pair(action_space)
    for explore in (True, False):
        torch.manual_seed(2)
        expected = theirs.compute_single_action(observations(1)[0] * 0 + 0.3, explore=explore)
        torch.manual_seed(2)
        equal(ours.compute_single_action(np.full(4, 0.3, np.float32), explore=explore), expected)


def test_actions_from_an_input_dict(ppo_pair, action_space, equal):
    ours, theirs = ppo_pair(action_space)
    x = observations()
    torch.manual_seed(3)
    expected = theirs.compute_actions_from_input_dict(RaySampleBatch(obs=x))
    torch.manual_seed(3)
    equal(ours.compute_actions_from_input_dict({"obs": x}), expected)


@pytest.mark.parametrize("normalized", [True, False])
def test_log_likelihoods(ppo_pair, action_space, normalized):
    ours, theirs = ppo_pair(action_space)
    columns = trajectory(theirs, 5, terminated=True)
    args = {"actions": columns["actions"], "obs_batch": columns["obs"]}
    if not normalized and not hasattr(action_space, "low"):
        normalized = True
    expected = theirs.compute_log_likelihoods(**args, actions_normalized=normalized)
    actual = ours.compute_log_likelihoods(**args, actions_normalized=normalized)
    assert torch.equal(actual, expected)
    given = torch.tensor(columns["action_logp"])
    if normalized:
        assert torch.allclose(actual, given, atol=1e-5)


@pytest.mark.parametrize("terminated", [True, False])
@pytest.mark.parametrize("use_gae", [True, False])
def test_postprocessing(ppo_pair, terminated, use_gae, equal):
    import gymnasium as gym

    ours, theirs = ppo_pair(gym.spaces.Discrete(3), use_gae=use_gae, gamma=0.9, **{"lambda": 0.8})
    columns = trajectory(theirs, 7, terminated=terminated)
    expected = theirs.postprocess_trajectory(RaySampleBatch(columns))
    actual = ours.postprocess_trajectory(SampleBatch(columns))
    equal(dict(actual), dict(expected))


CASES = {
    "default": {},
    "no_kl": {"use_kl_loss": False, "grad_clip": 0.5},
    "no_critic": {"use_critic": False, "use_gae": False},
    "entropy": {"entropy_coeff": 0.02, "vf_loss_coeff": 0.3, "vf_clip_param": 0.01},
    "shared": {"model": {"vf_share_layers": True, "fcnet_hiddens": [16]}},
    "free_log_std": {"model": {"free_log_std": False, "fcnet_activation": "relu"}},
}


@pytest.mark.parametrize("case", CASES)
def test_one_learning_step(ppo_pair, action_space, case, equal):
    ours, theirs = ppo_pair(action_space, **CASES[case])
    columns = trajectory(theirs, 16, terminated=False)
    batches = []
    for policy, cls in ((ours, SampleBatch), (theirs, RaySampleBatch)):
        batch = policy.postprocess_trajectory(cls(columns))
        batch["rewards"] = np.array(batch["rewards"])
        batches.append(batch)
    # Within a Dict, RLlib draws samples of a MultiDiscrete to learn its size, which computes its
    # probabilities earlier and so adds up gradients in another order.
    exact = "MultiDiscrete" not in str(action_space) or not hasattr(action_space, "spaces")
    for _ in range(3):
        actual = ours.learn_on_batch(batches[0])
        expected = theirs.learn_on_batch(batches[1])
        if exact:
            equal(actual["learner_stats"], expected["learner_stats"])
            equal(ours.get_weights(), theirs.get_weights())
        else:
            for key, value in theirs.get_weights().items():
                np.testing.assert_allclose(ours.get_weights()[key], value, rtol=0, atol=1e-6)
    ignored = {"learner_stats"}
    assert {k: v for k, v in actual.items() if k not in ignored} == {
        k: v for k, v in expected.items() if k not in ignored
    }
    assert actual["learner_stats"]["policy_loss"] != 0.0


@pytest.mark.parametrize("vf_share_layers", [True, False])
def test_a_recurrent_policy(ppo_pair, vf_share_layers, equal):
    import gymnasium as gym

    ours, theirs = ppo_pair(
        gym.spaces.Discrete(3),
        model={
            "use_lstm": True,
            "lstm_cell_size": 8,
            "max_seq_len": 4,
            "fcnet_hiddens": [8],
            "vf_share_layers": vf_share_layers,
        },
    )
    assert ours.is_recurrent()
    equal(ours.get_initial_state(), theirs.get_initial_state())
    assert set(ours.view_requirements) == set(theirs.view_requirements)
    x = observations(1)[0]
    state = theirs.get_initial_state()
    for _ in range(3):
        torch.manual_seed(4)
        expected = theirs.compute_single_action(x, state)
        torch.manual_seed(4)
        actual = ours.compute_single_action(x, state)
        equal(actual, expected)
        state = expected[1]
    columns = trajectory(theirs, 10, terminated=False)
    # Values after the last step need the state that the episode ended with.
    a = ours.postprocess_trajectory(SampleBatch(columns))
    b = theirs.postprocess_trajectory(RaySampleBatch(columns))
    for _ in range(2):
        equal(ours.learn_on_batch(a)["learner_stats"], theirs.learn_on_batch(b)["learner_stats"])
        equal(ours.get_weights(), theirs.get_weights())
    assert list(a["seq_lens"]) == list(b["seq_lens"]) == [4, 4, 2]


def test_views_after_the_dummy_run(ppo_pair, action_space):
    ours, theirs = ppo_pair(action_space)
    assert set(ours.view_requirements) == set(theirs.view_requirements)
    for key, view in theirs.view_requirements.items():
        mine = ours.view_requirements[key]
        for name in ("data_col", "shift", "used_for_compute_actions", "used_for_training"):
            assert getattr(mine, name) == getattr(view, name), (key, name)
        if key != "obs" and view.space is not None:
            assert mine.space == view.space


def test_state_goes_back_and_forth(ppo_pair, equal):
    import gymnasium as gym

    from rlmigrate.legacy.policies import Policy

    ours, theirs = ppo_pair(gym.spaces.Discrete(3), kl_coeff=0.7)
    columns = trajectory(theirs, 16, terminated=True)
    theirs.learn_on_batch(theirs.postprocess_trajectory(RaySampleBatch(columns)))
    theirs.update_kl(1.0)
    state = {k: v for k, v in theirs.get_state().items() if k != "policy_spec"}
    ours.set_state(state)
    assert ours.kl_coeff == theirs.kl_coeff
    equal(ours.get_weights(), theirs.get_weights())
    # The optimizer's moments have come along: the next step is the same, too.
    theirs.learn_on_batch(theirs.postprocess_trajectory(RaySampleBatch(columns)))
    ours.learn_on_batch(ours.postprocess_trajectory(SampleBatch(columns)))
    equal(ours.get_weights(), theirs.get_weights())

    mine = ours.get_state()
    assert set(mine) == set(theirs.get_state())
    assert mine["policy_spec"]["policy_class"] == "PPOTorchPolicy"
    again = Policy.from_state(mine)
    equal(again.get_weights(), ours.get_weights())
    assert again.observation_space == ours.observation_space


def test_schedules_follow_the_time_step(ppo_pair):
    import gymnasium as gym

    settings = {
        "lr_schedule": [[0, 0.1], [100, 0.01]],
        "entropy_coeff": 0.5,
        "entropy_coeff_schedule": [[0, 0.5], [50, 0.1]],
    }
    ours, theirs = ppo_pair(gym.spaces.Discrete(2), **settings)
    for t in (0, 10, 60, 500):
        for policy in (ours, theirs):
            policy.on_global_var_update({"timestep": t, "num_grad_updates": 4})
        assert (ours.cur_lr, ours.entropy_coeff) == (theirs.cur_lr, theirs.entropy_coeff)
        assert ours._optimizers[0].param_groups[0]["lr"] == ours.cur_lr
        assert (ours.global_timestep, ours.num_grad_updates) == (t, 4)


def test_minibatches_from_the_buffer(ppo_pair, equal):
    import gymnasium as gym

    ours, theirs = ppo_pair(gym.spaces.Discrete(3), minibatch_size=8)
    columns = trajectory(theirs, 16, terminated=True)
    a = ours.postprocess_trajectory(SampleBatch(columns))
    b = theirs.postprocess_trajectory(RaySampleBatch(columns))
    assert ours.load_batch_into_buffer(a) == theirs.load_batch_into_buffer(b)
    for offset in (0, 8):
        mine, ray = ours.learn_on_loaded_batch(offset), theirs.learn_on_loaded_batch(offset)
        equal(mine["learner_stats"], ray["learner_stats"])
    equal(ours.get_weights(), theirs.get_weights())


def test_gradients_given_from_outside(ppo_pair, equal):
    import gymnasium as gym

    ours, theirs = ppo_pair(gym.spaces.Discrete(3))
    columns = trajectory(theirs, 16, terminated=True)
    a = ours.postprocess_trajectory(SampleBatch(columns))
    b = theirs.postprocess_trajectory(RaySampleBatch(columns))
    mine, _ = ours.compute_gradients(a)
    ray, _ = theirs.compute_gradients(b)
    assert all(torch.equal(x, y) for x, y in zip(mine, ray, strict=True))
    ours.apply_gradients([g.numpy().copy() for g in mine])
    theirs.apply_gradients([g.numpy().copy() for g in ray])
    equal(ours.get_weights(), theirs.get_weights())


def test_with_updates_builds_ppos_policy_from_functions(ppo_pair, equal):
    from rlmigrate.legacy.policies import PPOTorchPolicy

    _, theirs = ppo_pair(Discrete(3))
    built = PPOTorchPolicy.with_updates(name="MyPPO")
    policy = built(theirs.observation_space, theirs.action_space, {})
    policy.set_weights(theirs.get_weights())
    assert built.__name__ == "MyPPO"
    assert "Policy" in [each.__name__ for each in type(policy).__mro__]
    x = observations()
    torch.manual_seed(1)
    expected = theirs.compute_actions(x)
    torch.manual_seed(1)
    equal(policy.compute_actions(x), expected)
    rows = trajectory(theirs, 6, terminated=True)
    batches = [cls(dict(rows)) for cls in (SampleBatch, RaySampleBatch)]
    ours, rays = (
        policy.postprocess_trajectory(batches[0]),
        theirs.postprocess_trajectory(batches[1]),
    )
    equal(ours["value_targets"], rays["value_targets"])
    policy.learn_on_batch(ours)
    theirs.learn_on_batch(rays)
    equal(policy.get_weights(), theirs.get_weights())


def test_with_updates_replaces_functions_and_takes_mixins_as_ray_1_did():
    from rlmigrate.legacy.policies import KLCoeffMixin, PPOTorchPolicy, ValueNetworkMixin
    from rlmigrate.legacy.policies.ppo_parts import ppo_surrogate_loss

    calls = []

    def loss(policy, model, dist_class, batch):
        calls.append(type(policy).__name__)
        return 2 * ppo_surrogate_loss(policy, model, dist_class, batch)

    def before_loss_init(policy, obs_space, action_space, config):
        ValueNetworkMixin.__init__(policy, obs_space, action_space, config)
        KLCoeffMixin.__init__(policy, config)
        policy.entropy_coeff, policy.cur_lr = 0.0, 0.1

    built = PPOTorchPolicy.with_updates(
        name="Twice",
        loss_fn=loss,
        before_loss_init=before_loss_init,
        mixins=[ValueNetworkMixin, KLCoeffMixin],
    )
    again = built.with_updates(name="Again")
    policy = again(Box(-1.0, 1.0, (4,), np.float32), Discrete(2), {})
    assert calls == ["Again"]
    assert policy.kl_coeff == 0.2
