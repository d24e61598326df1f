"""The RLModule stack for TensorFlow, which Ray had up to 2.47: modules, nets, distributions.

Every module here imports TensorFlow; `import rlmigrate.new_stack` does not import this package.
Written after Ray 2.35's behaviour, for Ray 2.60 has no TF on the new stack to compare with.
"""

from __future__ import annotations

from rlmigrate.new_stack.tf.bc import DefaultBCTfRLModule, DiscreteBCTFModule
from rlmigrate.new_stack.tf.distributions import (
    TfBeta,
    TfCategorical,
    TfCategoricalWithTemperature,
    TfDeterministic,
    TfDiagGaussian,
    TfDirichlet,
    TfDistribution,
    TfIntegerBox,
    TfMultiCategorical,
    TfMultiDistribution,
    TfOldSquashedGaussian,
    TfSquashedGaussian,
    dist_cls_for,
    integer_box_dist_cls,
)
from rlmigrate.new_stack.tf.ppo import DefaultPPOTfRLModule
from rlmigrate.new_stack.tf.recurrent import RecurrentEncoder
from rlmigrate.new_stack.tf.tf_rl_module import TfRLModule

__all__ = [
    "DefaultBCTfRLModule",
    "DefaultPPOTfRLModule",
    "DiscreteBCTFModule",
    "RecurrentEncoder",
    "TfBeta",
    "TfCategorical",
    "TfCategoricalWithTemperature",
    "TfDeterministic",
    "TfDiagGaussian",
    "TfDirichlet",
    "TfDistribution",
    "TfIntegerBox",
    "TfMultiCategorical",
    "TfMultiDistribution",
    "TfOldSquashedGaussian",
    "TfRLModule",
    "TfSquashedGaussian",
    "dist_cls_for",
    "integer_box_dist_cls",
]
