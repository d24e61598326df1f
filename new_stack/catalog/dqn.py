"""DQN's catalog."""

from __future__ import annotations

from typing import Any, ClassVar

from rlmigrate.new_stack.catalog.catalog import Catalog
from rlmigrate.new_stack.distributions import TorchCategorical
from rlmigrate.new_stack.models.configs import MLPHeadConfig


class DQNCatalog(Catalog):
    """An encoder, a head for advantages (or Q-values) and one for values."""

    # DQNConfig's defaults; Ray has them in the algorithm's config only.
    extra_settings: ClassVar[dict[str, Any]] = {
        "dueling": True,
        "double_q": True,
        "num_atoms": 1,
        "v_min": -10.0,
        "v_max": 10.0,
        "epsilon": [(0, 1.0), (10000, 0.05)],
        "std_init": 0.1,
    }

    def __init__(self, observation_space: Any, action_space: Any, model_config_dict: Any) -> None:
        super().__init__(observation_space, action_space, model_config_dict)
        self.num_atoms = self._model_config_dict["num_atoms"]
        self.af_head_config = self._get_head_config(int(self.action_space.n * self.num_atoms))  # type: ignore[attr-defined]
        self.vf_head_config = self._get_head_config(1)

    def build_af_head(self, framework: str) -> Any:
        """Build the head of the advantages."""
        return self.af_head_config.build(framework=framework)

    def build_vf_head(self, framework: str) -> Any:
        """Build the head of the values."""
        return self.vf_head_config.build(framework=framework)

    def get_action_dist_cls(self, framework: str) -> Any:
        """Return TorchCategorical."""
        if framework != "torch":
            raise ValueError(f"DQN's framework must be 'torch', not {framework!r}")
        return TorchCategorical

    def _get_head_config(self, output_layer_dim: int) -> MLPHeadConfig:
        settings = self._model_config_dict
        weights = settings["head_fcnet_kernel_initializer"]
        weights_options = settings["head_fcnet_kernel_initializer_kwargs"]
        biases = settings["head_fcnet_bias_initializer"]
        biases_options = settings["head_fcnet_bias_initializer_kwargs"]
        return MLPHeadConfig(
            input_dims=self.latent_dims,
            hidden_layer_dims=settings["head_fcnet_hiddens"],
            hidden_layer_activation=settings["head_fcnet_activation"],
            hidden_layer_weights_initializer=weights,
            hidden_layer_weights_initializer_config=weights_options,
            hidden_layer_bias_initializer=biases,
            hidden_layer_bias_initializer_config=biases_options,
            output_layer_activation="linear",
            output_layer_dim=output_layer_dim,
            output_layer_weights_initializer=weights,
            output_layer_weights_initializer_config=weights_options,
            output_layer_bias_initializer=biases,
            output_layer_bias_initializer_config=biases_options,
        )
