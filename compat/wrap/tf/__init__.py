"""Legacy TensorFlow models as TfRLModules of the builtin stack (Ray's new stack has no TF)."""

from __future__ import annotations

from rlmigrate.compat.wrap.tf.module import WrappedTfModel
from rlmigrate.compat.wrap.tf.q_module import WrappedTfQModel
from rlmigrate.compat.wrap.tf.sac_module import WrappedTfSacModel

__all__ = ["WrappedTfModel", "WrappedTfQModel", "WrappedTfSacModel"]
