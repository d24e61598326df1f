"""Old action distributions behind the interface of new ones.

LegacyDistribution      an old distribution as `Distribution.from_logits` makes one
LegacyDeterministic     its greedy action
action_distribution     the class that a wrapped module hands out
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

import gymnasium as gym
import torch
import tree

from rlmigrate.compat.wrap.old_distribution import BoundToModel, FixedAction

if TYPE_CHECKING:
    from rlmigrate.compat.wrap.stacks import Stack

Action: TypeAlias = "torch.Tensor | Mapping[str, Action] | Sequence[Action]"


class _OldDistribution(Protocol):
    """What is used of an old action distribution."""

    def sample(self) -> Any: ...
    def deterministic_sample(self) -> Any: ...
    def sampled_action_logp(self) -> torch.Tensor: ...
    def logp(self, actions: Any) -> torch.Tensor: ...
    def entropy(self) -> torch.Tensor: ...
    def kl(self, other: Any) -> torch.Tensor: ...


class LegacyDistribution(BoundToModel):
    """Give an old distribution the methods of a new one, for [B, K] and [B, T, K] inputs.

    Numbers are those of the old class: log-probabilities as its loss saw them, the greedy
    action from `deterministic_sample`, sub-actions of Tuple and Dict spaces summed.
    """

    old_class: ClassVar[Callable[..., _OldDistribution]]

    def __init__(self, logits: torch.Tensor) -> None:
        self._lead = tuple(logits.shape[:-1])
        # Cloned, because temperature distributions divide their inputs in place.
        flat = logits.reshape(-1, logits.shape[-1]).clone()
        self.old = type(self).old_class(flat, type(self).model)
        self._sampled: object = None

    def sample(self, *, sample_shape: Sequence[int] | None = None, **_: object) -> Any:
        """Draw an action of shape [B(, T), ...] with the old distribution's generator calls."""
        if sample_shape:
            draws = [self.sample() for _ in range(int(torch.Size(sample_shape).numel()))]
            return tree.map_structure(
                lambda *each: torch.stack(each).reshape(*sample_shape, *each[0].shape), *draws
            )
        self._sampled = self._unmerge(self.old.sample())
        return self._sampled

    def rsample(self, *, sample_shape: Sequence[int] | None = None, **_: object) -> Any:
        """Draw an action that gradients pass through.

        Raises NotImplementedError if the old distribution has no such sample.
        """
        inner = getattr(self.old, "dist", None)
        if inner is None or not getattr(inner, "has_rsample", False):
            raise NotImplementedError(f"{type(self.old).__name__} has no reparameterized sample")
        squash = getattr(self.old, "_squash", None)
        drawn = inner.rsample(torch.Size(sample_shape or ()))
        return self._unmerge(drawn if squash is None else squash(drawn))

    def sample_and_logp(self, *, sample_shape: Sequence[int] | None = None) -> Any:
        """Draw an action, with its log-probability."""
        drawn = self.sample(sample_shape=sample_shape)
        return drawn, self.logp(drawn)

    def rsample_and_logp(self, *, sample_shape: Sequence[int] | None = None) -> Any:
        """Draw an action that gradients pass through, with its log-probability."""
        drawn = self.rsample(sample_shape=sample_shape)
        return drawn, self.logp(drawn)

    def logp(self, value: Action, **_: object) -> torch.Tensor:
        """Return the log-probability of actions: float[B(, T)]."""
        if value is self._sampled and value is not None:
            return self._unmerge_one(self.old.sampled_action_logp())
        return self._unmerge_one(self.old.logp(self._merge(value)))

    def entropy(self, **_: object) -> torch.Tensor:
        """Return the entropy: float[B(, T)]."""
        return self._unmerge_one(self.old.entropy())

    def kl(self, other: LegacyDistribution, **_: object) -> torch.Tensor:
        """Return the divergence from `other`: float[B(, T)]."""
        return self._unmerge_one(self.old.kl(other.old))

    def to_deterministic(self) -> LegacyDeterministic:
        """Return the greedy action as a distribution of its own."""
        greedy = self._unmerge(self.old.deterministic_sample())
        return _deterministic_class(type(self).__mro__[2])(greedy, self._lead)

    def _unmerge_one(self, value: torch.Tensor) -> torch.Tensor:
        return value if len(self._lead) == 1 else value.reshape(*self._lead, *value.shape[1:])

    def _unmerge(self, value: Any) -> Any:
        if len(self._lead) == 1:
            return value
        return tree.map_structure(self._unmerge_one, value)

    def _merge(self, value: Action) -> Any:
        """Bring actions into the form that the old distribution's logp was written for."""
        space = type(self).action_space
        lead = len(self._lead)
        if not isinstance(space, gym.spaces.Dict | gym.spaces.Tuple):
            one = torch.as_tensor(value)
            one = one.reshape(-1, *one.shape[lead:])
            # Box(()) actions are [B], the old Gaussian's parameters [B, 1]: without this
            # they broadcast to [B, B].
            return one.unsqueeze(-1) if space.shape == () and _is_gaussian(self.old) else one
        if isinstance(value, torch.Tensor):
            return value.reshape(-1, value.shape[-1])
        leaves = [
            leaf.reshape(leaf.shape[:lead].numel(), -1)
            for leaf in map(torch.as_tensor, tree.flatten(value))
        ]
        if hasattr(self.old, "flat_child_distributions"):
            return leaves
        # Distributions written for composite spaces got one flat tensor from the old policy.
        return torch.cat(leaves, dim=1)


