"""Action distributions in torch, one per file.

distribution       Distribution, the interface
torch_distribution TorchDistribution, over a torch.distributions one
categorical        TorchCategorical
diag_gaussian      TorchDiagGaussian
squashed_gaussian  TorchSquashedGaussian
deterministic      TorchDeterministic
multi_categorical  TorchMultiCategorical
multi              TorchMultiDistribution
for_space          dist_cls_for: the class that serves an action space

Those that only the old stack had, with the old numbers:
beta               TorchBeta
dirichlet          TorchDirichlet
categorical_with_temperature    TorchCategoricalWithTemperature
old_squashed_gaussian           TorchOldSquashedGaussian
integer_box        TorchIntegerBox, integer_box_dist_cls
"""

from __future__ import annotations

from rlmigrate.new_stack.distributions.beta import TorchBeta
from rlmigrate.new_stack.distributions.categorical import TorchCategorical
from rlmigrate.new_stack.distributions.categorical_with_temperature import (
    TorchCategoricalWithTemperature,
)
from rlmigrate.new_stack.distributions.deterministic import TorchDeterministic
from rlmigrate.new_stack.distributions.diag_gaussian import TorchDiagGaussian
from rlmigrate.new_stack.distributions.dirichlet import TorchDirichlet
from rlmigrate.new_stack.distributions.distribution import Distribution
from rlmigrate.new_stack.distributions.for_space import dist_cls_for
from rlmigrate.new_stack.distributions.integer_box import TorchIntegerBox, integer_box_dist_cls
from rlmigrate.new_stack.distributions.multi import TorchMultiDistribution
from rlmigrate.new_stack.distributions.multi_categorical import TorchMultiCategorical
from rlmigrate.new_stack.distributions.old_squashed_gaussian import TorchOldSquashedGaussian
from rlmigrate.new_stack.distributions.squashed_gaussian import TorchSquashedGaussian
from rlmigrate.new_stack.distributions.torch_distribution import TorchDistribution

__all__ = [
    "Distribution",
    "TorchBeta",
    "TorchCategorical",
    "TorchCategoricalWithTemperature",
    "TorchDeterministic",
    "TorchDiagGaussian",
    "TorchDirichlet",
    "TorchDistribution",
    "TorchIntegerBox",
    "TorchMultiCategorical",
    "TorchMultiDistribution",
    "TorchOldSquashedGaussian",
    "TorchSquashedGaussian",
    "dist_cls_for",
    "integer_box_dist_cls",
]
