"""Deterministic actions with noise that is correlated over time; torch only."""

from __future__ import annotations

from typing import Any

import numpy as np

from rlmigrate.legacy.exploration.gaussian_noise import GaussianNoise
from rlmigrate.legacy.types import Tensor


class OrnsteinUhlenbeckNoise(GaussianNoise):
    """Add the state of an Ornstein-Uhlenbeck process, scaled to the action range.

    ou_theta: pull towards 0; ou_sigma: size of its steps; ou_base_scale: of the noise.
    """

    def __init__(
        self,
        action_space: Any,
        *,
        ou_theta: float = 0.15,
        ou_sigma: float = 0.2,
        ou_base_scale: float = 0.1,
        **kwargs: Any,
    ) -> None:
        import torch

        super().__init__(action_space, **{"stddev": 1.0, **kwargs})
        self.ou_theta = ou_theta
        self.ou_sigma = ou_sigma
        self.ou_base_scale = ou_base_scale
        self.ou_state: Any = torch.zeros(action_space.low.size, device=self.device)

    def _noise(self, action: Tensor, scale: float) -> Tensor:
        import torch

        step = scale * torch.normal(mean=torch.zeros(self.ou_state.size()), std=1.0)
        self.ou_state += self.ou_theta * -self.ou_state + self.ou_sigma * step.to(self.device)
        span = torch.from_numpy(self.action_space.high - self.action_space.low).to(self.device)
        span = torch.where(torch.isinf(span), torch.ones_like(span), span)
        return scale * self.ou_base_scale * self.ou_state * span

    def get_state(self, sess: Any = None) -> dict[str, Any]:
        """Give the process's state, too."""
        return {**super().get_state(), "ou_state": self.ou_state.cpu().numpy().copy()}

    def set_state(self, state: dict[str, Any], sess: Any = None) -> None:
        """Restore the process's state, too."""
        import torch

        self.ou_state = torch.from_numpy(np.array(state["ou_state"])).to(self.device)
        super().set_state(state)
