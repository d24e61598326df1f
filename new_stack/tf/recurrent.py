"""Encoders with a state, in TF.

RecurrentEncoder            LSTM or GRU layers over features of each step
StatefulActorCriticEncoder  one of them for policy and value, or one for each
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import tensorflow as tf

from rlmigrate.errors import ModuleError
from rlmigrate.new_stack.tf.nets import encoder

_LAYERS: Mapping[str, Any] = {"lstm": tf.keras.layers.LSTM, "gru": tf.keras.layers.GRU}
_STATES: Mapping[str, tuple[str, ...]] = {"lstm": ("h", "c"), "gru": ("h",)}


class RecurrentEncoder(tf.keras.Model):
    """LSTM or GRU layers, on what `tokenizer` makes of each step: number[B, T, ...] -> [B, T, H].

    States are float32[B, layers, H] by name, and without B in the initial one.
    """

    def __init__(
        self,
        input_dim: int,
        hidden_dim: int,
        *,
        kind: str = "lstm",
        num_layers: int = 1,
        tokenizer: tf.keras.Model | None = None,
        name: str = "encoder",
    ) -> None:
        super().__init__(name=name)
        if kind not in _LAYERS:
            raise ModuleError(f"recurrent layers are of kind lstm or gru, not {kind!r}")
        self.kind, self.width = kind, int(hidden_dim)
        self.tokenizer = tokenizer
        self.cells = [
            _LAYERS[kind](
                self.width, return_sequences=True, return_state=True, name=f"{kind}_{number}"
            )
            for number in range(num_layers)
        ]
        for number, cell in enumerate(self.cells):
            cell.build((None, None, self.width if number else int(input_dim)))

    def get_initial_state(self) -> dict[str, Any]:
        """Return zeros."""
        zeros = tf.zeros((len(self.cells), self.width))
        return dict.fromkeys(_STATES[self.kind], zeros)

    def unroll(self, obs: Any, states: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return features float32[B, T, H] and the states after the last step."""
        features = self._tokens(tf.cast(obs, tf.float32))
        names = _STATES[self.kind]
        before = [tf.unstack(tf.cast(states[name], tf.float32), axis=1) for name in names]
        after: list[list[Any]] = []
        for cell, start in zip(self.cells, zip(*before, strict=True), strict=True):
            features, *end = cell(features, initial_state=list(start))
            after.append(end)
        ends = zip(names, zip(*after, strict=True), strict=True)
        return features, {name: tf.stack(parts, axis=1) for name, parts in ends}

    def _tokens(self, obs: Any) -> Any:
        if self.tokenizer is None:
            return obs
        size, steps = tf.unstack(tf.shape(obs)[:2])
        rows = self.tokenizer(tf.reshape(obs, [size * steps, *obs.shape[2:]]))
        return tf.reshape(rows, [size, steps, rows.shape[-1]])


def recurrent_encoder(
    space: gym.Space[Any], config: Mapping[str, Any], *, name: str
) -> RecurrentEncoder:
    """Make the encoder of `use_lstm`: the net for the space, then an LSTM of `lstm_cell_size`."""
    tokenizer = encoder(space, config, name="tokenizer")
    width = int(tokenizer.output_shape[-1])
    size: int = config["lstm_cell_size"]
    made: Any = RecurrentEncoder(width, size, tokenizer=tokenizer, name=name)
    found: RecurrentEncoder = made
    return found


class StatefulActorCriticEncoder(tf.keras.Model):
    """One recurrent encoder for both, or one for each, whose states are under `actor`, `critic`.

    The critic runs even when acting, as its state is needed for the values of later steps.
    """

    def __init__(self, space: gym.Space[Any], config: Mapping[str, Any], *, shared: bool) -> None:
        super().__init__(name="encoder")
        self.shared = shared
        name = "encoder" if shared else "actor_encoder"
        self.actor_encoder = recurrent_encoder(space, config, name=name)
        self.critic_encoder: RecurrentEncoder | None = None
        if not shared:
            self.critic_encoder = recurrent_encoder(space, config, name="critic_encoder")
        self.width = self.actor_encoder.width

    def get_initial_state(self) -> dict[str, Any]:
        """Return the encoder's state, or those of both."""
        if self.critic_encoder is None:
            return self.actor_encoder.get_initial_state()
        return {
            "actor": self.actor_encoder.get_initial_state(),
            "critic": self.critic_encoder.get_initial_state(),
        }

    def unroll(self, obs: Any, states: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
        """Return the policy's features, the value's, and the states after the last step."""
        if self.critic_encoder is None:
            features, after = self.actor_encoder.unroll(obs, states)
            return features, features, after
        actor, actor_state = self.actor_encoder.unroll(obs, states["actor"])
        critic, critic_state = self.critic_encoder.unroll(obs, states["critic"])
        return actor, critic, {"actor": actor_state, "critic": critic_state}
