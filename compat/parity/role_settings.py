"""Settings that the old algorithms had beside the model's config, and that shape the network.

RoleName        policy, dqn or sac: what an algorithm asks of a model
SETTINGS        by role: the settings, with what a wrapped module assumes where they are not given
"""

from __future__ import annotations

from typing import Any, Literal

RoleName = Literal["policy", "dqn", "sac"]

DQN_SETTINGS: dict[str, Any] = {
    "hiddens": [256],
    "dueling": True,
    "double_q": True,
    "num_atoms": 1,
    "v_min": -10.0,
    "v_max": 10.0,
    "noisy": False,
    "sigma0": 0.5,
}
SAC_SETTINGS: dict[str, Any] = {
    "policy_model_config": {},
    "q_model_config": {},
    "twin_q": True,
    "initial_alpha": 1.0,
    "target_entropy": "auto",
    "normalize_actions": True,
}
SETTINGS: dict[str, dict[str, Any]] = {"policy": {}, "dqn": DQN_SETTINGS, "sac": SAC_SETTINGS}
#: All of them, by whichever algorithm.
NAMES = frozenset(name for table in SETTINGS.values() for name in table)
