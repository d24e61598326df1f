"""MultiBinary observations as floats."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from rlmigrate.legacy.preprocessors.base import Preprocessor
from rlmigrate.legacy.types import Element


class MultiBinaryPreprocessor(Preprocessor):
    """Turn a MultiBinary space into a Box of zeros and ones; used only where asked for."""

    def _init_shape(self, obs_space: gym.Space[Any], options: dict[str, Any]) -> tuple[int, ...]:
        assert obs_space.shape is not None
        return obs_space.shape

    def transform(self, observation: Element) -> npt.NDArray[Any]:
        """Give the observation as float32, in its own shape."""
        self.check_shape(observation)
        return np.asarray(observation).astype(np.float32)

    @property
    def observation_space(self) -> gym.Space[Any]:
        """Describe the floats; `.original_space` is the MultiBinary."""
        space: Any = gym.spaces.Box(0.0, 1.0, self.shape, dtype=np.float32)
        space.original_space = self._obs_space
        return space  # type: ignore[no-any-return]
