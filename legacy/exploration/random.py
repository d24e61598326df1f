"""Uniformly random actions."""

from __future__ import annotations

from typing import Any

import numpy as np
import tree

from rlmigrate.legacy.exploration.base import Exploration
from rlmigrate.legacy.spaces import base_struct
from rlmigrate.legacy.types import Tensor, TensorStruct


class Random(Exploration):
    """Sample the action space while exploring, else take the likeliest action; logp is 0."""

    def __init__(self, action_space: Any, **kwargs: Any) -> None:
        super().__init__(action_space, **kwargs)
        self.action_space_struct = base_struct(action_space)

    def get_exploration_action(
        self, *, action_distribution: Any, timestep: Any, explore: bool = True
    ) -> tuple[TensorStruct, Tensor]:
        """Sample one action per row of the distribution's inputs."""
        inputs = action_distribution.inputs
        if not explore:
            action = action_distribution.deterministic_sample()
        else:
            samples = [self.action_space.sample() for _ in range(inputs.shape[0])]
            # RLlib stacks the samples themselves, which fails for Tuple and Dict.
            action = tree.map_structure(lambda *s: self._tensor(np.stack(s)), *samples)
        return action, self.zero_logp(inputs.shape[0])

    def _tensor(self, array: Any) -> Tensor:
        if self.framework == "torch":
            import torch

            return torch.from_numpy(array).to(self.device)
        import tensorflow as tf

        return tf.convert_to_tensor(array)

    def zero_logp(self, rows: int) -> Tensor:
        """Give zeros [rows]."""
        if self.framework == "torch":
            import torch

            return torch.zeros(rows, dtype=torch.float32, device=self.device)
        import tensorflow as tf

        return tf.zeros([rows], tf.float32)
