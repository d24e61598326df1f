"""Settings objects of the algorithms; running them needs Ray."""

from __future__ import annotations

from rlmigrate.legacy.config.algorithm_config import AlgorithmConfig
from rlmigrate.legacy.config.bc import BCConfig, BCConfigTest
from rlmigrate.legacy.config.dqn import DQNConfig
from rlmigrate.legacy.config.ppo import PPOConfig
from rlmigrate.legacy.config.sac import SACConfig

__all__ = [
    "AlgorithmConfig",
    "BCConfig",
    "BCConfigTest",
    "DQNConfig",
    "PPOConfig",
    "SACConfig",
]
