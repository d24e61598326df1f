"""Exploration: how a policy chooses actions from a distribution."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from rlmigrate.legacy.types import Tensor, TensorStruct


class Exploration:
    """Choose actions; a subclass gives `get_exploration_action`."""

    def __init__(
        self,
        action_space: gym.Space[Any],
        *,
        framework: str | None,
        policy_config: dict[str, Any],
        model: Any,
        num_workers: int,
        worker_index: int,
    ) -> None:
        self.action_space: Any = action_space
        self.policy_config = policy_config
        self.model = model
        self.num_workers = num_workers
        self.worker_index = worker_index
        self.framework = framework
        self.device: Any = None
        if framework == "torch" and hasattr(model, "parameters"):
            parameter = next(iter(model.parameters()), None)
            self.device = None if parameter is None else parameter.device

    def before_compute_actions(
        self, *, timestep: Any = None, explore: Any = None, tf_sess: Any = None, **kwargs: Any
    ) -> None:
        """Prepare for the forward pass that follows."""

    def get_exploration_action(
        self, *, action_distribution: Any, timestep: Any, explore: bool = True
    ) -> tuple[TensorStruct, Tensor]:
        """Give actions [B, ...] and their log-probabilities [B]."""
        raise NotImplementedError(f"{type(self).__name__} must give get_exploration_action()")

    def on_episode_start(self, policy: Any, **kwargs: Any) -> None:
        """React to the start of an episode."""

    def on_episode_end(self, policy: Any, **kwargs: Any) -> None:
        """React to the end of an episode."""

    def postprocess_trajectory(self, policy: Any, sample_batch: Any, tf_sess: Any = None) -> Any:
        """Change the batch of an episode before the policy does."""
        return sample_batch

    def get_exploration_optimizer(self, optimizers: list[Any]) -> list[Any]:
        """Add optimizers for the exploration's own networks."""
        return optimizers

    def get_state(self, sess: Any = None) -> dict[str, Any]:
        """Give what `set_state` restores."""
        return {}

    def set_state(self, state: dict[str, Any], sess: Any = None) -> None:
        """Restore what `get_state` gave."""
