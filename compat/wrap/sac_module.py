"""The methods that make SAC's RLModule of a legacy SAC model."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from rlmigrate.compat.wrap.building import Built, build_model
from rlmigrate.compat.wrap.inputs import LegacyInput
from rlmigrate.compat.wrap.module import Batch, WrappedModel
from rlmigrate.compat.wrap.sac_protocol import SacProtocol


class WrappedSacModel(SacProtocol, WrappedModel):
    """Run a legacy SACTorchModel as SAC's RLModule.

    SAC's settings (twin_q, policy_model_config, q_model_config, normalize_actions) are read from
    the model config. The policy is `action_model`, the critics are `q_net` and `twin_q_net`.
    """

    def setup(self) -> None:
        """Build the model; the encoders that RLlib's Learner asks for have no parameters."""
        super().setup()
        self._wrap_no_encoder = nn.Identity()

    def _wrap_build(self, config: dict[str, Any]) -> Built:
        return self._wrap_build_sac(build_model, self._wrap_family, config, "torch")

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

    @property
    def pi_encoder(self) -> nn.Module:
        """Nothing: the policy's net sees the observation."""
        return self._wrap_no_encoder

    qf_encoder = qf_twin_encoder = pi_encoder

    def make_target_networks(self) -> None:
        """Copy the model; only its critics are targets."""
        self.target_legacy_model = self._wrap_twin().requires_grad_(False)

    # ---- what SacProtocol asks of a framework

    def _wrap_target(self) -> Any:
        return self.target_legacy_model

    def _wrap_logits(self, batch: Batch) -> torch.Tensor:
        logits: torch.Tensor = self._wrap_run(batch)[0]["action_dist_inputs"]
        return logits

    def _wrap_squeeze(self, values: torch.Tensor) -> torch.Tensor:
        return values.squeeze(-1)

    def _wrap_minimum(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return torch.min(one, other)

    def _wrap_log_softmax(self, logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logarithms = logits.log_softmax(-1)
        return logarithms, logarithms.exp()

    def _wrap_detach(self, values: torch.Tensor) -> torch.Tensor:
        return values.detach()

    def _wrap_straight_through(self, batch: Batch) -> torch.Tensor:
        critics = [self.qf, *([self.qf_twin] if self.qf_twin is not None else [])]
        parameters = [p for net in critics for p in net.parameters() if p.requires_grad]
        for parameter in parameters:
            parameter.requires_grad_(False)
        try:
            values: torch.Tensor = self.compute_q_values(batch)
        finally:
            for parameter in parameters:
                parameter.requires_grad_(True)
        return values
