"""Tell of settings that no default module reads, which Ray passes over in silence."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Collection, Mapping
from typing import Any

_OLD_KEYS = {
    "post_fcnet_hiddens": "head_fcnet_hiddens is near, but makes one net per head, not one for all",
    "post_fcnet_activation": "head_fcnet_activation is near, for the nets of the heads",
    "fcnet_weights_initializer": "now fcnet_kernel_initializer",
    "fcnet_weights_initializer_config": "now fcnet_kernel_initializer_kwargs",
    "conv_kernel_initializer_config": "now conv_kernel_initializer_kwargs",
    "lstm_weights_initializer": "now lstm_kernel_initializer",
    "lstm_weights_initializer_config": "now lstm_kernel_initializer_kwargs",
    "use_attention": "there is no new attention net; wrap the old one with rlmigrate.wrap_model",
    "custom_model": "write an RLModule, or wrap the old model with rlmigrate.wrap_model",
    "custom_model_config": "its keys belong at the top level of model_config",
    "custom_action_dist": "set self.action_dist_cls in a module of your own",
    "custom_preprocessor": "use an env-to-module connector",
    "framestack": "use the FrameStacking connectors",
    "dim": "resize in the environment or in a connector",
    "grayscale": "do it in the environment or in a connector",
    "zero_mean": "do it in the environment or in a connector",
    "no_final_linear": "the new stack always has a linear head",
}

_PREVIOUS = {
    "lstm_use_prev_action": "add the connector PrevActionsPrevRewards",
    "lstm_use_prev_reward": "add the connector PrevActionsPrevRewards",
}


def warn_of_unread_keys(catalog: str, config: Mapping[str, Any], known: Collection[str]) -> None:
    """Warn once of all keys of a model_config that have no effect."""
    notes = [f"{key!r} ({hint})" for key, hint in _PREVIOUS.items() if config.get(key)]
    for key in config:
        if key in known or not config[key]:
            continue
        near = difflib.get_close_matches(str(key), known, n=1)
        hint = _OLD_KEYS.get(key) or (f"did you mean {near[0]!r}?" if near else "unknown")
        notes.append(f"{key!r} ({hint})")
    if notes:
        warnings.warn(
            f"{catalog}: settings in model_config without any effect: " + "; ".join(notes),
            UserWarning,
            stacklevel=4,
        )
