from __future__ import annotations

import numpy as np
import pytest


def _same(ours, theirs) -> None:
    assert type(ours).__name__ == type(theirs).__name__
    assert set(ours.keys()) == set(theirs.keys())
    for key in theirs:
        a, b = dict.__getitem__(ours, key), dict.__getitem__(theirs, key)
        assert type(a) is type(b), key
        if isinstance(a, dict | tuple):
            np.testing.assert_equal(a, b)
        else:
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
            assert np.asarray(a).dtype == np.asarray(b).dtype, key
    for name in ("count", "time_major", "max_seq_len", "zero_padded", "num_grad_updates"):
        assert getattr(ours, name) == getattr(theirs, name), name


@pytest.fixture
def same_batch():
    return _same


@pytest.fixture
def columns():
    """Twelve steps of three episodes, nested observations, states and infos."""
    rng = np.random.default_rng(3)
    n = 12
    return {
        "obs": {"a": rng.normal(size=(n, 2)).astype(np.float32), "b": np.arange(n)},
        "new_obs": {"a": rng.normal(size=(n, 2)).astype(np.float32), "b": np.arange(n) + 1},
        "actions": np.arange(n),
        "rewards": np.linspace(0, 1, n).astype(np.float32),
        "terminateds": np.array([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1], dtype=bool),
        "truncateds": np.array([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0], dtype=bool),
        "eps_id": np.array([5] * 5 + [9] * 4 + [2] * 3),
        "unroll_id": np.zeros(n, dtype=int),
        "agent_index": np.zeros(n, dtype=int),
        "t": np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 0, 1, 2]),
    }
