"""The small modules that RLlib's documents show."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.distributions import TorchCategorical
from rlmigrate.new_stack.multi_rl_module import MultiRLModule
from rlmigrate.new_stack.torch_rl_module import TorchRLModule


class DiscreteBCTorchModule(TorchRLModule):
    """One hidden layer of `fcnet_hiddens[0]` units, for Discrete actions."""

    def setup(self) -> None:
        """Build the net."""
        self.input_dim = self.observation_space.shape[0]
        hidden = self.model_config["fcnet_hiddens"][0]
        self.policy = nn.Sequential(
            nn.Linear(self.input_dim, hidden),
            nn.ReLU(),
            nn.Linear(hidden, int(self.action_space.n)),
        )

    def get_inference_action_dist_cls(self) -> type[TorchCategorical]:
        """Return TorchCategorical."""
        return TorchCategorical

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {Columns.ACTION_DIST_INPUTS: self.policy(batch[Columns.OBS])}


class BCTorchRLModuleWithSharedGlobalEncoder(TorchRLModule):
    """A policy over `obs["local"]` and the features of `obs["global"]` from a given encoder."""

    encoder: nn.Module

    def setup(self) -> None:
        """Build the policy head; the encoder comes from model_config, or is set afterwards."""
        hidden = self.model_config["hidden_dim"]
        self.encoder = self.model_config["encoder"]
        self.policy_head = nn.Sequential(
            nn.Linear(hidden + self.model_config["local_dim"], hidden),
            nn.ReLU(),
            nn.Linear(hidden, self.model_config["action_dim"]),
        )

    def get_inference_action_dist_cls(self) -> type[TorchCategorical]:
        """Return TorchCategorical."""
        return TorchCategorical

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        obs = batch[Columns.OBS]
        features = torch.cat([self.encoder(obs["global"]), obs["local"]], dim=-1)
        return {Columns.ACTION_DIST_INPUTS: self.policy_head(features)}


class BCTorchMultiAgentModuleWithSharedEncoder(MultiRLModule):
    """Modules that share the encoder of the global part of their observations."""

    def setup(self) -> None:
        """Build the shared encoder and a module for each spec."""
        first = next(iter(self.rl_module_specs.values()))
        hidden = first.model_config["fcnet_hiddens"][0]
        shared = nn.Sequential(
            nn.Linear(first.observation_space["global"].shape[0], hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
        )
        self.framework = "torch"
        self._rl_modules = {}
        for name, spec in self.rl_module_specs.items():
            self._rl_modules[name] = (spec.module_class or BCTorchRLModuleWithSharedGlobalEncoder)(
                observation_space=spec.observation_space,
                action_space=spec.action_space,
                inference_only=spec.inference_only,
                model_config={
                    "encoder": shared,
                    "local_dim": spec.observation_space["local"].shape[0],
                    "hidden_dim": hidden,
                    "action_dim": int(spec.action_space.n),
                },
            )
