"""DQN's settings."""

from __future__ import annotations

from rlmigrate.legacy.config.algorithm_config import AlgorithmConfig


class DQNConfig(AlgorithmConfig):
    """The settings of DQN."""

    _own_defaults = {
        "rollout_fragment_length": "auto",
        "lr": 5e-4,
        "lr_schedule": None,
        "grad_clip": 40.0,
        "evaluation_config": {"explore": False},
        "min_sample_timesteps_per_iteration": 1000,
        "epsilon": [(0, 1.0), (10000, 0.05)],
        "target_network_update_freq": 500,
        "num_steps_sampled_before_learning_starts": 1000,
        "store_buffer_in_checkpoints": False,
        "adam_epsilon": 1e-8,
        "tau": 1.0,
        "num_atoms": 1,
        "v_min": -10.0,
        "v_max": 10.0,
        "noisy": False,
        "sigma0": 0.5,
        "dueling": True,
        "hiddens": [256],
        "double_q": True,
        "n_step": 1,
        "before_learn_on_batch": None,
        "training_intensity": None,
        "td_error_loss_fn": "huber",
        "categorical_distribution_temperature": 1.0,
        "burn_in_len": 0,
        "replay_buffer_config": {
            "type": "PrioritizedEpisodeReplayBuffer",
            "capacity": 50000,
            "alpha": 0.6,
            "beta": 0.4,
        },
        "_prior_exploration_config": {
            "type": "EpsilonGreedy",
            "initial_epsilon": 1.0,
            "final_epsilon": 0.02,
            "epsilon_timesteps": 10000,
        },
    }
