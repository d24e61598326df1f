"""Models of the old stack, and the layers they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlmigrate.legacy.lazy import lazy_attributes

if TYPE_CHECKING:
    from rlmigrate.legacy.catalog.catalog import ModelCatalog
    from rlmigrate.legacy.models.fcnet import FullyConnectedNetwork
    from rlmigrate.legacy.models.misc import SlimConv2d, SlimFC, normc_initializer
    from rlmigrate.legacy.models.modelv2 import ModelV2
    from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2

__all__ = [
    "FullyConnectedNetwork",
    "ModelCatalog",
    "ModelV2",
    "SlimConv2d",
    "SlimFC",
    "TorchModelV2",
    "normc_initializer",
]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "FullyConnectedNetwork": "rlmigrate.legacy.models.fcnet",
        "ModelCatalog": "rlmigrate.legacy.catalog.catalog",
        "ModelV2": "rlmigrate.legacy.models.modelv2",
        "SlimConv2d": "rlmigrate.legacy.models.misc",
        "SlimFC": "rlmigrate.legacy.models.misc",
        "TorchModelV2": "rlmigrate.legacy.models.torch_modelv2",
        "normc_initializer": "rlmigrate.legacy.models.misc",
    },
)
