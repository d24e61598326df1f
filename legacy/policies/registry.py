"""Short names of the policies, as checkpoints hold them."""

from __future__ import annotations

import importlib
from typing import Any

from rlmigrate.errors import LegacyError

_HOMES = {
    "DQNTFPolicy": "rlmigrate.legacy.policies.tf.dqn_tf_policy",
    "DQNTorchPolicy": "rlmigrate.legacy.policies.dqn_torch_policy",
    "PPOTorchPolicy": "rlmigrate.legacy.policies.ppo_torch_policy",
    "SACTFPolicy": "rlmigrate.legacy.policies.tf.sac_tf_policy",
    "SACTorchPolicy": "rlmigrate.legacy.policies.sac_torch_policy",
}


def name_of(policy_class: Any) -> str | None:
    """Give the short name of one of our own policies, None for others."""
    name = getattr(policy_class, "__name__", "")
    if _HOMES.get(name) == getattr(policy_class, "__module__", None):
        return str(name)
    return None


def class_named(name: str) -> type:
    """Give the policy that a short name stands for."""
    if name not in _HOMES:
        raise LegacyError(
            f"policy class {name!r} is not known; pass the class itself, or one of {sorted(_HOMES)}"
        )
    cls: type = getattr(importlib.import_module(_HOMES[name]), name)
    return cls
