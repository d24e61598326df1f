"""Which module a policy of a checkpoint becomes."""

from __future__ import annotations

from rlmigrate.compat.checkpoints.defaults import Plan, plan_default
from rlmigrate.compat.checkpoints.off_policy import plan_dqn, plan_sac
from rlmigrate.compat.checkpoints.reading import OldPolicy


def plan_for(policy: OldPolicy) -> Plan:
    """Choose the module; DQN's and SAC's nets are told by their parameters' names."""
    custom = policy.model_config.get("custom_model")
    if custom:
        name = getattr(custom, "name", custom)
        return Plan(
            "none",
            notes=(
                f"custom model {name}: pass its migrated class with "
                f"module_classes={{{policy.policy_id!r}: CLASS}} or "
                f"--module {policy.policy_id}=PATH:CLASS",
            ),
        )
    if "log_alpha" in policy.weights:
        return plan_sac(policy)
    if any(name.startswith("advantage_module.") for name in policy.weights):
        return plan_dqn(policy)
    return plan_default(policy)
