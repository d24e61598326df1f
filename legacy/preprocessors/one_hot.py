"""One-hot vectors for Discrete and MultiDiscrete."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from rlmigrate.legacy.preprocessors.base import Preprocessor
from rlmigrate.legacy.types import Element


class OneHotPreprocessor(Preprocessor):
    """Encode Discrete and MultiDiscrete observations as (concatenated) one-hot vectors.

    >>> OneHotPreprocessor(gym.spaces.Discrete(3, start=5)).transform(6)
    array([0., 1., 0.], dtype=float32)
    """

    keeps_original_space = True

    def _init_shape(self, obs_space: gym.Space[Any], options: dict[str, Any]) -> tuple[int, ...]:
        if isinstance(obs_space, gym.spaces.Discrete):
            return (int(obs_space.n),)
        assert isinstance(obs_space, gym.spaces.MultiDiscrete)
        return (int(np.sum(obs_space.nvec)),)

    def transform(self, observation: Element) -> npt.NDArray[Any]:
        """Give a float32 vector with ones at the places of the values."""
        self.check_shape(observation)
        flat = gym.spaces.utils.flatten(self._obs_space, observation)
        return np.asarray(flat, dtype=np.float32)
