"""The methods that make SAC's RLModule of a legacy SAC model."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import torch
from torch import nn

from rlmigrate.compat.wrap.building import Built, build_model
from rlmigrate.compat.wrap.inputs import LegacyInput
from rlmigrate.compat.wrap.module import Batch, WrappedModel
from rlmigrate.compat.wrap.stacks import sac_parts
from rlmigrate.errors import ModuleError


class WrappedSacModel(WrappedModel):
    """Run a legacy SACTorchModel as SAC's RLModule.

    SAC's settings (twin_q, policy_model_config, q_model_config, normalize_actions) are read from
    the model config. The policy is `action_model`, the critics are `q_net` and `twin_q_net`.
    """

    def setup(self) -> None:
        """Build the model; the encoders that RLlib's Learner asks for have no parameters."""
        super().setup()
        self._wrap_no_encoder = nn.Identity()

    def _wrap_build(self, config: dict[str, Any]) -> Built:
        family, space = self._wrap_family, self.action_space
        model_class, squashed, gaussian = sac_parts(family)
        normalized = config.get("normalize_actions", True)
        if config.get("custom_action_dist") or not isinstance(space, gym.spaces.Box):
            catalog: Any = family.catalog
            distribution, _ = catalog.get_action_dist(space, config, framework="torch")
        else:
            distribution = squashed if normalized else gaussian
        given = type(self).legacy_class
        obs_space = self._wrap_encoder.model_space
        return build_model(
            model_class if given.__name__ == "TorchModelV2" else given,
            family=family,
            obs_space=obs_space,
            action_space=space,
            config=config,
            num_outputs=_size(obs_space),
            distribution=distribution,
            policy_model_config={**family.defaults, **config.get("policy_model_config", {})},
            q_model_config={**family.defaults, **config.get("q_model_config", {})},
            twin_q=config.get("twin_q", True),
            initial_alpha=config.get("initial_alpha", 1.0),
            target_entropy=config.get("target_entropy", "auto"),
        )

    def _wrap_call(
        self,
        model: Any,
        inputs: LegacyInput,
        states: list[torch.Tensor],
        seq_lens: torch.Tensor | None,
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        features, _ = super()._wrap_call(model, inputs, states, seq_lens)
        logits, after = model.get_action_model_outputs(features, states, seq_lens)
        return logits, list(after)

    # ---- what RLlib's SACTorchLearner takes parameters from

    @property
    def pi(self) -> nn.Module:
        """The policy's net."""
        return self.legacy_model.action_model  # type: ignore[no-any-return]

    @property
    def qf(self) -> nn.Module:
        """The critic."""
        return self.legacy_model.q_net  # type: ignore[no-any-return]

    @property
    def qf_twin(self) -> nn.Module | None:
        """The second critic, if there is one."""
        return self.legacy_model.twin_q_net  # type: ignore[no-any-return]

    @property
    def pi_encoder(self) -> nn.Module:
        """Nothing: the policy's net sees the observation."""
        return self._wrap_no_encoder

    qf_encoder = qf_twin_encoder = pi_encoder

    # ---- critics

    def make_target_networks(self) -> None:
        """Copy the model; only its critics are targets."""
        self.target_legacy_model = self._wrap_twin().requires_grad_(False)

    def get_target_network_pairs(self) -> list[tuple[nn.Module, nn.Module]]:
        """Return the critics with their targets."""
        pairs = [(self.qf, self.target_legacy_model.q_net)]
        if self.qf_twin is not None:
            pairs.append((self.qf_twin, self.target_legacy_model.twin_q_net))
        return pairs

    def compute_q_values(self, batch: Batch, squeeze: bool = True) -> torch.Tensor:
        """Return the smaller of the critics' values: float[B], or float[B, n] for Discrete."""
        return self._wrap_smaller(self._wrap_critics(batch, self.legacy_model))

    def forward_target(self, batch: Batch, squeeze: bool = True) -> torch.Tensor:  # type: ignore[override]
        """Return the smaller of the target critics' values."""
        return self._wrap_smaller(self._wrap_critics(batch, self.target_legacy_model))

    def _wrap_smaller(self, values: list[torch.Tensor]) -> torch.Tensor:
        return values[0] if len(values) == 1 else torch.min(values[0], values[1])

    def _wrap_critics(self, batch: Batch, model: Any) -> list[torch.Tensor]:
        features, _ = model(self.legacy_batch(batch), [], None)
        actions = None if self._wrap_discrete else batch["actions"]
        nets = [model.get_q_values]
        if model.twin_q_net is not None:
            nets.append(model.get_twin_q_values)
        found = []
        for net in nets:
            value = net(features, actions)
            value = value[0] if isinstance(value, tuple) else value
            found.append(value if self._wrap_discrete else value.squeeze(-1))
        return found

    @property
    def _wrap_discrete(self) -> bool:
        return isinstance(self.action_space, gym.spaces.Discrete)

    # ---- training

    def _forward_train(self, batch: Batch, **kwargs: Any) -> Batch:
        after = {"obs": batch["new_obs"]}
        logits = self._wrap_run(batch)[0]["action_dist_inputs"]
        logits_after = self._wrap_run(after)[0]["action_dist_inputs"]
        values = self._wrap_critics(batch, self.legacy_model)
        outputs: Batch = dict(zip(("qf_preds", "qf_twin_preds"), values, strict=False))
        if self._wrap_discrete:
            log_now, log_after = logits.log_softmax(-1), logits_after.log_softmax(-1)
            return outputs | {
                "q_target_next": self.forward_target(after),
                "action_probs": log_now.exp(),
                "action_log_probs": log_now,
                "action_probs_next": log_after.exp(),
                "action_log_probs_next": log_after,
            }
        distribution: Any = self.get_train_action_dist_cls()
        actions, logp = distribution.from_logits(logits).rsample_and_logp()
        actions_after, logp_after = distribution.from_logits(logits_after).sample_and_logp()
        return outputs | {
            "action_dist_inputs": logits,
            "action_dist_inputs_next": logits_after,
            "logp_resampled": logp,
            "logp_next_resampled": logp_after.detach(),
            "q_curr": self._wrap_straight_through({"obs": batch["obs"], "actions": actions}),
            "q_target_next": self.forward_target(
                {**after, "actions": actions_after.detach()}
            ).detach(),
        }

    def _wrap_straight_through(self, batch: Batch) -> torch.Tensor:
        """Compute Q-values whose gradients reach the actions but not the critics."""
        critics = [self.qf, *([self.qf_twin] if self.qf_twin is not None else [])]
        parameters = [p for net in critics for p in net.parameters() if p.requires_grad]
        for parameter in parameters:
            parameter.requires_grad_(False)
        try:
            return self.compute_q_values(batch)
        finally:
            for parameter in parameters:
                parameter.requires_grad_(True)


def _size(space: gym.Space[Any]) -> int:
    if space.shape is None:
        raise ModuleError(f"SAC's nets need an observation space with a shape, not {space}")
    size = 1
    for length in space.shape:
        size *= length
    return size
