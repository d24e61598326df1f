"""ModelCatalog, under the names that old code calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import gymnasium as gym

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.catalog import registry
from rlmigrate.legacy.catalog.action_dists import action_shape, select_action_dist
from rlmigrate.legacy.catalog.build import build_model
from rlmigrate.legacy.catalog.defaults import MODEL_DEFAULTS
from rlmigrate.legacy.catalog.mix import with_interface
from rlmigrate.legacy.preprocessors import Preprocessor, get_preprocessor
from rlmigrate.legacy.types import ModelConfig


class ModelCatalog:
    """Find the model, preprocessor and action distribution for spaces and a model config.

    >>> from gymnasium.spaces import Discrete
    >>> dist_class, size = ModelCatalog.get_action_dist(Discrete(4), {}, framework="torch")
    >>> dist_class.__name__, size
    ('TorchCategorical', 4)
    """

    @staticmethod
    def register_custom_model(model_name: str, model_class: type) -> None:
        """Make a class available as `model={"custom_model": model_name}`."""
        registry.models.register(model_name, model_class)

    @staticmethod
    def register_custom_action_dist(action_dist_name: str, action_dist_class: type) -> None:
        """Make a class available as `model={"custom_action_dist": action_dist_name}`."""
        registry.action_dists.register(action_dist_name, action_dist_class)

    @staticmethod
    def get_action_dist(
        action_space: gym.Space[Any],
        config: ModelConfig | None,
        dist_type: Any = None,
        framework: str = "tf",
        **kwargs: Any,
    ) -> tuple[Any, int]:
        """Give the distribution class (or a partial of it) and the size of its inputs.

        dist_type: None, "deterministic", or a class.
        Raises UnsupportedSpace if nothing serves the space.
        """
        return select_action_dist(action_space, config, dist_type=dist_type, framework=framework)

    @staticmethod
    def get_action_shape(
        action_space: gym.Space[Any], framework: str = "tf"
    ) -> tuple[Any, tuple[int | None, ...]]:
        """Give dtype and shape of a batch of actions, the batch size as None."""
        return action_shape(action_space, framework=framework)

    @staticmethod
    def get_action_placeholder(action_space: gym.Space[Any], name: str = "action") -> NoReturn:
        """Raise LegacyError: placeholders belong to static graphs."""
        raise LegacyError(
            f"ModelCatalog.get_action_placeholder({action_space}): there is no static graph here; "
            "take actions as tensors, as EagerTFPolicyV2 does"
        )

    @staticmethod
    def get_model_v2(
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        framework: str = "tf",
        name: str = "default_model",
        model_interface: type | None = None,
        default_model: type | None = None,
        **model_kwargs: Any,
    ) -> Any:
        """Build the custom or default model for spaces and config.

        model_interface: a class to be mixed in before the model's.
        default_model: taken if there is no custom model.
        model_kwargs: more arguments for the constructor; custom_model_config overrides them.
        """
        return build_model(
            obs_space,
            action_space,
            num_outputs,
            model_config,
            framework=framework,
            name=name,
            model_interface=model_interface,
            default_model=default_model,
            model_kwargs=model_kwargs,
        )

    @staticmethod
    def get_preprocessor(
        env: Any, options: Mapping[str, Any] | None = None, include_multi_binary: bool = False
    ) -> Preprocessor:
        """Build the preprocessor for the observations of an environment."""
        return ModelCatalog.get_preprocessor_for_space(
            env.observation_space, options, include_multi_binary
        )

    @staticmethod
    def get_preprocessor_for_space(
        observation_space: gym.Space[Any],
        options: Mapping[str, Any] | None = None,
        include_multi_binary: bool = False,
    ) -> Preprocessor:
        """Build the preprocessor for a space; raise ValueError for keys no model config has."""
        unknown = sorted(set(options or ()) - set(MODEL_DEFAULTS))
        if unknown:
            raise ValueError(
                f"model config: unknown keys {unknown}; known are {sorted(MODEL_DEFAULTS)}"
            )
        preprocessor_class = get_preprocessor(observation_space, include_multi_binary)
        return preprocessor_class(observation_space, options or MODEL_DEFAULTS)

    @staticmethod
    def _wrap_if_needed(model_cls: type, model_interface: type | None) -> type:
        return with_interface(model_cls, model_interface)
