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
"""

from __future__ import annotations

from rlmigrate.new_stack.distributions.categorical import TorchCategorical
from rlmigrate.new_stack.distributions.deterministic import TorchDeterministic
from rlmigrate.new_stack.distributions.diag_gaussian import TorchDiagGaussian
from rlmigrate.new_stack.distributions.distribution import Distribution
from rlmigrate.new_stack.distributions.for_space import dist_cls_for
from rlmigrate.new_stack.distributions.multi import TorchMultiDistribution
from rlmigrate.new_stack.distributions.multi_categorical import TorchMultiCategorical
from rlmigrate.new_stack.distributions.squashed_gaussian import TorchSquashedGaussian
from rlmigrate.new_stack.distributions.torch_distribution import TorchDistribution

__all__ = [
    "Distribution",
    "TorchCategorical",
    "TorchDeterministic",
    "TorchDiagGaussian",
    "TorchDistribution",
    "TorchMultiCategorical",
    "TorchMultiDistribution",
    "TorchSquashedGaussian",
    "dist_cls_for",
]
