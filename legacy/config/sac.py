"""SAC's settings."""

from __future__ import annotations

from typing import Any, Self

from rlmigrate.legacy.config.algorithm_config import AlgorithmConfig

_NET: dict[str, Any] = {
    "fcnet_hiddens": [256, 256],
    "fcnet_activation": "relu",
    "post_fcnet_hiddens": [],
    "post_fcnet_activation": None,
    "custom_model": None,
    "custom_model_config": {},
}


class SACConfig(AlgorithmConfig):
    """The settings of SAC; `q_model_config` and `policy_model_config` are merged."""

    _own_defaults = {
        "rollout_fragment_length": "auto",
        "lr": None,
        "train_batch_size": 256,
        "_train_batch_size_per_learner": 256,
        "min_time_s_per_iteration": 1,
        "min_sample_timesteps_per_iteration": 100,
        "twin_q": True,
        "q_model_config": _NET,
        "policy_model_config": _NET,
        "tau": 0.005,
        "initial_alpha": 1.0,
        "target_entropy": "auto",
        "n_step": 1,
        "replay_buffer_config": {
            "type": "PrioritizedEpisodeReplayBuffer",
            "capacity": 1_000_000,
            "alpha": 0.6,
            "beta": 0.4,
        },
        "store_buffer_in_checkpoints": False,
        "training_intensity": None,
        "optimization": {
            "actor_learning_rate": 3e-4,
            "critic_learning_rate": 3e-4,
            "entropy_learning_rate": 3e-4,
        },
        "actor_lr": 3e-5,
        "critic_lr": 3e-4,
        "alpha_lr": 3e-4,
        "target_network_update_freq": 0,
        "num_steps_sampled_before_learning_starts": 1500,
        "_deterministic_loss": False,
        "_use_beta_distribution": False,
        "_prior_exploration_config": {"type": "StochasticSampling"},
    }

    def training(self, **settings: Any) -> Self:
        """Set SAC's settings."""
        for key in ("q_model_config", "policy_model_config"):
            if isinstance(settings.get(key), dict):
                settings[key] = {**self[key], **settings[key]}
        return super().training(**settings)
