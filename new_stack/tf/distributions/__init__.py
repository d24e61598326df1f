"""Action distributions for TF modules; they need no tensorflow_probability.

base               TfDistribution, what all share
categorical        TfCategorical
diag_gaussian      TfDiagGaussian
squashed_gaussian  TfSquashedGaussian
deterministic      TfDeterministic
multi_categorical  TfMultiCategorical
multi              TfMultiDistribution
for_space          dist_cls_for: the class that serves an action space

Those that only the old stack had, with the old numbers:
beta               TfBeta
dirichlet          TfDirichlet
categorical_with_temperature    TfCategoricalWithTemperature
old_squashed_gaussian           TfOldSquashedGaussian
integer_box        TfIntegerBox, integer_box_dist_cls
"""

from __future__ import annotations

from rlmigrate.new_stack.tf.distributions.base import TfDistribution
from rlmigrate.new_stack.tf.distributions.beta import TfBeta
from rlmigrate.new_stack.tf.distributions.categorical import TfCategorical
from rlmigrate.new_stack.tf.distributions.categorical_with_temperature import (
    TfCategoricalWithTemperature,
)
from rlmigrate.new_stack.tf.distributions.deterministic import TfDeterministic
from rlmigrate.new_stack.tf.distributions.diag_gaussian import TfDiagGaussian
from rlmigrate.new_stack.tf.distributions.dirichlet import TfDirichlet
from rlmigrate.new_stack.tf.distributions.for_space import dist_cls_for
from rlmigrate.new_stack.tf.distributions.integer_box import TfIntegerBox, integer_box_dist_cls
from rlmigrate.new_stack.tf.distributions.multi import TfMultiDistribution
from rlmigrate.new_stack.tf.distributions.multi_categorical import TfMultiCategorical
from rlmigrate.new_stack.tf.distributions.old_squashed_gaussian import TfOldSquashedGaussian
from rlmigrate.new_stack.tf.distributions.squashed_gaussian import TfSquashedGaussian

__all__ = [
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
    "TfSquashedGaussian",
    "dist_cls_for",
    "integer_box_dist_cls",
]
