"""Action distributions of the old stack: what a model's outputs say about actions.

Each is made from (inputs, model) and gives `sample`, `deterministic_sample`, `logp`,
`sampled_action_logp`, `entropy` and `kl`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlmigrate.legacy.distributions.base import ActionDistribution
from rlmigrate.legacy.lazy import lazy_attributes

if TYPE_CHECKING:
    from rlmigrate.legacy.distributions.beta import TorchBeta
    from rlmigrate.legacy.distributions.categorical import (
        TorchCategorical,
        get_torch_categorical_class_with_temperature,
    )
    from rlmigrate.legacy.distributions.deterministic import TorchDeterministic
    from rlmigrate.legacy.distributions.diag_gaussian import TorchDiagGaussian
    from rlmigrate.legacy.distributions.dirichlet import TorchDirichlet
    from rlmigrate.legacy.distributions.multi_action import TorchMultiActionDistribution
    from rlmigrate.legacy.distributions.multi_categorical import TorchMultiCategorical
    from rlmigrate.legacy.distributions.slate_multi_categorical import TorchSlateMultiCategorical
    from rlmigrate.legacy.distributions.squashed_gaussian import TorchSquashedGaussian
    from rlmigrate.legacy.distributions.torch_wrapper import TorchDistributionWrapper

__all__ = [
    "ActionDistribution",
    "TorchBeta",
    "TorchCategorical",
    "TorchDeterministic",
    "TorchDiagGaussian",
    "TorchDirichlet",
    "TorchDistributionWrapper",
    "TorchMultiActionDistribution",
    "TorchMultiCategorical",
    "TorchSlateMultiCategorical",
    "TorchSquashedGaussian",
    "get_torch_categorical_class_with_temperature",
]

_HERE = "rlmigrate.legacy.distributions"

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "TorchBeta": f"{_HERE}.beta",
        "TorchCategorical": f"{_HERE}.categorical",
        "TorchDeterministic": f"{_HERE}.deterministic",
        "TorchDiagGaussian": f"{_HERE}.diag_gaussian",
        "TorchDirichlet": f"{_HERE}.dirichlet",
        "TorchDistributionWrapper": f"{_HERE}.torch_wrapper",
        "TorchMultiActionDistribution": f"{_HERE}.multi_action",
        "TorchMultiCategorical": f"{_HERE}.multi_categorical",
        "TorchSlateMultiCategorical": f"{_HERE}.slate_multi_categorical",
        "TorchSquashedGaussian": f"{_HERE}.squashed_gaussian",
        "get_torch_categorical_class_with_temperature": f"{_HERE}.categorical",
    },
)
