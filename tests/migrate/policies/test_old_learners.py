"""The Learners of algorithms that only the old stack had, on Ray."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("ray.rllib")
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.single_agent_episode import SingleAgentEpisode

from rlmigrate.new_stack.layers.losses import unmasked
from rlmigrate.new_stack.layers.on_ray.learners import A3CTorchLearner, PGTorchLearner

from .test_learners import ACTIONS, OBSERVATIONS, config

REWARDS = [1.0, -2.0, 3.0, 0.5]


def episode(*, done: bool) -> SingleAgentEpisode:
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(4, 3)).astype(np.float32)
    return SingleAgentEpisode(
        observations=[rng.uniform(-1, 1, 4).astype(np.float32) for _ in range(5)],
        actions=[0, 1, 2, 1],
        rewards=list(REWARDS),
        extra_model_outputs={
            "action_dist_inputs": list(logits),
            "action_logp": list(np.zeros(4, np.float32)),
        },
        terminated=done,
        observation_space=OBSERVATIONS,
        action_space=ACTIONS,
        len_lookback_buffer=0,
    )


def built(cls: type, **settings: Any) -> Any:
    made = config().training(use_kl_loss=False, gamma=0.9, lambda_=0.8, **settings)
    made = made.learners(learner_class=cls).rl_module(rl_module_spec=RLModuleSpec())
    spaces = {"__env__": (OBSERVATIONS, ACTIONS), "default_policy": (OBSERVATIONS, ACTIONS)}
    return made.build_learner(env=None, spaces=spaces), made


def batch_of(learner: Any, *, done: bool) -> dict[str, Any]:
    rows = learner._learner_connector(
        rl_module=learner.module, batch={}, episodes=[episode(done=done)], shared_data={}
    )
    return dict(rows["default_policy"])


@pytest.mark.parametrize("done", [True, False])
def test_a3c_has_plain_advantages_and_sums(done):
    learner, made = built(A3CTorchLearner, use_critic=True)
    rows = batch_of(learner, done=done)
    seen = unmasked(rows, rows)
    assert len(seen["obs"]) == 4
    values = seen["vf_preds"].numpy()
    following = [*values[1:], 0.0 if done else float(rows["vf_preds"][-1])]
    errors = [r + 0.9 * n - v for r, n, v in zip(REWARDS, following, values, strict=True)]
    sums, reached = [], 0.0
    for error in reversed(errors):
        reached = error + 0.9 * 0.8 * reached
        sums.append(reached)
    np.testing.assert_allclose(seen["advantages"].numpy(), sums[::-1], rtol=1e-5, atol=1e-6)

    module = learner.module["default_policy"].unwrapped()
    outs = module.forward_train(rows)
    loss = learner.compute_loss_for_module(
        module_id="default_policy", config=made, batch=rows, fwd_out=outs
    )
    logits = unmasked(outs["action_dist_inputs"], rows)
    dist = torch.distributions.Categorical(logits=logits)
    errors_of = unmasked(module.compute_values(rows), rows) - seen["value_targets"]
    expected = (
        -torch.sum(dist.log_prob(seen["actions"]) * seen["advantages"])
        + 0.5 * torch.sum(errors_of**2) * 0.7
        - 0.01 * torch.sum(dist.entropy())
    )
    assert torch.allclose(loss, expected, rtol=1e-6)


def test_pg_takes_the_rewards_that_follow():
    learner, made = built(PGTorchLearner)
    rows = batch_of(learner, done=False)
    sums, following = [], 0.0
    for reward in reversed(REWARDS):
        following = reward + 0.9 * following
        sums.append(following)
    np.testing.assert_allclose(rows["advantages"].numpy(), sums[::-1], rtol=1e-6)
    outs = learner.module["default_policy"].forward_train(rows)
    loss = learner.compute_loss_for_module(
        module_id="default_policy", config=made, batch=rows, fwd_out=outs
    )
    logp = torch.log_softmax(outs["action_dist_inputs"], -1)[range(4), rows["actions"]]
    assert torch.allclose(loss, -torch.mean(logp * rows["advantages"]), rtol=1e-6)


@pytest.mark.parametrize("cls", [A3CTorchLearner, PGTorchLearner])
def test_an_update_changes_the_weights(cls):
    learner, _ = built(cls, train_batch_size=4, minibatch_size=4, num_epochs=1)
    before = {k: v.clone() for k, v in learner.module["default_policy"].state_dict().items()}
    learner.update(episodes=[episode(done=True)])
    after = learner.module["default_policy"].state_dict()
    assert any(not torch.equal(before[key], after[key]) for key in before)
