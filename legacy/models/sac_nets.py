"""What SAC's torch and TF models have in common."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import tree
from gymnasium.spaces import Box, Discrete

from rlmigrate.errors import UnsupportedSpace
from rlmigrate.legacy.catalog.catalog import ModelCatalog
from rlmigrate.legacy.catalog.defaults import MODEL_DEFAULTS
from rlmigrate.legacy.types import ModelConfig, Tensor, TensorStruct


class SACNets:
    """A policy net and one or two Q nets over the same observation, without shared layers.

    `forward` passes the observation on; `get_action_model_outputs`, `get_q_values` and
    `get_twin_q_values` run the nets on it. Overriding `build_policy_model` or `build_q_model`
    changes them.
    """

    net_framework: ClassVar[str]
    obs_space: Any
    action_space: Any
    action_model: Any
    q_net: Any
    twin_q_net: Any

    @staticmethod
    def _concat(parts: list[Tensor]) -> Tensor:
        """Put tensors side by side; those of [B] become [B, 1]."""
        raise NotImplementedError

    def _build_nets(
        self,
        policy_model_config: ModelConfig | None,
        q_model_config: ModelConfig | None,
        *,
        twin_q: bool,
    ) -> None:
        space = self.action_space
        self.discrete = isinstance(space, Discrete)
        if self.discrete:
            self.action_dim = int(space.n)
            action_outs = q_outs = self.action_dim
        elif isinstance(space, Box) or type(space).__name__ == "Simplex":
            self.action_dim = int(np.prod(space.shape or ()))
            action_outs = self.action_dim * (2 if isinstance(space, Box) else 1)
            q_outs = 1
        else:
            raise UnsupportedSpace(
                f"SAC: actions of {space} are not supported; use Discrete, Box or Simplex"
            )
        policy_config = dict(MODEL_DEFAULTS if policy_model_config is None else policy_model_config)
        q_config = dict(MODEL_DEFAULTS if q_model_config is None else q_model_config)
        self.action_model = self.build_policy_model(
            self.obs_space, action_outs, policy_config, "policy_model"
        )
        self.q_net = self.build_q_model(self.obs_space, space, q_outs, q_config, "q")
        self.twin_q_net = (
            self.build_q_model(self.obs_space, space, q_outs, q_config, "twin_q")
            if twin_q
            else None
        )

    def _target_entropy(self, given: Any) -> Any:
        if given is not None and given != "auto":
            return given
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
            framework=self.net_framework,
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
            input_space,
            action_space,
            num_outputs,
            q_model_config,
            framework=self.net_framework,
            name=name,
        )

    def get_q_values(
        self, model_out: TensorStruct, actions: Tensor = None
    ) -> tuple[Tensor, list[Any]]:
        """Give Q-values [B, 1] of actions [B, n], or [B, A] of all discrete actions, and states."""
        return self._get_q_value(model_out, actions, self.q_net)

    def get_twin_q_values(
        self, model_out: TensorStruct, actions: Tensor = None
    ) -> tuple[Tensor, list[Any]]:
        """Give the second Q net's values; needs `twin_q`."""
        return self._get_q_value(model_out, actions, self.twin_q_net)

    def _get_q_value(
        self, model_out: TensorStruct, actions: Tensor, net: Any
    ) -> tuple[Tensor, list[Any]]:
        if isinstance(net.obs_space, Box):
            model_out = self._side_by_side(model_out)
        if actions is None:
            obs = model_out
        elif self.concat_obs_and_actions:
            obs = self._concat([model_out, actions])
        else:
            obs = (model_out, actions)
        out: tuple[Tensor, list[Any]] = net({"obs": obs, "is_training": True}, [], None)
        return out

    def get_action_model_outputs(
        self, model_out: TensorStruct, state_in: list[Any] | None = None, seq_lens: Any = None
    ) -> tuple[Tensor, list[Any]]:
        """Give the inputs of the action distribution, and states.

        model_out: what `forward` gave, or a dict with it under "obs".
        """
        inputs = model_out if isinstance(model_out, dict) and "obs" in model_out else None
        obs = model_out if inputs is None else inputs["obs"]
        if isinstance(self.action_model.obs_space, Box):
            obs = self._side_by_side(obs)
        if inputs is None:
            inputs = {"obs": obs}
        else:
            inputs["obs"] = obs
        out: tuple[Tensor, list[Any]] = self.action_model(inputs, state_in or [], seq_lens)
        return out

    def _side_by_side(self, obs: TensorStruct) -> Tensor:
        """Concatenate the leaves of a structured observation, in its own order."""
        if isinstance(obs, dict):
            obs = list(obs.values())
        return self._concat(tree.flatten(obs)) if isinstance(obs, list | tuple) else obs

    def policy_variables(self) -> Any:
        """List the policy net's variables."""
        return self.action_model.variables()

    def q_variables(self) -> Any:
        """List the variables of the Q nets."""
        twin = self.twin_q_net.variables() if self.twin_q_net else []
        return self.q_net.variables() + twin
