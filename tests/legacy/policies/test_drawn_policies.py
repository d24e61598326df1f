"""PPO's policy against Ray 2.60's over drawn spaces, model configs and seeds: equal to the bit."""

from __future__ import annotations

import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete, Tuple
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ray.rllib.policy.sample_batch import SampleBatch as RaySampleBatch

from rlmigrate.legacy.batches import SampleBatch

LEAVES = st.one_of(
    st.integers(1, 4).map(Discrete),
    st.lists(st.integers(2, 3), min_size=1, max_size=3).map(MultiDiscrete),
    st.integers(1, 3).map(lambda size: Box(-2.0, 3.0, (size,), np.float32)),
)
ACTIONS = st.one_of(
    LEAVES,
    st.lists(LEAVES, min_size=1, max_size=2).map(Tuple),
    st.dictionaries(st.sampled_from("ab"), LEAVES, min_size=1).map(Dict),
)
MODELS = st.fixed_dictionaries(
    {
        "fcnet_hiddens": st.sampled_from([[5], [6, 4]]),
        "fcnet_activation": st.sampled_from(["tanh", "relu"]),
        "vf_share_layers": st.booleans(),
        "use_lstm": st.booleans(),
        "lstm_cell_size": st.just(3),
        "max_seq_len": st.sampled_from([2, 20]),
    }
)


@given(ACTIONS, MODELS, st.booleans(), st.integers(1, 4), st.integers(0, 2**31 - 1), st.booleans())
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_actions_likelihoods_and_a_learning_step(
    ppo_pair, equal, action_space, model, explore, rows, seed, clipped
):
    ours, theirs = ppo_pair(action_space, model=model, grad_clip=0.5 if clipped else None)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    states = [np.stack([s] * rows) + 0.1 for s in theirs.get_initial_state()]
    found = []
    for policy in (ours, theirs):
        torch.manual_seed(seed)
        found.append(policy.compute_actions(x, states, explore=explore))
    equal(found[0], found[1])

    from ray.rllib.utils.spaces.space_utils import flatten_to_single_ndarray, unbatch

    taken, _, extra = found[1]
    flat = np.stack([flatten_to_single_ndarray(a) for a in unbatch(taken)])
    if not isinstance(action_space, Tuple | Dict):
        likelihoods = [p.compute_log_likelihoods(taken, x, states) for p in (ours, theirs)]
        equal(*likelihoods)
        flat = taken
    columns = {
        "obs": x,
        "actions": flat,
        "rewards": rng.normal(size=rows).astype(np.float32),
        "advantages": rng.normal(size=rows).astype(np.float32),
        "value_targets": rng.normal(size=rows).astype(np.float32),
        "terminateds": np.zeros(rows, bool),
        "eps_id": np.zeros(rows, int),
        "unroll_id": np.zeros(rows, int),
        "agent_index": np.zeros(rows, int),
        "t": np.arange(rows),
        **{f"state_in_{i}": state for i, state in enumerate(states)},
        **extra,
    }
    steps = [
        policy.learn_on_batch(batch({k: np.copy(v) for k, v in columns.items()}))
        for policy, batch in ((ours, SampleBatch), (theirs, RaySampleBatch))
    ]
    equal(steps[0]["learner_stats"], steps[1]["learner_stats"])
    equal(ours.get_weights(), theirs.get_weights())
