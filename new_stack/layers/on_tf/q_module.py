"""What DQN needs of a TF module beside its body: heads, target network, epsilon-greedy actions."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import tensorflow as tf
import tree

from rlmigrate.new_stack.apis import QNetAPI, TargetNetworkAPI
from rlmigrate.new_stack.layers.on_tf.noisy_layer import TfNoisyLayer
from rlmigrate.new_stack.layers.q_settings import Q_SETTINGS
from rlmigrate.new_stack.tf import TfRLModule


class TfQModule(TfRLModule, QNetAPI, TargetNetworkAPI):
    """Q-values on top of what `_forward` returns as "action_dist_inputs": float32[B, num_outputs].

    The heads are those of DistributionalQTFModel, under its names. They have layers of `hiddens`,
    and `num_outputs` is the last of `fcnet_hiddens`; with `hiddens=[]` what `_forward` returns are
    the Q-values. Settings come by the model config: those of `Q_SETTINGS`. The target network is no
    part of the state.
    """

    def setup(self) -> None:
        """Build the heads."""
        settings = {**Q_SETTINGS, **self.model_config}
        hiddens = list(settings["hiddens"])
        sizes = [256, *self.model_config.get("fcnet_hiddens", [256, 256])]
        actions = int(self.action_space.n)  # type: ignore[attr-defined]
        self.num_outputs = int(sizes[-1] if hiddens else actions)
        self.dueling, self.double_q = settings["dueling"], settings["double_q"]
        self.num_atoms = int(settings["num_atoms"])
        self.v_min, self.v_max = settings["v_min"], settings["v_max"]
        self.epsilon = settings["epsilon"]
        plain = not hiddens and not settings["noisy"]
        self.q_value_head = self._head(settings, None if plain else actions * self.num_atoms)
        if self.dueling:
            self.state_value_head = self._head(settings, self.num_atoms, values=True)
        if hiddens:  # nets that get the model config end in a hidden layer then
            self.model_config = {**self.model_config, "no_final_linear": True}

    def _head(self, settings: dict[str, Any], size: int | None, *, values: bool = False) -> Any:
        inputs = out = tf.keras.layers.Input(shape=(self.num_outputs,), name="model_out")
        noisy, sigma = settings["noisy"], settings["sigma0"]
        for number, width in enumerate(settings["hiddens"]):
            if noisy:
                out = TfNoisyLayer(width, sigma)(out)
            else:
                name = None if values else f"hidden_{number}"
                out = tf.keras.layers.Dense(int(width), activation=tf.nn.relu, name=name)(out)
        if size is None:
            out = tf.keras.layers.Activation("linear")(out)  # Keras wants a layer in a model
        elif noisy:
            out = TfNoisyLayer(size, sigma, activation=None)(out)
        else:
            out = tf.keras.layers.Dense(size)(out)
        if values:
            return tf.keras.Model(inputs, out)
        return tf.keras.Model(inputs, tf.keras.layers.Lambda(self._distributions)(out))

    def _distributions(self, scores: Any) -> list[Any]:
        """[scores, ones, ones]; with atoms [scores, atoms, logits, logits, probabilities]."""
        if self.num_atoms == 1:
            ones = tf.expand_dims(tf.ones_like(scores), -1)
            return [scores, ones, ones]
        atoms = tf.range(self.num_atoms, dtype=tf.float32)
        atoms = self.v_min + atoms * (self.v_max - self.v_min) / float(self.num_atoms - 1)
        logits = tf.reshape(scores, [-1, int(self.action_space.n), self.num_atoms])  # type: ignore[attr-defined]
        probabilities = tf.nn.softmax(logits)
        expected = tf.reduce_sum(atoms * probabilities, axis=-1)
        return [expected, atoms, logits, logits, probabilities]

    def get_q_value_distributions(self, model_out: Any) -> Any:
        """Return [scores, logits, probabilities]; with atoms [scores, atoms, logits, logits, p]."""
        return self.q_value_head(model_out)

    def get_state_value(self, model_out: Any) -> Any:
        """Return the value part of a dueling net: float32[B, num_atoms]."""
        return self.state_value_head(model_out)

    def compute_q_values(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return qf_preds: float32[B, n], and with atoms their support, logits, probabilities."""
        features = self._forward(batch)["action_dist_inputs"]
        heads = self.get_q_value_distributions(features)
        value = self.get_state_value(features) if self.dueling else None
        if self.num_atoms > 1:
            scores, atoms, logits, _, probabilities = heads
            if value is not None:
                centred = logits - tf.reduce_mean(logits, axis=1, keepdims=True)
                logits = tf.expand_dims(value, 1) + centred
                probabilities = tf.nn.softmax(logits)
                scores = tf.reduce_sum(atoms * probabilities, axis=-1)
            return {
                "qf_preds": scores,
                "atoms": atoms,
                "qf_logits": logits,
                "qf_probs": probabilities,
            }
        scores = heads[0]
        if value is None:
            return {"qf_preds": scores}
        finite = tf.not_equal(scores, tf.float32.min)
        total = tf.reduce_sum(tf.where(finite, scores, tf.zeros_like(scores)), 1)
        count = tf.reduce_sum(tf.cast(finite, tf.float32), 1)
        return {"qf_preds": value + (scores - tf.expand_dims(total / count, 1))}

    def compute_advantage_distribution(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return what compute_q_values() does, the advantages put to the value."""
        return self.compute_q_values(batch)

    def _forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {"actions": tf.argmax(self.compute_q_values(batch)["qf_preds"], axis=-1)}

    def _forward_exploration(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Act at random with the probability epsilon, but never take a masked action."""
        values = self.compute_q_values(batch)["qf_preds"]
        masked = values <= tf.float32.min
        chances = tf.where(masked, tf.float32.min, tf.zeros_like(values))
        drawn = tf.squeeze(tf.random.categorical(chances, 1), axis=1)
        epsilon = self._epsilon_at(int(kwargs.get("t") or 0))
        chance = tf.random.uniform(tf.shape(values)[:1]) < epsilon
        return {"actions": tf.where(chance, drawn, tf.argmax(values, axis=1))}

    def _epsilon_at(self, t: int) -> float:
        """The probability of a random action; `epsilon` is a number or [(timestep, value), ...]."""
        if not isinstance(self.epsilon, list | tuple):
            return float(self.epsilon)
        for (start, first), (end, last) in pairwise(self.epsilon):
            if start <= t < end:
                return float(first + float(t - start) / (end - start) * (last - first))
        return float(self.epsilon[-1][1])

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        outs = self.compute_q_values(batch)
        after = {**batch, "obs": batch["new_obs"]}
        target = self.forward_target(after)
        outs["qf_target_next_preds"] = target["qf_preds"]
        if self.double_q:
            outs["qf_next_preds"] = self.compute_q_values(after)["qf_preds"]
        if self.num_atoms > 1:
            outs["qf_target_next_probs"] = target["qf_probs"]
        return outs

    def make_target_networks(self) -> None:
        """Build the module again as the target that no optimizer moves."""
        arguments, keywords = self.get_ctor_args_and_kwargs()
        object.__setattr__(self, "_target", type(self)(*arguments, **keywords))  # not tracked
        obs = tree.map_structure(lambda x: x[None], self.observation_space.sample())  # type: ignore[union-attr]
        for each in (self, self._target):
            each.compute_q_values({"obs": obs})  # layers make their variables then
        for mine, theirs in zip(self.weights, self._target.weights, strict=True):
            theirs.assign(mine)

    def get_target_network_pairs(self) -> list[tuple[Any, Any]]:
        """Return (module, target) for a Learner to bring closer."""
        return [(self, self._target)]

    def forward_target(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return what compute_q_values() does, of the target network."""
        found: dict[str, Any] = self._target.compute_q_values(batch)
        return found