def _is_gaussian(old: object) -> bool:
    return hasattr(old, "dist") and isinstance(
        getattr(old, "dist", None), torch.distributions.Normal
    )


class LegacyDeterministic(FixedAction):
    """Always return one action, with the old stack's log-probability of zero."""

    def logp(self, value: Action, **_: object) -> torch.Tensor:
        """Return zeros: float[B(, T)], as the old stack did without exploration."""
        first = tree.flatten(self._action)[0]
        return torch.zeros(self._lead, device=first.device)


@functools.cache
def _deterministic_class(base: type) -> type[LegacyDeterministic]:
    return type("LegacyDeterministic", (LegacyDeterministic, base), {})


@functools.cache
def _gaussian(base: type) -> type:
    """Let the greedy action of a DiagGaussian have one log-probability per row.

    Ray's has one per action component, which cannot be stacked with those of sampled actions
    when an episode has both.
    """

    def to_deterministic(self: Any) -> LegacyDeterministic:
        kind = _deterministic_class(next(b for b in base.__mro__ if b.__name__ == "Distribution"))
        return kind(self.loc, tuple(self.loc.shape[:-1]))

    return type(base.__name__, (base,), {"to_deterministic": to_deterministic})


def action_distribution(
    old_class: Any, *, stack: Stack, model: object, action_space: gym.Space[Any]
) -> type:
    """Choose the new-style class for an old distribution class (or partial).

    The stack's own Categorical and DiagGaussian where they compute the same; otherwise a
    class bound to the old one and to the model, which autoregressive distributions need.
    """
    plain = old_class.func if isinstance(old_class, functools.partial) else old_class
    if _is_default(plain):
        if plain.__name__ == "TorchCategorical":
            return stack.categorical
        if plain.__name__ == "TorchDiagGaussian" and len(action_space.shape or ()) == 1:
            return _gaussian(stack.diag_gaussian)
    return type(
        f"Legacy{plain.__name__}",
        (LegacyDistribution, stack.distribution),
        {"old_class": staticmethod(old_class), "model": model, "action_space": action_space},
    )


def _is_default(old_class: Any) -> bool:
    home: str = old_class.__module__
    return home.startswith(("ray.rllib.models.", "rlmigrate.legacy.distributions"))
