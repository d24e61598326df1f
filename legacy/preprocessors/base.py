"""The base of all preprocessors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from rlmigrate.legacy.catalog.defaults import MODEL_DEFAULTS
from rlmigrate.legacy.preprocessors.validate import check_observation
from rlmigrate.legacy.types import Element

# Observations are compared with their space on every n-th call only, as RLlib does.
OBS_VALIDATION_INTERVAL = 100


class Preprocessor:
    """Turn an observation into an array of a fixed shape.

    A subclass gives `_init_shape` and `transform`. `keeps_original_space` says whether
    `observation_space` carries the old space as `.original_space`, by which models find
    the way back.
    """

    keeps_original_space = False

    def __init__(self, obs_space: gym.Space[Any], options: Mapping[str, Any] | None = None) -> None:
        self._obs_space: Any = obs_space
        self._options: Mapping[str, Any] = options or MODEL_DEFAULTS
        self.shape: tuple[int, ...] = tuple(self._init_shape(obs_space, dict(self._options)))
        self._size = int(np.prod(self.shape))
        self._i = 0

    def _init_shape(self, obs_space: gym.Space[Any], options: dict[str, Any]) -> tuple[int, ...]:
        raise NotImplementedError(f"{type(self).__name__} must implement _init_shape()")

    def transform(self, observation: Element) -> npt.NDArray[Any]:
        """Give the preprocessed observation, of shape `self.shape`."""
        raise NotImplementedError(f"{type(self).__name__} must implement transform()")

    def write(self, observation: Element, array: npt.NDArray[Any], offset: int) -> None:
        """Put the preprocessed observation into `array`, from `offset` on."""
        array[offset : offset + self._size] = np.asarray(self.transform(observation)).ravel()

    def check_shape(self, observation: Element) -> None:
        """Raise ValueError if the observation lies outside the space; looks at every 100th."""
        if self._i % OBS_VALIDATION_INTERVAL == 0:
            check_observation(self._obs_space, observation)
        self._i += 1

    @property
    def size(self) -> int:
        """Count the numbers in a preprocessed observation."""
        return self._size

    @property
    def observation_space(self) -> gym.Space[Any]:
        """Describe the preprocessed observation; the bounds are nominal."""
        space: Any = gym.spaces.Box(-1.0, 1.0, self.shape, dtype=np.float32)
        if self.keeps_original_space:
            space.original_space = self._obs_space
        return space  # type: ignore[no-any-return]
