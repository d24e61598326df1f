"""DDPG's and TD3's heads, in torch (RLlib to 2.6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import nn

from rlmigrate.errors import UnsupportedSpace
from rlmigrate.legacy.models.misc import SlimFC
from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2
from rlmigrate.legacy.types import ModelConfig


class DDPGTorchModel(TorchModelV2, nn.Module):
    """A deterministic policy and one or two Q nets behind a model; a subclass gives `forward`.

    num_outputs: size of what `forward` gives, which all three nets read.
    twin_q: a second Q net, as for TD3.
    add_layer_norm: a LayerNorm behind each of the policy's hidden layers, for parameter noise.
    Raises UnsupportedSpace unless the action space is a Box.
    """

    def __init__(
        self,
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int,
        model_config: ModelConfig,
        name: str,
        actor_hiddens: Sequence[int] | None = None,
        actor_hidden_activation: str = "relu",
        critic_hiddens: Sequence[int] | None = None,
        critic_hidden_activation: str = "relu",
        twin_q: bool = False,
        add_layer_norm: bool = False,
    ) -> None:
        if not isinstance(action_space, gym.spaces.Box):
            raise UnsupportedSpace(f"DDPG: action space is {action_space}, expected a Box")
        nn.Module.__init__(self)
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        self.bounded = bool(np.any(action_space.bounded_above & action_space.bounded_below))
        self.action_dim = int(np.prod(action_space.shape))
        self.obs_ins = num_outputs
        self.policy_model = nn.Sequential()
        sizes = [256, 256] if actor_hiddens is None else list(actor_hiddens)
        width = num_outputs
        for index, size in enumerate(sizes):
            layer = _dense(width, size, actor_hidden_activation)
            self.policy_model.add_module(f"action_{index}", layer)
            if add_layer_norm:
                self.policy_model.add_module(f"LayerNorm_A_{index}", nn.LayerNorm(size))
            width = size
        self.policy_model.add_module("action_out", _dense(width, self.action_dim, None))
        if self.bounded:
            self.policy_model.add_module("action_out_squashed", _Squash(action_space))
        self._critic = [256, 256] if critic_hiddens is None else list(critic_hiddens)
        self._critic_activation = critic_hidden_activation
        self.q_model = self._q_net("q")
        self.twin_q_model = self._q_net("twin_q") if twin_q else None

    def _q_net(self, name: str) -> nn.Sequential:
        net = nn.Sequential()
        width = self.obs_ins + self.action_dim
        for index, size in enumerate(self._critic):
            net.add_module(f"{name}_hidden_{index}", _dense(width, size, self._critic_activation))
            width = size
        net.add_module(f"{name}_out", _dense(width, 1, None))
        return net

    def get_q_values(self, model_out: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Give Q-values [B, 1] of features [B, num_outputs] and actions [B, n]."""
        values: torch.Tensor = self.q_model(torch.cat([model_out, actions], -1))
        return values

    def get_twin_q_values(self, model_out: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Give the second Q net's values; needs `twin_q`."""
        assert self.twin_q_model is not None, "built without twin_q"
        values: torch.Tensor = self.twin_q_model(torch.cat([model_out, actions], -1))
        return values

    def get_policy_output(self, model_out: torch.Tensor) -> torch.Tensor:
        """Give actions [B, n] within the bounds of the action space, if it has any."""
        actions: torch.Tensor = self.policy_model(model_out)
        return actions

    def policy_variables(self, as_dict: bool = False) -> Any:
        """List the parameters of the policy, or name them."""
        if as_dict:
            return self.policy_model.state_dict()
        return list(self.policy_model.parameters())

    def q_variables(self, as_dict: bool = False) -> Any:
        """List the parameters of the Q nets, or name them."""
        nets = [net for net in (self.q_model, self.twin_q_model) if net is not None]
        if as_dict:
            return {name: value for net in nets for name, value in net.state_dict().items()}
        return list(_parameters(nets))


class _Squash(nn.Module):
    """Map to the action space's bounds, with the slope that tanh would have."""

    def __init__(self, space: gym.spaces.Box) -> None:
        super().__init__()
        # Parameters, for so they stand in old checkpoints.
        self.low_action = _constant(space.low)
        self.action_range = _constant(space.high - space.low)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.action_range * torch.sigmoid(2.0 * x) + self.low_action


def _constant(value: np.ndarray[Any, Any]) -> nn.Parameter:
    return nn.Parameter(torch.from_numpy(value).float(), requires_grad=False)


def _dense(inputs: int, size: int, activation: str | None) -> SlimFC:
    return SlimFC(inputs, size, initializer=torch.nn.init.xavier_uniform_, activation_fn=activation)


def _parameters(nets: list[nn.Sequential]) -> Iterator[nn.Parameter]:
    for net in nets:
        yield from net.parameters()
