"""Keys of the old `model` dict, by what becomes of them.

SAME      fields of DefaultModelConfig that mean the same
RENAMED   those that have another name there
LOST      keys without a counterpart, with the values at which they do nothing
PREVIOUS  keys that show earlier steps to a net of RLlib's
WHY       what to do about a key that is lost
"""

from __future__ import annotations

#: Fields of DefaultModelConfig that mean what the key of the old dict meant.
SAME = frozenset(
    {"fcnet_hiddens", "fcnet_activation", "conv_filters", "conv_activation", "free_log_std"}
    | {"vf_share_layers", "use_lstm", "max_seq_len", "lstm_cell_size", "log_std_clip_param"}
)
RENAMED = {
    f"{old}_weights_initializer{suffix}": f"{old}_kernel_initializer{new}"
    for old in ("fcnet", "conv_transpose", "conv", "lstm")
    for suffix, new in (("", ""), ("_config", "_kwargs"))
}
#: Keys without a counterpart, with the values at which they do nothing.
LOST: dict[str, tuple[object, ...]] = {
    "use_attention": (False,),
    "lstm_use_prev_action": (False,),
    "lstm_use_prev_reward": (False,),
    "lstm_use_prev_action_reward": (False, -1),
    "_time_major": (False,),
    "no_final_linear": (False,),
    "framestack": (True,),
    "dim": (84,),
    "grayscale": (False,),
    "zero_mean": (True,),
    "post_fcnet_hiddens": ((), []),
    "post_fcnet_activation": ("relu",),
    "custom_model": (None,),
    "custom_model_config": ({},),
    "custom_options": ({},),
    "custom_action_dist": (None,),
    "custom_preprocessor": (None,),
    "_disable_preprocessor_api": (False, True),
    "_disable_action_flattening": (False, True),
    "_use_default_native_models": (False, True, -1),
    "always_check_shapes": (False,),
}
#: Keys that show earlier steps to a net of RLlib's.
PREVIOUS = ("lstm_use_prev_action", "lstm_use_prev_reward", "lstm_use_prev_action_reward")
WHY = {
    "use_attention": "no attention net on the new stack: write it as an RLModule",
    "lstm_use_prev_action": "put PrevActionsPrevRewards connectors in front of the module",
    "lstm_use_prev_reward": "put PrevActionsPrevRewards connectors in front of the module",
    "lstm_use_prev_action_reward": "put PrevActionsPrevRewards connectors in front of the module",
    "post_fcnet_hiddens": "head_fcnet_hiddens is another net (one MLP a head): accept it by hand",
    "no_final_linear": "no counterpart: write the net as an RLModule",
    "framestack": "use the FrameStacking connectors",
    "dim": "resize the images in the environment",
    "grayscale": "convert the images in the environment",
    "zero_mean": "scale the images in the environment",
    "custom_preprocessor": "write an env-to-module connector",
    "custom_action_dist": "set action_dist_cls in the RLModule's setup()",
}
