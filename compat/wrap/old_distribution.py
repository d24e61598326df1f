"""What the distributions of wrapped torch and TF models have in common.

BoundToModel   made from a module's outputs, for one old distribution class and its model
FixedAction    the greedy action as a distribution of its own
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, Self

import gymnasium as gym


class BoundToModel:
    """The class side of an old distribution behind the interface of new ones."""

    old_class: ClassVar[Any]
    model: ClassVar[object]
    action_space: ClassVar[gym.Space[Any]]

    def __init__(self, logits: Any) -> None:
        raise NotImplementedError

    @classmethod
    def from_logits(cls, logits: Any, **_: object) -> Self:
        """Build the distribution from the module's ACTION_DIST_INPUTS: float[B(, T), K]."""
        return cls(logits)

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **_: object) -> int:
        """Refuse: the size is the wrapped model's, not the space's alone."""
        raise NotImplementedError(
            "the number of inputs of a wrapped distribution is its model's num_outputs"
        )


class FixedAction:
    """Always return one action; `lead` are its batch (and time) dimensions."""

    def __init__(self, action: Any, lead: tuple[int, ...]) -> None:
        self._action, self._lead = action, lead

    def sample(self, **_: object) -> Any:
        """Return the action."""
        return self._action

    def rsample(self, **_: object) -> Any:
        """Return the action."""
        return self._action

    def entropy(self, **_: object) -> NoReturn:
        """Refuse: a fixed action has none."""
        raise RuntimeError("entropy() is not defined for a deterministic action")

    def kl(self, other: object, **_: object) -> NoReturn:
        """Refuse: a fixed action has none."""
        raise RuntimeError("kl() is not defined for a deterministic action")

    @staticmethod
    def required_input_dim(space: gym.Space[Any], **_: object) -> int:
        """Refuse: made from a distribution, never from inputs."""
        raise NotImplementedError("a deterministic action is not built from inputs")
