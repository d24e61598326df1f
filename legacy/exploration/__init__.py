"""Explorations of the old stack: from distributions to actions."""

from __future__ import annotations

from rlmigrate.legacy.exploration.bandits import ThompsonSampling, UpperConfidenceBound
from rlmigrate.legacy.exploration.base import Exploration
from rlmigrate.legacy.exploration.create import create_exploration
from rlmigrate.legacy.exploration.epsilon_greedy import EpsilonGreedy
from rlmigrate.legacy.exploration.gaussian_noise import GaussianNoise
from rlmigrate.legacy.exploration.ornstein_uhlenbeck_noise import OrnsteinUhlenbeckNoise
from rlmigrate.legacy.exploration.parameter_noise import ParameterNoise
from rlmigrate.legacy.exploration.per_worker import (
    PerWorkerEpsilonGreedy,
    PerWorkerGaussianNoise,
    PerWorkerOrnsteinUhlenbeckNoise,
)
from rlmigrate.legacy.exploration.random import Random
from rlmigrate.legacy.exploration.slates import SlateEpsilonGreedy, SlateSoftQ
from rlmigrate.legacy.exploration.soft_q import SoftQ
from rlmigrate.legacy.exploration.stochastic_sampling import StochasticSampling

__all__ = [
    "EpsilonGreedy",
    "Exploration",
    "GaussianNoise",
    "OrnsteinUhlenbeckNoise",
    "ParameterNoise",
    "PerWorkerEpsilonGreedy",
    "PerWorkerGaussianNoise",
    "PerWorkerOrnsteinUhlenbeckNoise",
    "Random",
    "SlateEpsilonGreedy",
    "SlateSoftQ",
    "SoftQ",
    "StochasticSampling",
    "ThompsonSampling",
    "UpperConfidenceBound",
    "create_exploration",
]
