"""A recurrent module for 1-D observations.

LSTMContainingRLModule                    LSTM, dense layers, policy and value heads
LSTMContainingRLModuleWithTargetNetwork   the same, with target networks
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from rlmigrate.new_stack import Columns, TorchRLModule, ValueFunctionAPI
from rlmigrate.new_stack.apis.target_network import (
    TARGET_NETWORK_ACTION_DIST_INPUTS,
    TargetNetworkAPI,
    make_target_network,
)


class LSTMContainingRLModule(TorchRLModule, ValueFunctionAPI):
    """Observations `float32[B, T, D]` to logits and values.

    model_config: `lstm_cell_size` (256), `dense_layers` ([128, 128]).
    """

    def setup(self) -> None:
        """Build the LSTM, the dense layers and the two heads."""
        size = self._lstm_cell_size = self.model_config.get("lstm_cell_size", 256)
        self._lstm = nn.LSTM(self.observation_space.shape[0], size, batch_first=True)
        layers: list[nn.Module] = []
        for width in self.model_config.get("dense_layers", [128, 128]):
            layers += [nn.Linear(size, width), nn.ReLU()]
            size = width
        self._fc_net = nn.Sequential(*layers)
        self._pi_head = nn.Linear(size, int(self.action_space.n))
        self._values = nn.Linear(size, 1)

    def get_initial_state(self) -> Any:
        """Return zeros for both parts of the LSTM's state."""
        return {part: np.zeros((self._lstm_cell_size,), np.float32) for part in ("h", "c")}

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        features, state = _features(self._lstm, self._fc_net, batch)
        return {
            Columns.ACTION_DIST_INPUTS: self._pi_head(features),
            Columns.STATE_OUT: state,
        }

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        features, state = _features(self._lstm, self._fc_net, batch)
        return {
            Columns.ACTION_DIST_INPUTS: self._pi_head(features),
            Columns.STATE_OUT: state,
            Columns.EMBEDDINGS: features,
        }

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> torch.Tensor:
        """Return values, float32[B, T]."""
        if embeddings is None:
            embeddings, _ = _features(self._lstm, self._fc_net, batch)
        values: torch.Tensor = self._values(embeddings).squeeze(-1)
        return values


class LSTMContainingRLModuleWithTargetNetwork(LSTMContainingRLModule, TargetNetworkAPI):
    """The same module for algorithms that keep target networks."""

    def make_target_networks(self) -> None:
        """Copy LSTM, dense layers and policy head."""
        self._target_lstm = make_target_network(self._lstm)
        self._target_fc_net = make_target_network(self._fc_net)
        self._target_pi_head = make_target_network(self._pi_head)

    def get_target_network_pairs(self) -> list[tuple[Any, Any]]:
        """List main and target networks."""
        return [
            (self._lstm, self._target_lstm),
            (self._fc_net, self._target_fc_net),
            (self._pi_head, self._target_pi_head),
        ]

    def forward_target(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Compute the logits of the target networks."""
        features, _ = _features(self._target_lstm, self._target_fc_net, batch)
        return {TARGET_NETWORK_ACTION_DIST_INPUTS: self._target_pi_head(features)}


def _features(
    lstm: nn.Module, dense: nn.Module, batch: dict[str, Any]
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return features and the state after them, which has no layer dimension."""
    state = batch[Columns.STATE_IN]
    given = (state["h"].unsqueeze(0), state["c"].unsqueeze(0))
    out, (h, c) = lstm(batch[Columns.OBS], given)
    features: torch.Tensor = dense(out)
    return features, {"h": h.squeeze(0), "c": c.squeeze(0)}
