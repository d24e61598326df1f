"""Lists of elements, padded."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rlmigrate.legacy.preprocessors.base import Preprocessor
from rlmigrate.legacy.types import Element


class RepeatedValuesPreprocessor(Preprocessor):
    """Flatten a `Repeated` observation to [length, first, second, ..., zeros]."""

    keeps_original_space = True

    def _init_shape(self, obs_space: Any, options: dict[str, Any]) -> tuple[int, ...]:
        from rlmigrate.legacy.preprocessors.select import get_preprocessor

        self.max_len = int(obs_space.max_len)
        child = obs_space.child_space
        self.child_preprocessor = get_preprocessor(child)(child, self._options)
        return (1 + self.child_preprocessor.size * self.max_len,)

    def transform(self, observation: Element) -> npt.NDArray[Any]:
        """Give float64[1 + max_len * child size], as RLlib does at the top level."""
        array = np.zeros(self.shape)
        if isinstance(observation, list):
            for element in observation:
                self.child_preprocessor.check_shape(element)
        self.write(observation, array, 0)
        return array

    def write(self, observation: Element, array: npt.NDArray[Any], offset: int) -> None:
        """Put the length and the elements into `array`."""
        if not isinstance(observation, list | np.ndarray):
            raise ValueError(
                f"observation for {self._obs_space} must be a list, got {observation!r}"
            )
        if len(observation) > self.max_len:
            raise ValueError(
                f"observation has {len(observation)} elements, but {self._obs_space} takes at "
                f"most {self.max_len}: {observation!r}"
            )
        array[offset] = len(observation)
        size = self.child_preprocessor.size
        for index, element in enumerate(observation):
            self.child_preprocessor.write(element, array, offset + 1 + index * size)
