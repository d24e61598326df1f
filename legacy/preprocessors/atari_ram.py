"""Atari RAM observations, centred."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from rlmigrate.legacy.preprocessors.base import Preprocessor
from rlmigrate.legacy.types import Element

ATARI_RAM_OBS_SHAPE = (128,)


class AtariRamPreprocessor(Preprocessor):
    """Map bytes to [-1, 1] by (x - 128) / 128.

    RLlib picks it for every Box of shape (128,), Atari or not, and so do we: the old
    weights were trained on these numbers.
    """

    keeps_original_space = True

    def _init_shape(self, obs_space: gym.Space[Any], options: dict[str, Any]) -> tuple[int, ...]:
        return ATARI_RAM_OBS_SHAPE

    def transform(self, observation: Element) -> npt.NDArray[Any]:
        """Give float32[128]."""
        self.check_shape(observation)
        centred = (np.asarray(observation).astype(np.float32) - 128) / 128
        return np.asarray(centred, dtype=np.float32)
