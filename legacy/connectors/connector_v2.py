"""The base of connectors."""

from __future__ import annotations

from typing import Any

import gymnasium as gym


class ConnectorV2:
    """A step between environment, module and learner; a subclass gives `__call__`."""

    def __init__(
        self,
        input_observation_space: gym.Space[Any] | None = None,
        input_action_space: gym.Space[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.input_observation_space = input_observation_space
        self.input_action_space = input_action_space

    @property
    def observation_space(self) -> gym.Space[Any] | None:
        """The space after this connector."""
        return self.input_observation_space

    @property
    def action_space(self) -> gym.Space[Any] | None:
        """The space after this connector."""
        return self.input_action_space

    def __call__(
        self, *, rl_module: Any, batch: dict[str, Any], episodes: Any, **kwargs: Any
    ) -> Any:
        """Change the batch, and give it."""
        raise NotImplementedError(f"{type(self).__name__} must give __call__()")
