"""PolicySpec: what is needed to build a policy again."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.policies import registry
from rlmigrate.legacy.utils.serialization import space_from_dict, space_to_dict


class PolicySpec:
    """Class, spaces and config overrides of one policy of a multi-agent setup."""

    def __init__(
        self,
        policy_class: Any = None,
        observation_space: gym.Space[Any] | None = None,
        action_space: gym.Space[Any] | None = None,
        config: Any = None,
    ) -> None:
        self.policy_class = policy_class
        self.observation_space = observation_space
        self.action_space = action_space
        self.config = config

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PolicySpec) and self.get_state() == other.get_state()

    __hash__ = None  # type: ignore[assignment]

    def get_state(self) -> tuple[Any, Any, Any, Any]:
        """Give class, observation space, action space and config."""
        return self.policy_class, self.observation_space, self.action_space, self.config

    def serialize(self) -> dict[str, Any]:
        """Give a dict whose class is a short name, or the class itself if it is a custom one."""
        assert self.observation_space is not None
        assert self.action_space is not None
        return {
            "policy_class": registry.name_of(self.policy_class) or self.policy_class,
            "observation_space": space_to_dict(self.observation_space),
            "action_space": space_to_dict(self.action_space),
            "config": self.config,
        }

    @classmethod
    def deserialize(cls, spec: dict[str, Any]) -> PolicySpec:
        """Build from what `serialize` gave."""
        policy_class = spec["policy_class"]
        if isinstance(policy_class, str):
            policy_class = registry.class_named(policy_class)
        if not isinstance(policy_class, type):
            raise LegacyError(f"policy_class is {policy_class!r}, expected a class or its name")
        return cls(
            policy_class,
            space_from_dict(spec["observation_space"]),
            space_from_dict(spec["action_space"]),
            spec["config"],
        )
