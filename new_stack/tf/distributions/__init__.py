"""Action distributions for TF modules; they need no tensorflow_probability."""

from __future__ import annotations

from rlmigrate.new_stack.tf.distributions.base import TfDistribution
from rlmigrate.new_stack.tf.distributions.categorical import TfCategorical
from rlmigrate.new_stack.tf.distributions.deterministic import TfDeterministic
from rlmigrate.new_stack.tf.distributions.diag_gaussian import TfDiagGaussian
from rlmigrate.new_stack.tf.distributions.for_space import dist_cls_for
from rlmigrate.new_stack.tf.distributions.multi import TfMultiDistribution
from rlmigrate.new_stack.tf.distributions.multi_categorical import TfMultiCategorical
from rlmigrate.new_stack.tf.distributions.squashed_gaussian import TfSquashedGaussian

__all__ = [
    "TfCategorical",
    "TfDeterministic",
    "TfDiagGaussian",
    "TfDistribution",
    "TfMultiCategorical",
    "TfMultiDistribution",
    "TfSquashedGaussian",
    "dist_cls_for",
]
