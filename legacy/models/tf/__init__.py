"""Models of the old stack for TensorFlow; eager, on Keras 3 and legacy Keras.

Legacy Keras is what `TF_USE_LEGACY_KERAS=1` selects before TensorFlow is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlmigrate.legacy.lazy import lazy_attributes

if TYPE_CHECKING:
    from rlmigrate.legacy.models.tf.complex_input_net import ComplexInputNetwork
    from rlmigrate.legacy.models.tf.fcnet import FullyConnectedNetwork
    from rlmigrate.legacy.models.tf.lstm_wrapper import LSTMWrapper
    from rlmigrate.legacy.models.tf.misc import normc_initializer
    from rlmigrate.legacy.models.tf.recurrent_net import RecurrentNetwork
    from rlmigrate.legacy.models.tf.tf_modelv2 import TFModelV2
    from rlmigrate.legacy.models.tf.visionnet import VisionNetwork

__all__ = [
    "ComplexInputNetwork",
    "FullyConnectedNetwork",
    "LSTMWrapper",
    "RecurrentNetwork",
    "TFModelV2",
    "VisionNetwork",
    "normc_initializer",
]

_HERE = "rlmigrate.legacy.models.tf"

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "ComplexInputNetwork": f"{_HERE}.complex_input_net",
        "FullyConnectedNetwork": f"{_HERE}.fcnet",
        "LSTMWrapper": f"{_HERE}.lstm_wrapper",
        "RecurrentNetwork": f"{_HERE}.recurrent_net",
        "TFModelV2": f"{_HERE}.tf_modelv2",
        "VisionNetwork": f"{_HERE}.visionnet",
        "normc_initializer": f"{_HERE}.misc",
    },
)
