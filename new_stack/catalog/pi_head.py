"""The policy head of PPO, BC and SAC."""

from __future__ import annotations

from typing import Any

from rlmigrate.new_stack.distributions import TorchDiagGaussian
from rlmigrate.new_stack.models.configs import FreeLogStdMLPHeadConfig, MLPHeadConfig


def pi_head_config(
    action_dist_cls: Any,
    settings: dict[str, Any],
    *,
    space: Any,
    latent_dims: Any,
    use_layernorm: bool = False,
) -> MLPHeadConfig | FreeLogStdMLPHeadConfig:
    """Return the config of a head for a distribution; log standard deviations are clamped.

    Raises AssertionError if `free_log_std` is set for anything but a DiagGaussian.
    """
    is_gaussian = issubclass(action_dist_cls, TorchDiagGaussian)
    if settings["free_log_std"] and not is_gaussian:
        raise AssertionError(
            f"free_log_std needs a DiagGaussian action distribution, not {action_dist_cls.__name__}"
        )
    config_cls = FreeLogStdMLPHeadConfig if settings["free_log_std"] else MLPHeadConfig
    return config_cls(
        input_dims=latent_dims,
        hidden_layer_dims=settings["head_fcnet_hiddens"],
        hidden_layer_activation=settings["head_fcnet_activation"],
        hidden_layer_use_layernorm=use_layernorm,
        output_layer_dim=action_dist_cls.required_input_dim(space=space, model_config=settings),
        output_layer_activation="linear",
        clip_log_std=is_gaussian,
        log_std_clip_param=settings.get("log_std_clip_param", 20),
    )
