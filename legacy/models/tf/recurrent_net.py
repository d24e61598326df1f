"""Base of recurrent models, in TF."""

from __future__ import annotations

from typing import Any

from rlmigrate.legacy.batches.time_axis import add_time_dimension
from rlmigrate.legacy.models.tf.tf_modelv2 import TFModelV2
from rlmigrate.legacy.types import Tensor


class RecurrentNetwork(TFModelV2):
    """A model whose subclasses give `forward_rnn` and `get_initial_state`."""

    def forward(
        self, input_dict: Any, state: list[Tensor], seq_lens: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Give obs_flat [B * T, ...] a time axis and run `forward_rnn`."""
        import tensorflow as tf

        assert seq_lens is not None, "a recurrent model needs seq_lens"
        inputs = add_time_dimension(input_dict["obs_flat"], seq_lens=seq_lens, framework="tf")
        output, new_state = self.forward_rnn(inputs, state, seq_lens)
        return tf.reshape(output, [-1, self.num_outputs]), new_state

    def forward_rnn(
        self, inputs: Tensor, state: list[Tensor], seq_lens: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Compute outputs [B, T, num_outputs] and new states; to be overridden.

        inputs: float32[B, T, ...]; state: a list of [B, size]; seq_lens: int32[B].
        """
        raise NotImplementedError(f"{type(self).__name__} must implement forward_rnn()")

    def get_initial_state(self) -> list[Tensor]:
        """Give the states before the first step, without a batch axis; to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} must implement get_initial_state()")


def __getattr__(name: str) -> object:
    # In RLlib the wrapper lives in this module too.
    if name == "LSTMWrapper":
        from rlmigrate.legacy.models.tf.lstm_wrapper import LSTMWrapper

        return LSTMWrapper
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
