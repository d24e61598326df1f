"""Deterministic actions with normal noise; torch only."""

from __future__ import annotations

from typing import Any

from rlmigrate.legacy.exploration.base import Exploration
from rlmigrate.legacy.exploration.random import Random
from rlmigrate.legacy.types import Tensor, TensorStruct
from rlmigrate.legacy.utils.schedules import PiecewiseSchedule, schedule_from


class GaussianNoise(Exploration):
    """Add noise of `stddev` times a decaying scale, then clip to the action bounds; logp is 0.

    The first `random_timesteps` act uniformly at random. The scale goes from `initial_scale`
    to `final_scale` within `scale_timesteps` after that.
    """

    def __init__(
        self,
        action_space: Any,
        *,
        random_timesteps: int = 1000,
        stddev: float = 0.1,
        initial_scale: float = 1.0,
        final_scale: float = 0.02,
        scale_timesteps: int = 10_000,
        scale_schedule: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(action_space, **kwargs)
        self.random_timesteps = random_timesteps
        self.random_exploration = Random(action_space, **kwargs)
        self.stddev = stddev
        points = [
            (random_timesteps, initial_scale),
            (random_timesteps + scale_timesteps, final_scale),
        ]
        self.scale_schedule: Any = schedule_from(scale_schedule) or PiecewiseSchedule(
            points, outside_value=final_scale
        )
        self.last_timestep: Any = 0

    def get_exploration_action(
        self, *, action_distribution: Any, timestep: Any, explore: bool = True
    ) -> tuple[TensorStruct, Tensor]:
        """Give noisy actions within the bounds, and zeros for their log-probabilities."""
        import torch

        self.last_timestep = self.last_timestep + 1 if timestep is None else timestep
        if explore and self.last_timestep < self.random_timesteps:
            return self.random_exploration.get_exploration_action(
                action_distribution=action_distribution, timestep=timestep, explore=True
            )
        action = action_distribution.deterministic_sample()
        if explore:
            noisy = action + self._noise(action, self.scale_schedule(self.last_timestep))
            low = torch.tensor(self.action_space.low, dtype=torch.float32, device=self.device)
            high = torch.tensor(self.action_space.high, dtype=torch.float32, device=self.device)
            action = torch.min(torch.max(noisy, low), high)
        return action, torch.zeros(action.shape[0], dtype=torch.float32, device=self.device)

    def _noise(self, action: Tensor, scale: float) -> Tensor:
        import torch

        mean = torch.zeros(action.size())
        return scale * torch.normal(mean=mean, std=self.stddev).to(self.device)

    def get_state(self, sess: Any = None) -> dict[str, Any]:
        """Give the current scale and time step."""
        scale = self.scale_schedule(self.last_timestep)
        return {"cur_scale": scale, "last_timestep": self.last_timestep}

    def set_state(self, state: dict[str, Any], sess: Any = None) -> None:
        """Go to the time step of the state."""
        self.last_timestep = state["last_timestep"]
