"""Legacy TensorFlow models as TfRLModules of the builtin stack (Ray's new stack has no TF)."""

from __future__ import annotations

from rlmigrate.compat.wrap.tf.module import WrappedTfModel

__all__ = ["WrappedTfModel"]
