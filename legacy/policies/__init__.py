"""Policies of the old stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlmigrate.legacy.lazy import lazy_attributes

if TYPE_CHECKING:
    from rlmigrate.legacy.policies.builder import (
        add_mixins,
        build_policy_class,
        build_torch_policy,
    )
    from rlmigrate.legacy.policies.callbacks import DefaultCallbacks
    from rlmigrate.legacy.policies.dqn_torch_policy import DQNTorchPolicy
    from rlmigrate.legacy.policies.policy import Policy
    from rlmigrate.legacy.policies.ppo_torch_policy import PPOTorchPolicy
    from rlmigrate.legacy.policies.sac_torch_policy import SACTorchPolicy
    from rlmigrate.legacy.policies.spec import PolicySpec
    from rlmigrate.legacy.policies.torch_mixins import (
        EntropyCoeffSchedule,
        KLCoeffMixin,
        LearningRateSchedule,
        TargetNetworkMixin,
        ValueNetworkMixin,
    )
    from rlmigrate.legacy.policies.torch_policy import TorchPolicy
    from rlmigrate.legacy.policies.torch_policy_v2 import TorchPolicyV2

_MIXINS = "rlmigrate.legacy.policies.torch_mixins"

__all__ = [
    "DQNTorchPolicy",
    "DefaultCallbacks",
    "EntropyCoeffSchedule",
    "KLCoeffMixin",
    "LearningRateSchedule",
    "PPOTorchPolicy",
    "Policy",
    "PolicySpec",
    "SACTorchPolicy",
    "TargetNetworkMixin",
    "TorchPolicy",
    "TorchPolicyV2",
    "ValueNetworkMixin",
    "add_mixins",
    "build_policy_class",
    "build_torch_policy",
]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "DQNTorchPolicy": "rlmigrate.legacy.policies.dqn_torch_policy",
        "DefaultCallbacks": "rlmigrate.legacy.policies.callbacks",
        "EntropyCoeffSchedule": _MIXINS,
        "KLCoeffMixin": _MIXINS,
        "LearningRateSchedule": _MIXINS,
        "PPOTorchPolicy": "rlmigrate.legacy.policies.ppo_torch_policy",
        "Policy": "rlmigrate.legacy.policies.policy",
        "PolicySpec": "rlmigrate.legacy.policies.spec",
        "SACTorchPolicy": "rlmigrate.legacy.policies.sac_torch_policy",
        "TargetNetworkMixin": _MIXINS,
        "TorchPolicy": "rlmigrate.legacy.policies.torch_policy",
        "TorchPolicyV2": "rlmigrate.legacy.policies.torch_policy_v2",
        "ValueNetworkMixin": _MIXINS,
        "add_mixins": "rlmigrate.legacy.policies.builder",
        "build_policy_class": "rlmigrate.legacy.policies.builder",
        "build_torch_policy": "rlmigrate.legacy.policies.builder",
    },
)
