"""The LSTM that RLlib put around a model trained with use_lstm."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.layers.model_wrapper import ModelWrapper, action_numbers, action_size
from rlmigrate.new_stack.layers.sequences import cut_padding
from rlmigrate.new_stack.layers.views import ViewRequirement


class LSTMWrapper(ModelWrapper):
    """An LSTM over the outputs of a module: `class MyLSTM(LSTMWrapper, MyModule)`.

    Reads `lstm_cell_size`, `lstm_use_prev_action` and `lstm_use_prev_reward` from the model config;
    what they ask for comes from the ViewColumns connectors. States: h and c, float32[B, cell size].
    """

    def setup(self) -> None:
        """Build the module, the LSTM and its heads."""
        super().setup()
        if self._wrapper_setting("_time_major"):
            raise ValueError("_time_major lays sequences out as RLModules never see them; drop it")
        self.use_prev_action = bool(self._wrapper_setting("lstm_use_prev_action"))
        self.use_prev_reward = bool(self._wrapper_setting("lstm_use_prev_reward"))
        self.cell_size = int(self._wrapper_setting("lstm_cell_size"))
        size = int(self.num_outputs or 0) + self.use_prev_reward
        views = dict(getattr(self, "view_requirements", {}))
        if self.use_prev_action:
            size += action_size(self.action_space)
            views["prev_actions"] = ViewRequirement("actions", shift=-1)
        if self.use_prev_reward:
            views["prev_rewards"] = ViewRequirement("rewards", shift=-1)
        self.view_requirements = views  # ViewColumns supplies what is named here
        self.lstm = nn.LSTM(size, self.cell_size, batch_first=True)
        self._build_heads(self.cell_size)

    def get_initial_state(self) -> dict[str, Any]:
        """Return zeros."""
        return {name: torch.zeros(self.cell_size) for name in ("h", "c")}

    def _seen_before(self, rows: dict[str, Any]) -> list[torch.Tensor]:
        """Return the action before as numbers and the reward before, where the config asks."""
        seen = []
        if self.use_prev_action:
            seen.append(action_numbers(rows["prev_actions"], self.action_space))
        if self.use_prev_reward:
            seen.append(rows["prev_rewards"].float().reshape(-1, 1))
        return seen

    def _run_memory(self, batch: dict[str, Any], **kwargs: Any) -> tuple[torch.Tensor, Any]:
        """Run the LSTM over sequences as long as the longest of them."""
        batch = cut_padding(batch)
        given = tuple(batch[Columns.STATE_IN][name].unsqueeze(0) for name in ("h", "c"))
        features, (h, c) = self.lstm(self._memory_inputs(batch, **kwargs), given)
        return features, {"h": h.squeeze(0), "c": c.squeeze(0)}
