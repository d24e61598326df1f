"""DQN's heads, in TF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym

from rlmigrate.legacy.models.tf.tf_modelv2 import TFModelV2
from rlmigrate.legacy.types import ModelConfig, Tensor


class DistributionalQTFModel(TFModelV2):
    """Action values and, if `dueling`, state values behind a model; mixed in as model_interface.

    The arguments are those of the torch DQN model, without the choice of an activation.
    """

    def __init__(
        self,
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
        q_hiddens: Sequence[int] = (256,),
        dueling: bool = False,
        num_atoms: int = 1,
        use_noisy: bool = False,
        v_min: float = -10.0,
        v_max: float = 10.0,
        sigma0: float = 0.5,
        add_layer_norm: bool = False,
    ) -> None:
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        self.num_atoms = num_atoms
        self.v_min = v_min
        self.v_max = v_max
        self.sigma0 = sigma0
        self._use_noisy = use_noisy
        self._add_layer_norm = add_layer_norm
        size = int(self.num_outputs if num_outputs is None else num_outputs)
        actions = int(self.action_space.n) * num_atoms
        # Without hidden layers the model's own output is the action values.
        plain = not q_hiddens and not use_noisy
        self.q_value_head = self._head(
            size, q_hiddens, None if plain else actions, f"{name}/action_value/"
        )
        if dueling:
            self.state_value_head = self._head(
                size, q_hiddens, num_atoms, f"{name}/state_value/", state=True
            )

    def _head(
        self,
        size: int,
        hiddens: Sequence[int],
        outputs: int | None,
        prefix: str,
        *,
        state: bool = False,
    ) -> Any:
        import tensorflow as tf

        layers = tf.keras.layers
        inputs = layers.Input(shape=(size,), name="model_out")
        out = inputs
        hidden_name = "dueling_hidden" if state else "hidden"
        for index, width in enumerate(hiddens):
            if self._use_noisy:
                out = self._noisy(f"{prefix}{hidden_name}_{index}", width, "relu")(out)
                continue
            named = None if state or self._add_layer_norm else f"hidden_{index}"
            out = layers.Dense(width, activation=tf.nn.relu, name=named)(out)
            if self._add_layer_norm:
                out = layers.LayerNormalization()(out)
        if outputs is None:
            # Keras does not take a model whose output is its input.
            out = layers.Activation("linear")(out)
        elif self._use_noisy:
            last = "dueling_output" if state else "output"
            out = self._noisy(f"{prefix}{last}", outputs, None)(out)
        else:
            out = layers.Dense(outputs)(out)
        return tf.keras.Model(inputs, out if state else layers.Lambda(self._spread)(out))

    def _noisy(self, prefix: str, width: int, activation: str | None) -> Any:
        from rlmigrate.legacy.models.tf.layers import NoisyLayer

        return NoisyLayer(prefix, width, self.sigma0, activation=activation)

    def get_q_value_distributions(self, model_out: Tensor) -> list[Tensor]:
        """Give Q-values or advantages of all actions.

        model_out: float32[B, num_outputs]. Gives [scores [B, A], logits, probabilities] with ones
        [B, A, 1] for the latter, or, with more than one atom, [scores [B, A], support [atoms],
        logits [B, A, atoms], the same logits, probabilities [B, A, atoms]].
        """
        return list(self.q_value_head(model_out))

    def _spread(self, scores: Tensor) -> list[Tensor]:
        """Give what stands behind the outputs of the last layer of `q_value_head`."""
        import tensorflow as tf

        if self.num_atoms == 1:
            ones = tf.expand_dims(tf.ones_like(scores), -1)
            return [scores, ones, ones]
        support = tf.range(self.num_atoms, dtype=tf.float32)
        support = self.v_min + support * (self.v_max - self.v_min) / float(self.num_atoms - 1)
        logits = tf.reshape(scores, [-1, int(self.action_space.n), self.num_atoms])
        probabilities = tf.nn.softmax(logits)
        expected = tf.reduce_sum(support * probabilities, axis=-1)
        return [expected, support, logits, logits, probabilities]

    def get_state_value(self, model_out: Tensor) -> Tensor:
        """Give state values [B, num_atoms]; needs `dueling`."""
        return self.state_value_head(model_out)
