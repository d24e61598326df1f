"""Names of the old stack that a model class uses, and what they mean.

MODEL_DEFAULTS    what RLlib puts into a model config, as source text
NETS, LAYERS      networks and layers that have a plain counterpart
HELPERS           functions that have one
plain_form        the name of that counterpart
HARMLESS          modules of Ray whose names mean the same on both stacks
SHARED            names of Ray that its new stack uses too
OWN_NAMES         attributes that RLModule keeps for itself
"""

from __future__ import annotations

from collections.abc import Mapping

MODEL_DEFAULTS: Mapping[str, str] = {
    "fcnet_hiddens": "[256, 256]",
    "fcnet_activation": '"tanh"',
    "conv_filters": "None",
    "conv_activation": '"relu"',
    "post_fcnet_hiddens": "[]",
    "post_fcnet_activation": '"relu"',
    "free_log_std": "False",
    "log_std_clip_param": "20.0",
    "no_final_linear": "False",
    "vf_share_layers": "True",
    "use_lstm": "False",
    "max_seq_len": "20",
    "lstm_cell_size": "256",
    "lstm_use_prev_action": "False",
    "lstm_use_prev_reward": "False",
    "_time_major": "False",
    "use_attention": "False",
    "attention_num_transformer_units": "1",
    "attention_dim": "64",
    "attention_num_heads": "1",
    "attention_head_dim": "32",
    "attention_memory_inference": "50",
    "attention_memory_training": "50",
    "attention_position_wise_mlp_dim": "32",
    "attention_init_gru_gate_bias": "2.0",
    "attention_use_n_prev_actions": "0",
    "attention_use_n_prev_rewards": "0",
    "framestack": "True",
    "dim": "84",
    "grayscale": "False",
    "zero_mean": "True",
    "custom_model": "None",
    "custom_action_dist": "None",
    "custom_preprocessor": "None",
    "encoder_latent_dim": "None",
    "always_check_shapes": "False",
    "_disable_preprocessor_api": "False",
    "_disable_action_flattening": "False",
}

#: The two names under which a model config holds the user's own keys; the second until 0.8.
CUSTOM_CONFIG = frozenset({"custom_model_config", "custom_options"})

NETS = frozenset({"FullyConnectedNetwork", "VisionNetwork"})

LAYERS = frozenset(
    {"SlimFC", "SlimConv2d", "AppendBiasLayer", "normc_initializer", "same_padding"}
    | {"valid_padding"}
)

#: Functions of the old stack that have a plain counterpart, by the module that they stood in.
HELPERS: Mapping[str, str] = {"add_time_dimension": "rnn_sequencing"}


#: Functions for TensorFlow that have a plain counterpart, and what the layers file calls it.
TF_LAYERS: Mapping[str, str] = {
    "ray.rllib.models.tf.misc.flatten": "flatten_rows",
    "ray.rllib.models.tf.misc.get_activation_fn": "get_activation_fn",
    "ray.rllib.models.tf.misc.normc_initializer": "normc_initializer",
    "ray.rllib.utils.tf_ops.one_hot": "one_hot",
    "ray.rllib.utils.tf_utils.one_hot": "one_hot",
}
#: The same for functions that serve torch, too.
TF_SHARED: Mapping[str, str] = {"ray.rllib.models.utils.get_activation_fn": "get_activation_fn"}


def plain_form(qualified: str, *, framework: str | None = "torch") -> str:
    """Name the layer or function of the layers file that stands for a name of RLlib, "" if none.

    >>> plain_form("ray.rllib.models.torch.misc.SlimFC")
    'SlimFC'
    """
    module, _, name = qualified.rpartition(".")
    if name in HELPERS:
        return name if module.endswith(HELPERS[name]) else ""
    if framework == "tf" and qualified in TF_SHARED:
        return TF_SHARED[qualified]
    if name in LAYERS and ".torch" in qualified:
        return name
    return TF_LAYERS.get(qualified, "")


#: Config keys that a net reads.
NET_KEYS: Mapping[str, tuple[str, ...]] = {
    "FullyConnectedNetwork": (
        "fcnet_activation",
        "fcnet_hiddens",
        "free_log_std",
        "no_final_linear",
        "post_fcnet_activation",
        "post_fcnet_hiddens",
        "vf_share_layers",
    ),
    "VisionNetwork": (
        "conv_activation",
        "conv_filters",
        "no_final_linear",
        "post_fcnet_activation",
        "post_fcnet_hiddens",
        "vf_share_layers",
    ),
}

HARMLESS = (
    "ray.rllib.utils.annotations.",
    "ray.rllib.utils.override",
    "ray.rllib.utils.PublicAPI",
    "ray.rllib.utils.DeveloperAPI",
    "ray.rllib.utils.try_import_",
    "ray.rllib.utils.framework.",
    "ray.rllib.utils.typing.",
    "ray.rllib.utils.torch_utils.FLOAT_",
    "ray.rllib.utils.torch_utils.one_hot",
    "ray.rllib.utils.torch_ops.FLOAT_",
    "ray.rllib.utils.numpy.",
)

#: Names of Ray that its new stack uses itself: they stay as they are where Ray is there.
SHARED = (
    "ray.rllib.models.utils.get_activation_fn",
    "ray.rllib.models.utils.get_filter_config",
    "ray.rllib.models.utils.get_initializer",
    "ray.rllib.utils.spaces.",
    "ray.rllib.utils.torch_utils.",
)

#: RLlib's five constructor parameters, in order.
ROLES = ("obs_space", "action_space", "num_outputs", "model_config", "name")

OBS = frozenset({"obs", "new_obs_now", "CUR_OBS"})

#: What RLModule or TorchRLModule define; a class that uses one for itself is bridged.
OWN_NAMES = frozenset(
    {
        "_forward",
        "_forward_exploration",
        "_forward_inference",
        "_forward_train",
        "_is_setup",
        "_is_stateful",
        "action_dist_cls",
        "as_multi_rl_module",
        "catalog",
        "compile",
        "compute_values",
        "config",
        "forward_exploration",
        "forward_inference",
        "forward_train",
        "from_checkpoint",
        "get_checkpointable_components",
        "get_ctor_args_and_kwargs",
        "get_exploration_action_dist_cls",
        "get_inference_action_dist_cls",
        "get_metadata",
        "get_state",
        "get_train_action_dist_cls",
        "inference_only",
        "is_stateful",
        "learner_only",
        "model_config",
        "observation_space",
        "restore_from_path",
        "save_to_path",
        "set_state",
        "setup",
        "unwrapped",
    }
)

#: Methods of ModelV2 that have no place in a feed-forward module, and why.
HOOKS: Mapping[str, str] = {
    "__call__": "overrides __call__",
    "context": "overrides context()",
    "custom_loss": "has a custom_loss, which belongs into a Learner",
    "forward_rnn": "is recurrent (forward_rnn)",
    "get_initial_state": "keeps recurrent state (get_initial_state)",
    "is_time_major": "is time-major",
    "last_output": "overrides last_output()",
    "metrics": "reports metrics(), which belongs into a Learner",
    "trainable_variables": "overrides trainable_variables()",
    "variables": "overrides variables()",
}
