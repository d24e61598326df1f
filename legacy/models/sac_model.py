"""SAC's policy and Q nets, in torch."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
import tree
from gymnasium.spaces import Box, Discrete
from torch import nn

from rlmigrate.errors import UnsupportedSpace
from rlmigrate.legacy.catalog.catalog import ModelCatalog
from rlmigrate.legacy.catalog.defaults import MODEL_DEFAULTS
from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2
from rlmigrate.legacy.types import ModelConfig, TensorStruct


class SACTorchModel(TorchModelV2, nn.Module):
    """A policy net and one or two Q nets over the same observation, without shared layers.

    `forward` passes the observation on; `get_action_model_outputs`, `get_q_values` and
    `get_twin_q_values` run the nets on it. Overriding `build_policy_model` or `build_q_model`
    changes them.
    """

    def __init__(
        self,
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
        policy_model_config: ModelConfig | None = None,
        q_model_config: ModelConfig | None = None,
        twin_q: bool = False,
        initial_alpha: float = 1.0,
        target_entropy: Any = None,
    ) -> None:
        nn.Module.__init__(self)
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        self.discrete = isinstance(action_space, Discrete)
        if isinstance(action_space, Discrete):
            self.action_dim = int(action_space.n)
            action_outs = q_outs = self.action_dim
        elif isinstance(action_space, Box) or type(action_space).__name__ == "Simplex":
            self.action_dim = int(np.prod(action_space.shape or ()))
            action_outs = self.action_dim * (2 if isinstance(action_space, Box) else 1)
            q_outs = 1
        else:
            raise UnsupportedSpace(
                f"SAC: actions of {action_space} are not supported; use Discrete, Box or Simplex"
            )
        policy_config = dict(MODEL_DEFAULTS if policy_model_config is None else policy_model_config)
        q_config = dict(MODEL_DEFAULTS if q_model_config is None else q_model_config)
        self.action_model = self.build_policy_model(
            self.obs_space, action_outs, policy_config, "policy_model"
        )
        self.q_net = self.build_q_model(self.obs_space, action_space, q_outs, q_config, "q")
        self.twin_q_net = (
            self.build_q_model(self.obs_space, action_space, q_outs, q_config, "twin_q")
            if twin_q
            else None
        )
        self.log_alpha = nn.Parameter(torch.from_numpy(np.array([np.log(initial_alpha)])).float())
        if target_entropy is None or target_entropy == "auto":
            target_entropy = self._default_target_entropy()
        self.target_entropy = nn.Parameter(
            torch.from_numpy(np.array([target_entropy])).float(), requires_grad=False
        )

    def _default_target_entropy(self) -> Any:
        if self.discrete:
            return 0.98 * np.array(-np.log(1.0 / self.action_dim), dtype=np.float32)
        return -self.action_dim

    def forward(self, input_dict: Any, state: list[Any], seq_lens: Any) -> tuple[Any, list[Any]]:
        """Pass the observation on."""
        return input_dict["obs"], state

    def build_policy_model(
        self, obs_space: Any, num_outputs: int, policy_model_config: ModelConfig, name: str
    ) -> Any:
        """Build the policy net."""
        return ModelCatalog.get_model_v2(
            obs_space,
            self.action_space,
            num_outputs,
            policy_model_config,
            framework="torch",
            name=name,
        )

    def build_q_model(
        self,
        obs_space: Any,
        action_space: Any,
        num_outputs: int,
        q_model_config: ModelConfig,
        name: str,
    ) -> Any:
        """Build a Q net, over observation and action unless actions are discrete."""
        self.concat_obs_and_actions = False
        original = getattr(obs_space, "original_space", obs_space)
        if self.discrete:
            input_space: Any = obs_space
        elif isinstance(original, Box) and len(original.shape) == 1:
            width = original.shape[0] + action_space.shape[0]
            input_space = Box(-np.inf, np.inf, shape=(width,))
            self.concat_obs_and_actions = True
        else:
            input_space = gym.spaces.Tuple([original, action_space])
        return ModelCatalog.get_model_v2(
            input_space, action_space, num_outputs, q_model_config, framework="torch", name=name
        )

    def get_q_values(
        self, model_out: TensorStruct, actions: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, list[Any]]:
        """Give Q-values [B, 1] of actions [B, n], or [B, A] of all discrete actions, and states."""
        return self._get_q_value(model_out, actions, self.q_net)

    def get_twin_q_values(
        self, model_out: TensorStruct, actions: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, list[Any]]:
        """Give the second Q net's values; needs `twin_q`."""
        return self._get_q_value(model_out, actions, self.twin_q_net)

    def _get_q_value(
        self, model_out: TensorStruct, actions: torch.Tensor | None, net: Any
    ) -> tuple[torch.Tensor, list[Any]]:
        if isinstance(net.obs_space, Box):
            model_out = _side_by_side(model_out)
        if actions is None:
            obs = model_out
        elif self.concat_obs_and_actions:
            obs = torch.cat([model_out, actions], dim=-1)
        else:
            obs = (model_out, actions)
        out: tuple[torch.Tensor, list[Any]] = net({"obs": obs, "is_training": True}, [], None)
        return out

    def get_action_model_outputs(
        self,
        model_out: TensorStruct,
        state_in: list[Any] | None = None,
        seq_lens: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, list[Any]]:
        """Give the inputs of the action distribution, and states.

        model_out: what `forward` gave, or a dict with it under "obs".
        """
        inputs = model_out if isinstance(model_out, dict) and "obs" in model_out else None
        obs = model_out if inputs is None else inputs["obs"]
        if isinstance(self.action_model.obs_space, Box):
            obs = _side_by_side(obs)
        if inputs is None:
            inputs = {"obs": obs}
        else:
            inputs["obs"] = obs
        out: tuple[torch.Tensor, list[Any]] = self.action_model(inputs, state_in or [], seq_lens)
        return out

    def policy_variables(self) -> Any:
        """List the policy net's parameters."""
        return self.action_model.variables()

    def q_variables(self) -> Any:
        """List the parameters of the Q nets."""
        twin = self.twin_q_net.variables() if self.twin_q_net else []
        return self.q_net.variables() + twin


def _side_by_side(obs: TensorStruct) -> torch.Tensor:
    """Concatenate the leaves of a structured observation, in its own order."""
    if isinstance(obs, dict):
        obs = list(obs.values())
    if isinstance(obs, list | tuple):
        leaves = tree.flatten(obs)
        return torch.cat([leaf.unsqueeze(1) if leaf.dim() == 1 else leaf for leaf in leaves], -1)
    tensor: torch.Tensor = obs
    return tensor
