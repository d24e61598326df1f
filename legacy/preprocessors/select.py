"""Which preprocessor serves a space."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from rlmigrate.legacy.preprocessors.atari_ram import ATARI_RAM_OBS_SHAPE, AtariRamPreprocessor
from rlmigrate.legacy.preprocessors.base import Preprocessor
from rlmigrate.legacy.preprocessors.generic_pixel import ATARI_OBS_SHAPE, GenericPixelPreprocessor
from rlmigrate.legacy.preprocessors.multi_binary import MultiBinaryPreprocessor
from rlmigrate.legacy.preprocessors.nested import (
    DictFlatteningPreprocessor,
    TupleFlatteningPreprocessor,
)
from rlmigrate.legacy.preprocessors.no_preprocessor import NoPreprocessor
from rlmigrate.legacy.preprocessors.one_hot import OneHotPreprocessor
from rlmigrate.legacy.preprocessors.repeated import RepeatedValuesPreprocessor


def get_preprocessor(
    space: gym.Space[Any],
    include_multi_binary: bool = False,
) -> type[Preprocessor]:
    """Name the preprocessor class that RLlib picks for a space.

    >>> get_preprocessor(gym.spaces.Discrete(3)).__name__
    'OneHotPreprocessor'
    """
    if isinstance(space, gym.spaces.Discrete | gym.spaces.MultiDiscrete):
        return OneHotPreprocessor
    if space.shape == ATARI_OBS_SHAPE:
        return GenericPixelPreprocessor
    if space.shape == ATARI_RAM_OBS_SHAPE:
        return AtariRamPreprocessor
    if isinstance(space, gym.spaces.Tuple):
        return TupleFlatteningPreprocessor
    if isinstance(space, gym.spaces.Dict):
        return DictFlatteningPreprocessor
    # By name too: a space written for Ray's own class is served as well.
    if type(space).__name__ == "Repeated" and hasattr(space, "child_space"):
        return RepeatedValuesPreprocessor
    if include_multi_binary and isinstance(space, gym.spaces.MultiBinary):
        return MultiBinaryPreprocessor
    return NoPreprocessor
