"""Explorations whose strength is constant and differs between rollout workers, as in Ape-X.

Worker i of n has 0.4 to the power of 1 + 7 i / (n - 1); the local worker, number 0, does not
explore; without rollout workers the schedule of the base class holds.
"""

from __future__ import annotations

from typing import Any

from rlmigrate.legacy.exploration.epsilon_greedy import EpsilonGreedy
from rlmigrate.legacy.exploration.gaussian_noise import GaussianNoise
from rlmigrate.legacy.exploration.ornstein_uhlenbeck_noise import OrnsteinUhlenbeckNoise
from rlmigrate.legacy.utils.schedules import ConstantSchedule


class PerWorkerEpsilonGreedy(EpsilonGreedy):
    """EpsilonGreedy with an epsilon for each worker, counted from 0."""

    def __init__(self, action_space: Any, **kwargs: Any) -> None:
        schedule = _strength(kwargs, first=1)
        super().__init__(action_space, epsilon_schedule=schedule, **kwargs)


class PerWorkerGaussianNoise(GaussianNoise):
    """GaussianNoise with a scale for each worker, counted from 1; Ray's cannot be built."""

    def __init__(self, action_space: Any, **kwargs: Any) -> None:
        super().__init__(action_space, scale_schedule=_strength(kwargs, first=0), **kwargs)


class PerWorkerOrnsteinUhlenbeckNoise(OrnsteinUhlenbeckNoise):
    """OrnsteinUhlenbeckNoise with a scale for each worker, counted from 1."""

    def __init__(self, action_space: Any, **kwargs: Any) -> None:
        super().__init__(action_space, scale_schedule=_strength(kwargs, first=0), **kwargs)


def _strength(kwargs: dict[str, Any], *, first: int) -> ConstantSchedule | None:
    workers, index = kwargs["num_workers"], kwargs["worker_index"]
    if workers <= 0:
        return None
    if index <= 0:
        return ConstantSchedule(0.0)
    return ConstantSchedule(0.4 ** (1 + (index - first) / max(1, workers - 1) * 7))
