"""PPO's settings."""

from __future__ import annotations

from rlmigrate.legacy.config.algorithm_config import AlgorithmConfig


class PPOConfig(AlgorithmConfig):
    """The settings of PPO; its model does not share layers between policy and values."""

    _own_model = {"vf_share_layers": False}
    _own_defaults = {
        "num_env_runners": 2,
        "rollout_fragment_length": "auto",
        "lr": 5e-5,
        "lr_schedule": None,
        "train_batch_size": 4000,
        "num_epochs": 30,
        "minibatch_size": 128,
        "shuffle_batch_per_epoch": True,
        "use_critic": True,
        "use_gae": True,
        "lambda": 1.0,
        "use_kl_loss": True,
        "kl_coeff": 0.2,
        "kl_target": 0.01,
        "vf_loss_coeff": 1.0,
        "vf_clip_param": 10.0,
        "entropy_coeff": 0.0,
        "entropy_coeff_schedule": None,
        "clip_param": 0.3,
        "_prior_exploration_config": {"type": "StochasticSampling"},
    }
