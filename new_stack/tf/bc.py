"""Behaviour cloning modules in TF: the default one, and the small one of RLlib's documents."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.recurrence import state_in
from rlmigrate.new_stack.tf.nets import encoder, head, settings
from rlmigrate.new_stack.tf.recurrent import RecurrentEncoder, recurrent_encoder
from rlmigrate.new_stack.tf.tf_rl_module import TfRLModule


class DefaultBCTfRLModule(TfRLModule):
    """Encoder, an LSTM with `use_lstm`, and policy head `pi`."""

    def setup(self) -> None:
        """Make the nets from spaces and model config."""
        config = settings(self.model_config)
        self.encoder: Any
        if config["use_lstm"]:
            self.encoder = recurrent_encoder(self.observation_space, config, name="encoder")
            width = self.encoder.width
        else:
            self.encoder = encoder(self.observation_space, config, name="encoder")
            width = int(self.encoder.output_shape[-1])
        outputs = self.get_train_action_dist_cls().required_input_dim(self.action_space)
        self.pi = head(width, outputs, config, name="pi", last="logits")

    def get_initial_state(self) -> dict[str, Any]:
        """Return the encoder's state before the first step; empty without `use_lstm`."""
        recurrent = isinstance(self.encoder, RecurrentEncoder)
        return self.encoder.get_initial_state() if recurrent else {}

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if isinstance(self.encoder, RecurrentEncoder):
            features, states = self.encoder.unroll(batch[Columns.OBS], state_in(batch))
            return {Columns.ACTION_DIST_INPUTS: self.pi(features), Columns.STATE_OUT: states}
        return {Columns.ACTION_DIST_INPUTS: self.pi(self.encoder(batch[Columns.OBS]))}


class DiscreteBCTFModule(TfRLModule):
    """One hidden layer of `fcnet_hiddens[0]` units, for Discrete actions and flat observations.

    The rectifier on the observations is RLlib's own.
    """

    def setup(self) -> None:
        """Make the policy net."""
        self.policy = tf.keras.Sequential(
            [
                tf.keras.Input(shape=self.observation_space.shape),
                tf.keras.layers.ReLU(),
                tf.keras.layers.Dense(self.model_config["fcnet_hiddens"][0], name="hidden"),
                tf.keras.layers.ReLU(),
                tf.keras.layers.Dense(int(self.action_space.n), name="logits"),
            ],
            name="policy",
        )

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {Columns.ACTION_DIST_INPUTS: self.policy(batch[Columns.OBS])}
