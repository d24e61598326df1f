"""What SAC needs of a module: a policy, one or two critics, and their targets."""

from __future__ import annotations

import copy
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import nn

from rlmigrate.new_stack.apis import InferenceOnlyAPI, QNetAPI, TargetNetworkAPI
from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.distributions import (
    TorchCategorical,
    TorchDiagGaussian,
    TorchOldSquashedGaussian,
)
from rlmigrate.new_stack.layers.fully_connected import FullyConnectedNetwork
from rlmigrate.new_stack.layers.observations import preprocess
from rlmigrate.new_stack.layers.q_settings import SAC_NET
from rlmigrate.new_stack.layers.vision import VisionNetwork
from rlmigrate.new_stack.torch_rl_module import TorchRLModule


class SACModule(TorchRLModule, QNetAPI, TargetNetworkAPI, InferenceOnlyAPI):
    """SAC's nets over what `_forward` returns as "action_dist_inputs", the observation at first.

    They are those of SACTorchModel, under its names: `action_model`, `q_net` and `twin_q_net`. A
    subclass may override `build_policy_model` and `build_q_model`. Settings come by the model
    config: `policy_model_config`, `q_model_config`, `twin_q` (True) and `normalize_actions` (True).
    """

    def setup(self) -> None:
        """Build the nets; raises ValueError for spaces that these nets do not take."""
        space, actions = self.observation_space, self.action_space
        self.discrete = isinstance(actions, gym.spaces.Discrete)
        images = self.discrete and len(space.shape or ()) == 3
        if not isinstance(space, gym.spaces.Box) or (len(space.shape) != 1 and not images):
            raise ValueError(f"SACModule takes observations of a flat Box, not {space}")
        if not self.discrete and not isinstance(actions, gym.spaces.Box):
            raise ValueError(f"SACModule takes actions of Discrete or Box, not {actions}")
        self.num_outputs = int(np.prod(space.shape))
        config = self.model_config
        policy = {**SAC_NET, **config.get("policy_model_config", {})}
        critic = {**SAC_NET, **config.get("q_model_config", {})}
        self.action_dist_cls: Any = TorchCategorical
        size = width = int(np.prod(actions.shape or ()))
        if self.discrete:
            size = width = int(actions.n)  # type: ignore[attr-defined]
        else:
            squashed = config.get("normalize_actions", True)
            self.action_dist_cls = TorchOldSquashedGaussian if squashed else TorchDiagGaussian
            size, width = 2 * width, 1
        self.action_model = self.build_policy_model(space, size, policy, "policy_model")
        self.q_net = self.build_q_model(space, actions, width, critic, "q")
        self.twin_q_net: Any = None
        if config.get("twin_q", True):
            self.twin_q_net = self.build_q_model(space, actions, width, critic, "twin_q")
        # The Learner has an alpha of its own; these are here for old weights to load.
        self.log_alpha = nn.Parameter(torch.zeros(1), requires_grad=False)
        self.target_entropy = nn.Parameter(torch.zeros(1), requires_grad=False)
        self._no_encoder = nn.Identity()

    def build_policy_model(
        self, obs_space: Any, num_outputs: int, policy_model_config: dict[str, Any], name: str
    ) -> Any:
        """Build the policy's net: number[B, ...] -> float32[B, num_outputs]."""
        kind = VisionNetwork if len(obs_space.shape) == 3 else FullyConnectedNetwork
        return kind(obs_space, num_outputs, policy_model_config)

    def build_q_model(
        self,
        obs_space: Any,
        action_space: Any,
        num_outputs: int,
        q_model_config: dict[str, Any],
        name: str,
    ) -> Any:
        """Build a critic, over observations and actions unless these are discrete."""
        if not self.discrete:
            shape = (obs_space.shape[0] + action_space.shape[0],)
            obs_space = gym.spaces.Box(-np.inf, np.inf, shape, np.float32)
        kind = VisionNetwork if len(obs_space.shape) == 3 else FullyConnectedNetwork
        return kind(obs_space, num_outputs, q_model_config)

    # What SAC's Learner takes apart: the nets see the observation without an encoder.

    @property
    def pi(self) -> nn.Module:
        """The policy's net."""
        return self.action_model  # type: ignore[no-any-return]

    @property
    def qf(self) -> nn.Module:
        """The critic."""
        return self.q_net  # type: ignore[no-any-return]

    @property
    def qf_twin(self) -> Any:
        """The second critic, if there is one."""
        return self.twin_q_net

    @property
    def pi_encoder(self) -> nn.Module:
        """Nothing."""
        return self._no_encoder

    qf_encoder = qf_twin_encoder = pi_encoder

    def make_target_networks(self) -> None:
        """Copy the critics as the targets that no optimizer moves."""
        self._target_q_net = copy.deepcopy(self.q_net).requires_grad_(False)
        if self.twin_q_net is not None:
            self._target_twin_q_net = copy.deepcopy(self.twin_q_net).requires_grad_(False)

    def get_target_network_pairs(self) -> list[tuple[nn.Module, nn.Module]]:
        """Return the critics with their targets, for the Learner to bring closer."""
        return list(zip(self._critics(), self._critics(target=True), strict=True))

    def get_non_inference_attributes(self) -> list[str]:
        """Name the parts that acting does without."""
        return ["q_net", "twin_q_net", "_target_q_net", "_target_twin_q_net"]

    def _critics(self, *, target: bool = False) -> list[Any]:
        prefix = "_target_" if target else ""
        names = ["q_net"] if self.twin_q_net is None else ["q_net", "twin_q_net"]
        return [getattr(self, f"{prefix}{name}") for name in names]

    def _q_values(self, batch: dict[str, Any], nets: list[Any]) -> list[torch.Tensor]:
        """float32[B] of each critic, or float32[B, n] for discrete actions."""
        features = self._features(batch)
        if self.discrete:
            return [net(features) for net in nets]
        given = torch.cat([features, batch[Columns.ACTIONS]], dim=-1)
        return [net(given).squeeze(-1) for net in nets]

    def _features(self, batch: dict[str, Any]) -> torch.Tensor:
        features: torch.Tensor = self._forward(batch)[Columns.ACTION_DIST_INPUTS]
        return features

    def compute_q_values(self, batch: dict[str, Any], squeeze: bool = True) -> Any:
        """Return the smaller of the critics' values: float32[B], or float32[B, n]."""
        values = self._q_values(batch, self._critics())
        return values[0] if len(values) == 1 else torch.min(*values)

    def forward_target(self, batch: dict[str, Any], squeeze: bool = True) -> Any:
        """Return the smaller of the target critics' values."""
        values = self._q_values(batch, self._critics(target=True))
        return values[0] if len(values) == 1 else torch.min(*values)

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {Columns.ACTION_DIST_INPUTS: preprocess(batch[Columns.OBS], self.observation_space)}

    def _forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {Columns.ACTION_DIST_INPUTS: self.action_model(self._features(batch))}

    def _forward_exploration(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return self._forward_inference(batch, **kwargs)

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        after = {Columns.OBS: batch[Columns.NEXT_OBS]}
        logits = self.action_model(self._features(batch))
        logits_after = self.action_model(self._features(after))
        values = self._q_values(batch, self._critics())
        outs: dict[str, Any] = dict(zip(("qf_preds", "qf_twin_preds"), values, strict=False))
        if self.discrete:
            now, then = logits.log_softmax(-1), logits_after.log_softmax(-1)
            return outs | {
                "q_target_next": self.forward_target(after),
                "action_probs": now.exp(),
                "action_log_probs": now,
                "action_probs_next": then.exp(),
                "action_log_probs_next": then,
            }
        dist = self.get_train_action_dist_cls()
        actions, logp = self._drawn(dist.from_logits(logits))
        with torch.no_grad():
            chosen, logp_after = self._drawn(dist.from_logits(logits_after))
            q_after = self.forward_target({**after, Columns.ACTIONS: chosen})
        return outs | {
            Columns.ACTION_DIST_INPUTS: logits,
            "action_dist_inputs_next": logits_after,
            "logp_resampled": logp,
            "logp_next_resampled": logp_after,
            "q_curr": self._straight_through({**batch, Columns.ACTIONS: actions}),
            "q_target_next": q_after,
        }

    @staticmethod
    def _drawn(dist: Any) -> tuple[torch.Tensor, torch.Tensor]:
        actions = dist.rsample()
        return actions, dist.logp(actions)

    def _straight_through(self, batch: dict[str, Any]) -> torch.Tensor:
        """Q-values whose gradients reach the actions but not the critics."""
        parameters = [p for net in self._critics() for p in net.parameters() if p.requires_grad]
        for parameter in parameters:
            parameter.requires_grad_(False)
        try:
            values: torch.Tensor = self.compute_q_values(batch)
        finally:
            for parameter in parameters:
                parameter.requires_grad_(True)
        return values
