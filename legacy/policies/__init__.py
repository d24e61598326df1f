"""Policies of the old stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlmigrate.legacy.lazy import lazy_attributes

if TYPE_CHECKING:
    from rlmigrate.legacy.policies.callbacks import DefaultCallbacks
    from rlmigrate.legacy.policies.policy import Policy
    from rlmigrate.legacy.policies.ppo_torch_policy import PPOTorchPolicy
    from rlmigrate.legacy.policies.spec import PolicySpec
    from rlmigrate.legacy.policies.torch_mixins import (
        EntropyCoeffSchedule,
        KLCoeffMixin,
        LearningRateSchedule,
        TargetNetworkMixin,
        ValueNetworkMixin,
    )
    from rlmigrate.legacy.policies.torch_policy_v2 import TorchPolicyV2

_MIXINS = "rlmigrate.legacy.policies.torch_mixins"

__all__ = [
    "DefaultCallbacks",
    "EntropyCoeffSchedule",
    "KLCoeffMixin",
    "LearningRateSchedule",
    "PPOTorchPolicy",
    "Policy",
    "PolicySpec",
    "TargetNetworkMixin",
    "TorchPolicyV2",
    "ValueNetworkMixin",
]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "DefaultCallbacks": "rlmigrate.legacy.policies.callbacks",
        "EntropyCoeffSchedule": _MIXINS,
        "KLCoeffMixin": _MIXINS,
        "LearningRateSchedule": _MIXINS,
        "PPOTorchPolicy": "rlmigrate.legacy.policies.ppo_torch_policy",
        "Policy": "rlmigrate.legacy.policies.policy",
        "PolicySpec": "rlmigrate.legacy.policies.spec",
        "TargetNetworkMixin": _MIXINS,
        "TorchPolicyV2": "rlmigrate.legacy.policies.torch_policy_v2",
        "ValueNetworkMixin": _MIXINS,
    },
)
