"""Policies around TF models, which run eagerly."""

from __future__ import annotations

from rlmigrate.legacy.policies.tf.builder import build_tf_policy
from rlmigrate.legacy.policies.tf.eager_tf_policy_v2 import EagerTFPolicyV2

__all__ = ["EagerTFPolicyV2", "build_tf_policy"]
