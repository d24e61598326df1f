"""The methods that make DQN's RLModule of a legacy model."""

from __future__ import annotations

from typing import Any

import torch

from rlmigrate.compat.wrap.building import Built, build_model
from rlmigrate.compat.wrap.module import Batch, WrappedModel
from rlmigrate.compat.wrap.q_settings import Q_SETTINGS
from rlmigrate.compat.wrap.stacks import dqn_interface
from rlmigrate.errors import ModuleError
from rlmigrate.new_stack.defaults.schedule import Schedule


class WrappedQModel(WrappedModel):
    """Run a legacy model with DQN's heads, which the old stack mixed into it, as an RLModule.

    DQN's settings (dueling, double_q, num_atoms, v_min, v_max, noisy, sigma0, hiddens, epsilon)
    are read from the model config, where RLlib's DQNConfig puts most of them.
    """

    def setup(self) -> None:
        """Build the model with its heads, and the epsilon schedule."""
        super().setup()
        self._wrap_epsilon = Schedule(self._wrap_setting("epsilon"))

    def _wrap_setting(self, name: str) -> Any:
        return self.model_config.get(name, Q_SETTINGS[name])

    def _wrap_build(self, config: dict[str, Any]) -> Built:
        n = getattr(self.action_space, "n", None)
        if n is None:
            raise ModuleError(f"DQN needs a Discrete action space, not {self.action_space}")
        hiddens = list(self._wrap_setting("hiddens"))
        sizes = config.get("fcnet_hiddens", self._wrap_family.defaults["fcnet_hiddens"])
        if hiddens:
            config = {**config, "no_final_linear": True}
        model_class = type(self).legacy_class
        categorical = self._wrap_family.catalog.get_action_dist(  # type: ignore[attr-defined]
            self.action_space, {}, framework="torch"
        )[0]
        return build_model(
            None if model_class.__name__ == "TorchModelV2" else model_class,
            family=self._wrap_family,
            obs_space=self._wrap_encoder.model_space,
            action_space=self.action_space,
            config=config,
            num_outputs=[256, *sizes][-1] if hiddens else int(n),
            distribution=categorical,
            model_interface=dqn_interface(self._wrap_family),
            q_hiddens=hiddens,
            dueling=self._wrap_setting("dueling"),
            dueling_activation=self._wrap_setting("dueling_activation"),
            num_atoms=self._wrap_setting("num_atoms"),
            use_noisy=self._wrap_setting("noisy"),
            v_min=self._wrap_setting("v_min"),
            v_max=self._wrap_setting("v_max"),
            sigma0=self._wrap_setting("sigma0"),
        )

    def _wrap_unneeded(self) -> list[str]:
        return []

    # ---- Q-values

    def compute_q_values(self, batch: Batch) -> Batch:
        """Return qf_preds: float[B(, T), n], and with atoms their support and probabilities."""
        return self._wrap_q(batch, self.legacy_model)

    def forward_target(self, batch: Batch) -> Batch:
        """Return what `compute_q_values` does, of the target network."""
        return self._wrap_q(batch, self.target_legacy_model)

    def compute_advantage_distribution(self, batch: Batch) -> Batch:
        """Return the Q-distribution."""
        return self.compute_q_values(batch)

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

    def _forward_train(self, batch: Batch, **kwargs: Any) -> Batch:
        now = self.compute_q_values(batch)
        after = {**batch, "obs": batch["new_obs"]}
        if "next_state_in" in batch:
            after["state_in"] = batch["next_state_in"]
        target = self.forward_target(after)
        outputs = {**now, "qf_target_next_preds": target["qf_preds"]}
        if self._wrap_setting("double_q"):
            outputs["qf_next_preds"] = self.compute_q_values(after)["qf_preds"]
        if "atoms" in target:
            outputs |= {"atoms": target["atoms"], "qf_target_next_probs": target["qf_probs"]}
        return outputs


def _mean_of_finite(values: torch.Tensor) -> torch.Tensor:
    """Average advantages over the actions that are not masked: float[B, 1]."""
    finite = values != float("-inf")
    kept = torch.where(finite, values, torch.zeros_like(values))
    return kept.sum(1, keepdim=True) / finite.float().sum(1, keepdim=True)
