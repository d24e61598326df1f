"""What DQN asks of a wrapped model, whether of torch or of TF."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import gymnasium as gym

from rlmigrate.compat.wrap.building import Built
from rlmigrate.compat.wrap.observations import ObservationEncoder
from rlmigrate.compat.wrap.stacks import Family
from rlmigrate.errors import ModuleError
from rlmigrate.new_stack.layers.q_settings import Q_SETTINGS

Batch = dict[str, Any]


class QProtocol:
    """Settings, heads and training outputs of DQN.

    A class of one framework gives `_wrap_q`, which computes Q-values with a model and its heads,
    and `forward_target`.
    """

    legacy_class: ClassVar[type]
    legacy_model: Any
    action_space: gym.Space[Any]
    model_config: Any
    _wrap_encoder: ObservationEncoder

    def _wrap_setting(self, name: str) -> Any:
        return self.model_config.get(name, Q_SETTINGS[name])

    def _wrap_build_with_heads(
        self,
        build: Callable[..., Built],
        family: Family,
        config: Mapping[str, Any],
        *,
        framework: str,
        interface: type,
        **options: Any,
    ) -> Built:
        """Build the model as the old DQN did, which mixed `interface` into its class.

        Raises ModuleError if the action space is not Discrete.
        """
        n = getattr(self.action_space, "n", None)
        if n is None:
            raise ModuleError(f"DQN needs a Discrete action space, not {self.action_space}")
        hiddens = list(self._wrap_setting("hiddens"))
        sizes = config.get("fcnet_hiddens", family.defaults["fcnet_hiddens"])
        if hiddens:
            config = {**config, "no_final_linear": True}
        catalog: Any = family.catalog
        model_class = type(self).legacy_class
        heads = ("dueling", "num_atoms", "v_min", "v_max", "sigma0")
        return build(
            # The abstract classes stand for the old stack's default model.
            None if model_class.__name__ in ("TorchModelV2", "TFModelV2") else model_class,
            family=family,
            obs_space=self._wrap_encoder.model_space,
            action_space=self.action_space,
            config=config,
            num_outputs=[256, *sizes][-1] if hiddens else int(n),
            distribution=catalog.get_action_dist(self.action_space, {}, framework=framework)[0],
            model_interface=interface,
            q_hiddens=hiddens,
            use_noisy=self._wrap_setting("noisy"),
            **{name: self._wrap_setting(name) for name in heads},
            **options,
        )

    def _wrap_q(self, batch: Batch, model: Any) -> Batch:
        raise NotImplementedError

    def forward_target(self, batch: Batch) -> Batch:
        """Return what `compute_q_values` does, of the target network."""
        raise NotImplementedError

    def compute_q_values(self, batch: Batch) -> Batch:
        """Return qf_preds: float[B(, T), n], and with atoms their support and probabilities."""
        return self._wrap_q(batch, self.legacy_model)

    def compute_advantage_distribution(self, batch: Batch) -> Batch:
        """Return the Q-distribution."""
        return self.compute_q_values(batch)

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
