"""Behaviour cloning's settings."""

from __future__ import annotations

from typing import Any

from rlmigrate.legacy.config.algorithm_config import AlgorithmConfig


class BCConfig(AlgorithmConfig):
    """The settings of BC, which are MARWIL's with beta 0."""

    _own_model = {"vf_share_layers": False}
    _own_defaults = {
        "_is_online": False,
        "lr": 1e-4,
        "train_batch_size": 2000,
        "beta": 0.0,
        "lambda": 1.0,
        "bc_logstd_coeff": 0.0,
        "moving_average_sqd_adv_norm_update_rate": 1e-8,
        "moving_average_sqd_adv_norm_start": 100.0,
        "vf_coeff": 1.0,
        "burnin_len": 0,
        "_prior_exploration_config": {"type": "StochasticSampling"},
    }


class BCConfigTest(AlgorithmConfig):
    """The settings with which RLlib's guides show an RLModule of one's own."""

    def __init__(self, algo_class: Any = None) -> None:
        super().__init__(algo_class)
        self.api_stack(enable_rl_module_and_learner=True)
