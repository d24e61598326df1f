"""Which module a policy of a checkpoint becomes.

plan_for   by the names of its parameters, which are torch's
outlook    whatever the names are, and with what stands in the way
"""

from __future__ import annotations

from rlmigrate.compat.checkpoints.defaults import Plan, plan_default
from rlmigrate.compat.checkpoints.off_policy import is_dqn, plan_dqn, plan_sac
from rlmigrate.compat.checkpoints.reading import OldPolicy
from rlmigrate.compat.checkpoints.tf_weights import in_tf_order, in_torch_terms, with_names

NO_SPACES = (
    "the checkpoint holds no spaces; give them with --observation-space and --action-space, with "
    "--env, or as spaces=(observation, action)"
)


def outlook(policy: OldPolicy) -> tuple[Plan, str]:
    """Return what a policy becomes, and what hinders it; empty if nothing does."""
    named = with_names(policy)
    if named.action_space is None:
        custom = plan_for(named).notes if named.model_config.get("custom_model") else ()
        return Plan("none", notes=(NO_SPACES, *custom)), ""
    if named.problem and (not named.weights or in_tf_order(named.weights)):
        return Plan("none"), named.problem
    return plan_for(in_torch_terms(named)), named.problem


def plan_for(policy: OldPolicy) -> Plan:
    """Choose the module; DQN's and SAC's nets are told by their parameters' names or settings."""
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
    if is_dqn(policy) or any(name.startswith("advantage_module.") for name in policy.weights):
        return plan_dqn(policy)
    return plan_default(policy)
