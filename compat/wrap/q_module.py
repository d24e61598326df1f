"""The methods that make DQN's RLModule of a legacy model."""

from __future__ import annotations

from typing import Any

import torch

from rlmigrate.compat.wrap.building import Built, build_model
from rlmigrate.compat.wrap.module import Batch, WrappedModel
from rlmigrate.compat.wrap.q_protocol import QProtocol
from rlmigrate.compat.wrap.stacks import dqn_interface
from rlmigrate.new_stack.defaults.schedule import Schedule


class WrappedQModel(QProtocol, WrappedModel):
    """Run a legacy model with DQN's heads, which the old stack mixed into it, as an RLModule.

    DQN's settings (dueling, double_q, num_atoms, v_min, v_max, noisy, sigma0, hiddens, epsilon)
    are read from the model config, where RLlib's DQNConfig puts most of them.
    """

    def setup(self) -> None:
        """Build the model with its heads, and the epsilon schedule."""
        super().setup()
        self._wrap_epsilon = Schedule(self._wrap_setting("epsilon"))

    def _wrap_build(self, config: dict[str, Any]) -> Built:
        return self._wrap_build_with_heads(
            build_model,
            self._wrap_family,
            config,
            framework="torch",
            interface=dqn_interface(self._wrap_family),
            dueling_activation=self._wrap_setting("dueling_activation"),
        )

    def _wrap_unneeded(self) -> list[str]:
        return []

    # ---- Q-values

    def forward_target(self, batch: Batch) -> Batch:
        """Return what `compute_q_values` does, of the target network."""
        return self._wrap_q(batch, self.target_legacy_model)

    def _wrap_q(self, batch: Batch, model: Any) -> Batch:
        outputs, lead = self._wrap_run(batch, model)
        features = outputs.pop("action_dist_inputs")
        heads = model.get_q_value_distributions(features.flatten(0, len(lead) - 1))
        outputs["qf_preds"] = heads[0]
        dueling = self._wrap_setting("dueling")
        value = model.get_state_value(features.flatten(0, len(lead) - 1)) if dueling else None
        if self._wrap_setting("num_atoms") > 1:
            _, support, logits, _, probabilities = heads
            if value is not None:
                logits = value.unsqueeze(1) + (logits - logits.mean(dim=1, keepdim=True))
                probabilities = torch.softmax(logits, dim=-1)
                outputs["qf_preds"] = torch.sum(support * probabilities, dim=-1)
            outputs |= {"atoms": support, "qf_logits": logits, "qf_probs": probabilities}
        elif value is not None:
            outputs["qf_preds"] = value + (heads[0] - _mean_of_finite(heads[0]))
        return {
            key: item.reshape(*lead, *item.shape[1:])
            if len(lead) == 2 and key.startswith("qf_")
            else item
            for key, item in outputs.items()
        }

    # ---- forward passes

    def _forward(self, batch: Batch, **kwargs: Any) -> Batch:
        outputs = self.compute_q_values(batch)
        found = {"actions": outputs["qf_preds"].argmax(dim=-1)}
        return found | {key: outputs[key] for key in ("state_out",) if key in outputs}

    @torch.no_grad()
    def _forward_exploration(self, batch: Batch, **kwargs: Any) -> Batch:
        """Act epsilon-greedily, drawing from the generator as the old EpsilonGreedy did."""
        epsilon = self._wrap_epsilon.update(int(kwargs.get("t") or 0))
        outputs = self.compute_q_values(batch)
        values = outputs["qf_preds"].flatten(0, -2)
        smallest = torch.finfo(torch.float32).min
        allowed = torch.where(values <= smallest, torch.zeros_like(values), torch.ones_like(values))
        drawn = torch.multinomial(allowed, 1).squeeze(1)
        chance = torch.empty(values.shape[:1], device=values.device).uniform_() < epsilon
        actions = torch.where(chance, drawn, values.argmax(dim=1))
        found = {"actions": actions.reshape(outputs["qf_preds"].shape[:-1])}
        return found | {key: outputs[key] for key in ("state_out",) if key in outputs}


def _mean_of_finite(values: torch.Tensor) -> torch.Tensor:
    """Average advantages over the actions that are not masked: float[B, 1]."""
    finite = values != float("-inf")
    kept = torch.where(finite, values, torch.zeros_like(values))
    return kept.sum(1, keepdim=True) / finite.float().sum(1, keepdim=True)
