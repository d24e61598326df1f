"""Atari frames, cropped and scaled down."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from rlmigrate.errors import MissingDependency
from rlmigrate.legacy.catalog.defaults import MODEL_DEFAULTS
from rlmigrate.legacy.preprocessors.base import Preprocessor
from rlmigrate.legacy.types import Element

ATARI_OBS_SHAPE = (210, 160, 3)


class GenericPixelPreprocessor(Preprocessor):
    """Scale frames of (210, 160, 3) down to `dim` x `dim`, optionally grey, and centre them.

    The model config's `dim`, `grayscale` and `zero_mean` are read. With `zero_mean`, black
    is -1 and white nearly 1; without, they are 0 and 1.
    """

    keeps_original_space = True

    def _init_shape(self, obs_space: gym.Space[Any], options: dict[str, Any]) -> tuple[int, ...]:
        settings = {**MODEL_DEFAULTS, **options}
        self._grayscale = bool(settings["grayscale"])
        self._zero_mean = bool(settings["zero_mean"])
        self._dim = int(settings["dim"])
        return (self._dim, self._dim, 1 if self._grayscale else 3)

    def transform(self, observation: Element) -> npt.NDArray[Any]:
        """Give float[dim, dim, 1 or 3]; float frames keep their dtype, others become float32."""
        self.check_shape(observation)
        frame = observation[25:-25, :, :]
        if self._dim < 84:
            # Twice halved keeps pixels that one big step would lose.
            frame = resize(frame, height=84, width=84)
        frame = resize(frame, height=self._dim, width=self._dim)
        if self._grayscale:
            frame = frame.mean(2).astype(np.float32).reshape(self._dim, self._dim, 1)
        # RLlib computes on in uint8: black - 128 wraps around to +1, and without zero_mean it
        # raises. Floats are meant.
        if not np.issubdtype(frame.dtype, np.floating):
            frame = frame.astype(np.float32)
        if self._zero_mean:
            return np.asarray((frame - 128) / 128)
        return np.asarray(frame * (1.0 / 255.0))


def resize(image: npt.NDArray[Any], *, height: int, width: int) -> npt.NDArray[Any]:
    """Scale an image of [H, W, C] by averaging over areas."""
    try:
        import cv2
    except ImportError as error:
        raise MissingDependency("OpenCV", extra="atari", purpose="scaling Atari frames") from error
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
