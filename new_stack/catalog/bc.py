"""BC's catalog."""

from __future__ import annotations

from typing import Any

from rlmigrate.new_stack.catalog.catalog import Catalog
from rlmigrate.new_stack.catalog.pi_head import pi_head_config


class BCCatalog(Catalog):
    """An encoder and a policy head."""

    def __init__(self, observation_space: Any, action_space: Any, model_config_dict: Any) -> None:
        super().__init__(observation_space, action_space, model_config_dict)
        self.pi_head_hiddens = self._model_config_dict["head_fcnet_hiddens"]
        self.pi_head_activation = self._model_config_dict["head_fcnet_activation"]
        self.pi_head_config: Any = None

    def build_pi_head(self, framework: str) -> Any:
        """Build the policy head."""
        self.pi_head_config = pi_head_config(
            self.get_action_dist_cls(framework=framework),
            self._model_config_dict,
            space=self.action_space,
            latent_dims=self.latent_dims,
        )
        return self.pi_head_config.build(framework=framework)
