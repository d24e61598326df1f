"""Tuple and Dict observations as one flat vector."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.preprocessors.base import Preprocessor
from rlmigrate.legacy.types import Element


class _Flattening(Preprocessor):
    """Preprocess the children, then lay them side by side in the order of the space."""

    keeps_original_space = True

    def _children(self, space: Any) -> list[gym.Space[Any]]:
        raise NotImplementedError

    def _init_shape(self, obs_space: gym.Space[Any], options: dict[str, Any]) -> tuple[int, ...]:
        from rlmigrate.legacy.preprocessors.select import get_preprocessor

        self.preprocessors = [
            get_preprocessor(child)(child, self._options) for child in self._children(obs_space)
        ]
        return (sum(child.size for child in self.preprocessors),)

    def transform(self, observation: Element) -> npt.NDArray[Any]:
        """Give float32[size]."""
        self.check_shape(observation)
        array = np.zeros(self.shape, dtype=np.float32)
        self.write(observation, array, 0)
        return array


class TupleFlatteningPreprocessor(_Flattening):
    """Flatten Tuple observations, one-hot where a part is discrete."""

    def _children(self, space: Any) -> list[gym.Space[Any]]:
        return list(space.spaces)

    def write(self, observation: Element, array: npt.NDArray[Any], offset: int) -> None:
        """Put the parts into `array`, one after the other."""
        if len(observation) != len(self.preprocessors):
            raise ValueError(
                f"observation for {self._obs_space} has {len(observation)} parts, "
                f"expected {len(self.preprocessors)}: {observation!r}"
            )
        for part, child in zip(observation, self.preprocessors, strict=True):
            child.write(part, array, offset)
            offset += child.size


class DictFlatteningPreprocessor(_Flattening):
    """Flatten Dict observations in the order of the space, one-hot where a part is discrete.

    RLlib sorts a plain dict by key but keeps the order of an OrderedDict, and never looks at
    the names: if that order is not the space's, it exchanges parts of equal size without a
    word. Here that is an error.
    """

    def _children(self, space: Any) -> list[gym.Space[Any]]:
        self.keys = list(space.spaces)
        return list(space.spaces.values())

    def write(self, observation: Element, array: npt.NDArray[Any], offset: int) -> None:
        """Put the parts into `array`, in RLlib's order; raise LegacyError if it is not ours."""
        keys = list(observation)
        if not isinstance(observation, OrderedDict):
            keys.sort()
        expected = self.keys
        if keys != expected:
            raise LegacyError(
                f"observation keys would be read in the order {keys}, but the space has them as "
                f"{expected}; RLlib would put each part into the wrong place. Build the space "
                "from a dict with sorted keys, or return an OrderedDict in the space's order"
            )
        for key, child in zip(expected, self.preprocessors, strict=True):
            child.write(observation[key], array, offset)
            offset += child.size
