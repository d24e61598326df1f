"""Action distributions of the old stack for TensorFlow; eager, on Keras 3 and legacy Keras.

They need TensorFlow only: RLlib's SquashedGaussian, Beta and GumbelSoftmax ask for
tensorflow_probability, these compute the same densities themselves.
"""

from __future__ import annotations

from rlmigrate.legacy.distributions.tf.base import TFActionDistribution
from rlmigrate.legacy.distributions.tf.beta import Beta
from rlmigrate.legacy.distributions.tf.categorical import (
    Categorical,
    get_categorical_class_with_temperature,
)
from rlmigrate.legacy.distributions.tf.deterministic import Deterministic
from rlmigrate.legacy.distributions.tf.diag_gaussian import DiagGaussian
from rlmigrate.legacy.distributions.tf.dirichlet import Dirichlet
from rlmigrate.legacy.distributions.tf.gumbel_softmax import GumbelSoftmax
from rlmigrate.legacy.distributions.tf.multi_action import MultiActionDistribution
from rlmigrate.legacy.distributions.tf.multi_categorical import MultiCategorical
from rlmigrate.legacy.distributions.tf.slate_multi_categorical import SlateMultiCategorical
from rlmigrate.legacy.distributions.tf.squashed_gaussian import SquashedGaussian

__all__ = [
    "Beta",
    "Categorical",
    "Deterministic",
    "DiagGaussian",
    "Dirichlet",
    "GumbelSoftmax",
    "MultiActionDistribution",
    "MultiCategorical",
    "SlateMultiCategorical",
    "SquashedGaussian",
    "TFActionDistribution",
    "get_categorical_class_with_temperature",
]
