"""Observations that models take as they are."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from rlmigrate.errors import UnsupportedSpace
from rlmigrate.legacy.preprocessors.base import Preprocessor
from rlmigrate.legacy.types import Element


class NoPreprocessor(Preprocessor):
    """Pass observations on unchanged, dtype included."""

    def _init_shape(self, obs_space: gym.Space[Any], options: dict[str, Any]) -> tuple[int, ...]:
        shape = obs_space.shape
        if shape is None:
            raise UnsupportedSpace(
                f"observations of {obs_space} have no fixed shape, and no preprocessor is known "
                "for them; encode them in a wrapper of the environment"
            )
        return shape

    def transform(self, observation: Element) -> npt.NDArray[Any]:
        """Give the observation itself."""
        self.check_shape(observation)
        return observation  # type: ignore[no-any-return]

    def write(self, observation: Element, array: npt.NDArray[Any], offset: int) -> None:
        """Put the flattened observation into `array`; it is not checked."""
        # RLlib says np.array(copy=False), which numpy 2 refuses for lists.
        array[offset : offset + self._size] = np.asarray(observation).ravel()

    @property
    def observation_space(self) -> gym.Space[Any]:
        """Give the environment's own space."""
        return self._obs_space  # type: ignore[no-any-return]
