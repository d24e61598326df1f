"""What DQN needs of a module beside its body: heads, target network, epsilon-greedy actions."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import nn

from rlmigrate.new_stack.apis import InferenceOnlyAPI, QNetAPI, TargetNetworkAPI
from rlmigrate.new_stack.layers.noisy_layer import NoisyLayer
from rlmigrate.new_stack.layers.q_settings import Q_SETTINGS
from rlmigrate.new_stack.layers.slim_fc import SlimFC
from rlmigrate.new_stack.torch_rl_module import TorchRLModule


class QModule(TorchRLModule, QNetAPI, TargetNetworkAPI, InferenceOnlyAPI):
    """Q-values on top of what `_forward` returns as "action_dist_inputs": float32[B, num_outputs].

    The heads are those of DQNTorchModel, under its names. They have layers of `hiddens`, and
    `num_outputs` is the last of `fcnet_hiddens`; with `hiddens=[]` what `_forward` returns are the
    Q-values. Settings come by the model config: those of `Q_SETTINGS`.
    """

    masked_score: ClassVar[float] = float("-inf")  # of an action that a model does not allow

    def setup(self) -> None:
        """Build the heads."""
        settings = {**Q_SETTINGS, **self.model_config}
        hiddens = list(settings["hiddens"])
        sizes = [256, *self.model_config.get("fcnet_hiddens", [256, 256])]
        actions = int(self.action_space.n)  # type: ignore[attr-defined]
        self.num_outputs = sizes[-1] if hiddens else actions
        self.dueling = settings["dueling"]
        self.double_q = settings["double_q"]
        self.num_atoms = settings["num_atoms"]
        self.v_min, self.v_max = settings["v_min"], settings["v_max"]
        self.epsilon = settings["epsilon"]
        self.build_heads(settings, hiddens, actions)
        if hiddens:  # nets that get the model config end in a hidden layer then
            self.model_config = {**self.model_config, "no_final_linear": True}

    def build_heads(self, settings: dict[str, Any], hiddens: list[int], actions: int) -> None:
        """Make the layers of the heads."""
        sizes = [self.num_outputs, *hiddens]
        self.advantage_module = self._head("A", sizes, actions * self.num_atoms, settings)
        if self.dueling:
            self.value_module = self._head("V", sizes, self.num_atoms, settings)

    def _head(self, name: str, sizes: list[int], out: int, settings: dict[str, Any]) -> nn.Module:
        head = nn.Sequential()
        act, sigma = settings["dueling_activation"], settings["sigma0"]
        for i, (before, after) in enumerate(pairwise(sizes)):
            layer: nn.Module = (
                NoisyLayer(before, after, sigma, activation_fn=act)
                if settings["noisy"]
                else SlimFC(before, after, activation_fn=act)
            )
            head.add_module(f"dueling_{name}_{i}", layer)
        if settings["noisy"]:
            head.add_module(name, NoisyLayer(sizes[-1], out, sigma, activation_fn=None))
        elif len(sizes) > 1:
            head.add_module(name, SlimFC(sizes[-1], out))
        return head

    def get_q_value_distributions(self, model_out: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return (scores, logits, probabilities); with atoms (scores, atoms, logits, logits, p)."""
        return self.q_distributions(self.advantage_module(model_out))

    def q_distributions(self, scores: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Say what scores, float32[B, n * num_atoms], are as distributions."""
        if self.num_atoms == 1:
            ones = torch.ones_like(scores).unsqueeze(-1)
            return scores, ones, ones
        atoms = torch.arange(0.0, self.num_atoms, dtype=torch.float32).to(scores.device)
        atoms = self.v_min + atoms * (self.v_max - self.v_min) / float(self.num_atoms - 1)
        logits = scores.reshape(-1, int(self.action_space.n), self.num_atoms)  # type: ignore[attr-defined]
        probabilities = torch.softmax(logits, dim=-1)
        return torch.sum(atoms * probabilities, dim=-1), atoms, logits, logits, probabilities

    def get_state_value(self, model_out: torch.Tensor) -> torch.Tensor:
        """Return the value part of a dueling net: float32[B, num_atoms]."""
        value: torch.Tensor = self.value_module(model_out)
        return value

    def compute_q_values(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return qf_preds: float32[B, n], and with atoms their support, logits, probabilities."""
        features = self._forward(batch)["action_dist_inputs"]
        heads = self.get_q_value_distributions(features)
        value = self.get_state_value(features) if self.dueling else None
        if self.num_atoms > 1:
            scores, atoms, logits, _, probabilities = heads
            if value is not None:
                logits = value.unsqueeze(1) + (logits - logits.mean(dim=1).unsqueeze(1))
                probabilities = torch.softmax(logits, dim=-1)
                scores = torch.sum(atoms * probabilities, dim=-1)
            return {
                "qf_preds": scores,
                "atoms": atoms,
                "qf_logits": logits,
                "qf_probs": probabilities,
            }
        if value is None:
            return {"qf_preds": heads[0]}
        unmasked = heads[0] != self.masked_score
        total = torch.where(unmasked, heads[0], torch.zeros_like(heads[0])).sum(1)
        return {"qf_preds": value + (heads[0] - (total / unmasked.float().sum(1)).unsqueeze(1))}

    def compute_advantage_distribution(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return what compute_q_values() does, the advantages put to the value."""
        return self.compute_q_values(batch)

    @torch.no_grad()
    def _forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {"actions": self.compute_q_values(batch)["qf_preds"].argmax(dim=-1)}

    @torch.no_grad()
    def _forward_exploration(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Act at random with the probability epsilon, but never take a masked action."""
        values = self.compute_q_values(batch)["qf_preds"]
        allowed = (values > torch.finfo(torch.float32).min).float()
        drawn = torch.multinomial(allowed, 1).squeeze(1)
        epsilon = self._epsilon_at(int(kwargs.get("t") or 0))
        chance = torch.empty(len(values), device=values.device).uniform_() < epsilon
        return {"actions": torch.where(chance, drawn, values.argmax(dim=-1))}

    def _epsilon_at(self, t: int) -> float:
        """The probability of a random action; `epsilon` is a number or [(timestep, value), ...]."""
        if not isinstance(self.epsilon, list | tuple):
            return float(self.epsilon)
        for (start, first), (end, last) in pairwise(self.epsilon):
            if start <= t < end:
                return float(first + float(t - start) / (end - start) * (last - first))
        return float(self.epsilon[-1][1])

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        outs = self.compute_q_values(batch)
        after = {**batch, "obs": batch["new_obs"]}
        target = self.forward_target(after)
        outs["qf_target_next_preds"] = target["qf_preds"]
        if self.double_q:
            outs["qf_next_preds"] = self.compute_q_values(after)["qf_preds"]
        if self.num_atoms > 1:
            outs["qf_target_next_probs"] = target["qf_probs"]
        return outs

    def make_target_networks(self) -> None:
        """Copy the module as the target that no optimizer moves."""
        self._modules.pop("_target", None)
        self._target = copy.deepcopy(self).requires_grad_(False)

    def get_target_network_pairs(self) -> list[tuple[nn.Module, nn.Module]]:
        """Return (module, target) for the Learner to bring closer."""
        return [(self, self._target)]

    def forward_target(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return what compute_q_values() does, of the target network."""
        found: dict[str, Any] = self._target.compute_q_values(batch)
        return found

    def get_non_inference_attributes(self) -> list[str]:
        """Name the part that acting does without."""
        return ["_target"]
