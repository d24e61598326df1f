"""Episodes, as far as GetActions and tests of modules need them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from rlmigrate.errors import LegacyError


class SingleAgentEpisode:
    """What one agent saw, did and got; there is one observation more than actions.

    >>> episode = SingleAgentEpisode()
    >>> episode.add_env_reset(observation=0)
    >>> episode.add_env_step(observation=1, action=0, reward=0.5)
    >>> len(episode), episode.get_observations(), episode.get_return()
    (1, [0, 1], 0.5)
    """

    def __init__(
        self,
        id_: str | None = None,
        *,
        observations: Sequence[Any] | None = None,
        actions: Sequence[Any] | None = None,
        rewards: Sequence[float] | None = None,
        infos: Sequence[Any] | None = None,
        terminated: bool = False,
        truncated: bool = False,
        extra_model_outputs: dict[str, Sequence[Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        self.id_ = id_ or uuid.uuid4().hex
        self.observations = list(observations or [])
        self.actions = list(actions or [])
        self.rewards = list(rewards or [])
        self.infos = list(infos or [{} for _ in self.observations])
        outputs = extra_model_outputs or {}
        self.extra_model_outputs = {key: list(values) for key, values in outputs.items()}
        self.is_terminated = terminated
        self.is_truncated = truncated

    def add_env_reset(self, observation: Any, infos: Any = None) -> None:
        """Begin with the first observation."""
        if self.observations:
            raise LegacyError(f"episode {self.id_} has begun already; make a new one")
        self.observations.append(observation)
        self.infos.append(infos or {})

    def add_env_step(
        self,
        observation: Any,
        action: Any,
        reward: float,
        infos: Any = None,
        *,
        terminated: bool = False,
        truncated: bool = False,
        extra_model_outputs: dict[str, Any] | None = None,
    ) -> None:
        """Add an action, and what came of it."""
        if self.is_done or not self.observations:
            state = "is over" if self.is_done else "has not begun: call add_env_reset first"
            raise LegacyError(f"episode {self.id_} {state}")
        self.observations.append(observation)
        self.actions.append(action)
        self.rewards.append(reward)
        self.infos.append(infos or {})
        for key, value in (extra_model_outputs or {}).items():
            self.extra_model_outputs.setdefault(key, []).append(value)
        self.is_terminated = terminated
        self.is_truncated = truncated

    @property
    def is_done(self) -> bool:
        """Whether the episode is over."""
        return self.is_terminated or self.is_truncated

    @property
    def is_reset(self) -> bool:
        """Whether the episode has begun."""
        return bool(self.observations)

    def get_observations(self, indices: Any = None) -> Any:
        """Give observations: all, one by index, or several."""
        return _chosen(self.observations, indices)

    def get_actions(self, indices: Any = None) -> Any:
        """Give actions: all, one by index, or several."""
        return _chosen(self.actions, indices)

    def get_rewards(self, indices: Any = None) -> Any:
        """Give rewards: all, one by index, or several."""
        return _chosen(self.rewards, indices)

    def get_infos(self, indices: Any = None) -> Any:
        """Give infos: all, one by index, or several."""
        return _chosen(self.infos, indices)

    def get_extra_model_outputs(self, key: str, indices: Any = None) -> Any:
        """Give one of the module's outputs: all, one by index, or several."""
        return _chosen(self.extra_model_outputs[key], indices)

    def get_return(self) -> float:
        """Sum up the rewards."""
        return float(sum(self.rewards))

    def __len__(self) -> int:
        return len(self.actions)


class MultiAgentEpisode:
    """Several agents' episodes, by agent."""

    def __init__(self, agent_episodes: dict[Any, SingleAgentEpisode] | None = None) -> None:
        self.agent_episodes = agent_episodes or {}


def _chosen(values: list[Any], indices: Any) -> Any:
    if indices is None:
        return list(values)
    if isinstance(indices, list):
        return [values[i] for i in indices]
    return values[indices]
