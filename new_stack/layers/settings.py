"""The model config as old models took it, made of the new one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

#: What RLlib put into the config of every old model.
MODEL_DEFAULTS: dict[str, Any] = {
    "fcnet_hiddens": [256, 256],
    "fcnet_activation": "tanh",
    "conv_filters": None,
    "conv_activation": "relu",
    "post_fcnet_hiddens": [],
    "post_fcnet_activation": "relu",
    "free_log_std": False,
    "log_std_clip_param": 20.0,
    "no_final_linear": False,
    "vf_share_layers": True,
    "use_lstm": False,
    "max_seq_len": 20,
    "lstm_cell_size": 256,
    "lstm_use_prev_action": False,
    "lstm_use_prev_reward": False,
    "_time_major": False,
    "use_attention": False,
    "attention_num_transformer_units": 1,
    "attention_dim": 64,
    "attention_num_heads": 1,
    "attention_head_dim": 32,
    "attention_memory_inference": 50,
    "attention_memory_training": 50,
    "attention_position_wise_mlp_dim": 32,
    "attention_init_gru_gate_bias": 2.0,
    "attention_use_n_prev_actions": 0,
    "attention_use_n_prev_rewards": 0,
    "framestack": True,
    "dim": 84,
    "grayscale": False,
    "zero_mean": True,
    "custom_model": None,
    "custom_action_dist": None,
    "custom_preprocessor": None,
    "_disable_preprocessor_api": False,
    "_disable_action_flattening": False,
}


def custom_settings(model_config: dict[str, Any], without: Iterable[str] = ()) -> dict[str, Any]:
    """Return the user's own keys of a model config, once its custom_model_config.

    `without` are names that the class takes as parameters of its own.
    """
    own = {
        key: value
        for key, value in model_config.items()
        if key not in MODEL_DEFAULTS and key != "custom_model_config"
    }
    own.update(model_config.get("custom_model_config") or {})
    return {key: value for key, value in own.items() if key not in set(without)}


def old_model_config(model_config: dict[str, Any]) -> dict[str, Any]:
    """Return the config that RLlib gave an old model: defaults, and a custom_model_config."""
    given = {key: value for key, value in model_config.items() if key in MODEL_DEFAULTS}
    return {**MODEL_DEFAULTS, **given, "custom_model_config": custom_settings(model_config)}


def bare_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return a config that a net was given without RLlib's defaults: what it lacks is off."""
    return {
        **dict.fromkeys(MODEL_DEFAULTS),
        "fcnet_hiddens": [],
        "post_fcnet_hiddens": [],
        **config,
    }
