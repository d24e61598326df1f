"""Settings that the old algorithms had beside the model's config, and that shape the network.

RoleName        policy, dqn or sac: what an algorithm asks of a model
SETTINGS        by role: the settings, with what a wrapped module assumes where they are not given
"""

from __future__ import annotations

from typing import Any, Literal

from rlmigrate.new_stack.layers.q_settings import Q_SETTINGS

RoleName = Literal["policy", "dqn", "sac"]

#: Without what the old DQN did not take, or kept in its exploration's config.
DQN_SETTINGS: dict[str, Any] = {
    name: value
    for name, value in Q_SETTINGS.items()
    if name not in ("dueling_activation", "epsilon")
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
