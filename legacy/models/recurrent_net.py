"""The base of recurrent models, in torch."""

from __future__ import annotations

from typing import Any

import torch

from rlmigrate.legacy.batches import add_time_dimension
from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2


class RecurrentNetwork(TorchModelV2):
    """A model whose `forward_rnn` gets inputs with a time axis.

    Write `class MyRNN(RecurrentNetwork, nn.Module)` with `forward_rnn` and `get_initial_state`.
    """

    def forward(
        self, input_dict: Any, state: list[Any], seq_lens: Any
    ) -> tuple[torch.Tensor, list[Any]]:
        """Give obs_flat a time axis, call `forward_rnn`, and merge batch and time again."""
        self.time_major = self.model_config.get("_time_major", False)
        # The time axis may be longer than max(seq_lens): batches can be padded further.
        inputs = add_time_dimension(
            input_dict["obs_flat"].float(),
            seq_lens=seq_lens,
            framework="torch",
            time_major=bool(self.time_major),
        )
        output, new_state = self.forward_rnn(inputs, state, seq_lens)
        return output.reshape(-1, self.num_outputs), new_state

    def forward_rnn(
        self, inputs: torch.Tensor, state: list[Any], seq_lens: Any
    ) -> tuple[torch.Tensor, list[Any]]:
        """Compute outputs and new states; to be overridden.

        inputs: float32[B, T, obs size], or [T, B, obs size] if time-major; padded steps included.
        state: tensors [B, ...]; gives outputs [B, T, num_outputs] and states like these.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement forward_rnn()")
