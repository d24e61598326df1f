"""Callbacks that do nothing, the base of users' own."""

from __future__ import annotations

from typing import Any


class DefaultCallbacks:
    """React to events of training; policies call `on_learn_on_batch` only."""

    def __init__(self, legacy_callbacks_dict: Any = None) -> None:
        self.legacy_callbacks = legacy_callbacks_dict or {}

    def on_learn_on_batch(
        self, *, policy: Any, train_batch: Any, result: dict[str, Any], **kwargs: Any
    ) -> None:
        """Run before each `policy.learn_on_batch`; entries of `result` become custom metrics."""

    def on_algorithm_init(self, *, algorithm: Any, **kwargs: Any) -> None:
        """Run when an algorithm is set up."""

    def on_train_result(self, *, algorithm: Any, result: dict[str, Any], **kwargs: Any) -> None:
        """Run after each training iteration."""

    def on_sub_environment_created(self, **kwargs: Any) -> None:
        """Run when an environment is made."""

    def on_episode_created(self, **kwargs: Any) -> None:
        """Run when an episode is made."""

    def on_episode_start(self, **kwargs: Any) -> None:
        """Run after an episode's reset."""

    def on_episode_step(self, **kwargs: Any) -> None:
        """Run after each step."""

    def on_episode_end(self, **kwargs: Any) -> None:
        """Run after an episode's last step."""

    def on_postprocess_trajectory(self, **kwargs: Any) -> None:
        """Run after a policy's `postprocess_trajectory`."""

    def on_sample_end(self, **kwargs: Any) -> None:
        """Run after a worker has sampled."""


def build_callbacks(given: Any) -> Any:
    """Build callbacks from `config["callbacks"]`: a class, an instance or nothing."""
    if given is None:
        return DefaultCallbacks()
    return given() if isinstance(given, type) else given
