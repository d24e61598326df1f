"""What the old stack does to observations before a model sees them.

- `Preprocessor`: the base class.
- `OneHotPreprocessor`, `TupleFlatteningPreprocessor`, `DictFlatteningPreprocessor`,
  `RepeatedValuesPreprocessor`, `MultiBinaryPreprocessor`, `GenericPixelPreprocessor`,
  `AtariRamPreprocessor`, `NoPreprocessor`: one for each kind of space.
- `get_preprocessor`: which of them serves a space.
- `restore_original_dimensions`, `RepeatedValues`: the way back, inside the model.
"""

from __future__ import annotations

from rlmigrate.legacy.preprocessors.atari_ram import ATARI_RAM_OBS_SHAPE, AtariRamPreprocessor
from rlmigrate.legacy.preprocessors.base import OBS_VALIDATION_INTERVAL, Preprocessor
from rlmigrate.legacy.preprocessors.generic_pixel import ATARI_OBS_SHAPE, GenericPixelPreprocessor
from rlmigrate.legacy.preprocessors.multi_binary import MultiBinaryPreprocessor
from rlmigrate.legacy.preprocessors.nested import (
    DictFlatteningPreprocessor,
    TupleFlatteningPreprocessor,
)
from rlmigrate.legacy.preprocessors.no_preprocessor import NoPreprocessor
from rlmigrate.legacy.preprocessors.one_hot import OneHotPreprocessor
from rlmigrate.legacy.preprocessors.repeated import RepeatedValuesPreprocessor
from rlmigrate.legacy.preprocessors.repeated_values import RepeatedValues
from rlmigrate.legacy.preprocessors.restore import restore_original_dimensions
from rlmigrate.legacy.preprocessors.select import get_preprocessor

__all__ = [
    "ATARI_OBS_SHAPE",
    "ATARI_RAM_OBS_SHAPE",
    "OBS_VALIDATION_INTERVAL",
    "AtariRamPreprocessor",
    "DictFlatteningPreprocessor",
    "GenericPixelPreprocessor",
    "MultiBinaryPreprocessor",
    "NoPreprocessor",
    "OneHotPreprocessor",
    "Preprocessor",
    "RepeatedValues",
    "RepeatedValuesPreprocessor",
    "TupleFlatteningPreprocessor",
    "get_preprocessor",
    "restore_original_dimensions",
]
