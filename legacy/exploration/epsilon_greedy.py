"""Random actions with a probability that decays over time."""

from __future__ import annotations

import random
from typing import Any

import tree

from rlmigrate.legacy.exploration.base import Exploration
from rlmigrate.legacy.types import Tensor, TensorStruct
from rlmigrate.legacy.utils.schedules import PiecewiseSchedule, schedule_from

# Logits at or below this mark actions that are not allowed.
FLOAT_MIN = -3.4e38


class EpsilonGreedy(Exploration):
    """Take a random allowed action with probability epsilon, else the best one.

    Epsilon stays at `initial_epsilon` for `warmup_timesteps`, then goes to `final_epsilon`
    within `epsilon_timesteps`, unless `epsilon_schedule` is given.
    """

    def __init__(
        self,
        action_space: Any,
        *,
        initial_epsilon: float = 1.0,
        final_epsilon: float = 0.05,
        warmup_timesteps: int = 0,
        epsilon_timesteps: int = 100_000,
        epsilon_schedule: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(action_space, **kwargs)
        points = [
            (0, initial_epsilon),
            (warmup_timesteps, initial_epsilon),
            (warmup_timesteps + epsilon_timesteps, final_epsilon),
        ]
        self.epsilon_schedule: Any = schedule_from(epsilon_schedule) or PiecewiseSchedule(
            points, outside_value=final_epsilon
        )
        self.last_timestep: Any = 0

    def get_exploration_action(
        self, *, action_distribution: Any, timestep: Any, explore: bool = True
    ) -> tuple[TensorStruct, Tensor]:
        """Give actions, and zeros for their log-probabilities."""
        if timestep is not None:
            self.last_timestep = timestep
        if self.framework != "torch":
            return self._in_tf(action_distribution, explore=explore)
        import torch

        q_values = action_distribution.inputs
        best = action_distribution.deterministic_sample()
        logp = torch.zeros(q_values.shape[0])
        if not explore:
            return best, logp
        epsilon = self.epsilon_schedule(self.last_timestep)
        if hasattr(action_distribution, "flat_child_distributions"):
            return self._nested(best, epsilon, q_values.shape[0]), logp
        allowed = torch.where(q_values <= FLOAT_MIN, 0.0, torch.ones_like(q_values))
        chosen = torch.squeeze(torch.multinomial(allowed, 1), dim=1)
        dice = torch.empty(q_values.shape[0]).uniform_().to(self.device)
        return torch.where(dice < epsilon, chosen, best), logp

    def _in_tf(self, action_distribution: Any, *, explore: bool) -> tuple[TensorStruct, Tensor]:
        """Do the same in TF; structured actions are for torch."""
        import tensorflow as tf

        q_values, best = action_distribution.inputs, action_distribution.deterministic_sample()
        logp = tf.zeros_like(best, dtype=tf.float32)
        if not explore:
            return best, logp
        forbidden = tf.equal(q_values, tf.float32.min)
        allowed = tf.where(forbidden, tf.float32.min, tf.ones_like(q_values))
        chosen = tf.squeeze(tf.random.categorical(allowed, 1), axis=1)
        dice = tf.random.uniform(tf.shape(q_values)[:1])
        epsilon = self.epsilon_schedule(self.last_timestep)
        return tf.where(dice < epsilon, tf.cast(chosen, best.dtype), best), logp

    def _nested(self, best: TensorStruct, epsilon: float, rows: int) -> TensorStruct:
        import torch

        parts = tree.flatten(best)
        for row in range(rows):
            if random.random() < epsilon:
                sample = tree.flatten(self.action_space.sample())
                for part, value in zip(parts, sample, strict=True):
                    part[row] = torch.as_tensor(value)
        return tree.unflatten_as(best, parts)

    def get_state(self, sess: Any = None) -> dict[str, Any]:
        """Give the current epsilon and time step."""
        epsilon = self.epsilon_schedule(self.last_timestep)
        return {"cur_epsilon": epsilon, "last_timestep": self.last_timestep}

    def set_state(self, state: dict[str, Any], sess: Any = None) -> None:
        """Go to the time step of the state."""
        self.last_timestep = state["last_timestep"]
