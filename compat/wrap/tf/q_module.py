"""The methods that make a TF module with Q-values of a legacy TF model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import tensorflow as tf

from rlmigrate.compat.wrap.building import Built, build_tf_model
from rlmigrate.compat.wrap.q_protocol import QProtocol
from rlmigrate.compat.wrap.stacks import dqn_tf_interface
from rlmigrate.compat.wrap.tf.module import Batch, WrappedTfModel
from rlmigrate.new_stack.defaults.schedule import Schedule

Tensor: TypeAlias = Any


class WrappedTfQModel(QProtocol, WrappedTfModel):
    """Run a legacy TF model with DQN's heads, which the old stack mixed into it, eagerly.

    DQN's settings (dueling, double_q, num_atoms, v_min, v_max, noisy, sigma0, hiddens, epsilon)
    are read from the model config. The target network is built by `make_target_networks`.
    """

    def setup(self) -> None:
        """Build the model with its heads, and the epsilon schedule."""
        super().setup()
        self.__dict__["_wrap_epsilon"] = Schedule(self._wrap_setting("epsilon"))

    def _wrap_build(self, config: dict[str, Any]) -> Built:
        return self._wrap_build_with_heads(
            build_tf_model,
            self._wrap_family,
            config,
            framework="tf",
            interface=dqn_tf_interface(self._wrap_family),
        )

    # ---- Q-values

    def forward_target(self, batch: Batch) -> Batch:
        """Return what `compute_q_values` does, of the target network.

        Raises ModuleError before `make_target_networks`.
        """
        return self._wrap_q(batch, self._wrap_target())

    def _wrap_q(self, batch: Batch, model: Any) -> Batch:
        outputs, lead = self._wrap_run(batch, training=False, model=model)
        features = outputs.pop("action_dist_inputs")
        features = tf.reshape(features, (-1, features.shape[-1]))
        heads = model.get_q_value_distributions(features)
        value = model.get_state_value(features) if self._wrap_setting("dueling") else None
        outputs["qf_preds"] = heads[0]
        if self._wrap_setting("num_atoms") > 1:
            _, support, logits, _, probabilities = heads
            if value is not None:
                centred = logits - tf.reduce_mean(logits, axis=1, keepdims=True)
                logits = tf.expand_dims(value, 1) + centred
                probabilities = tf.nn.softmax(logits)
                outputs["qf_preds"] = tf.reduce_sum(support * probabilities, axis=-1)
            outputs |= {"atoms": support, "qf_logits": logits, "qf_probs": probabilities}
        elif value is not None:
            outputs["qf_preds"] = value + (heads[0] - _mean_of_allowed(heads[0]))
        return dict(self._wrap_timed(outputs, lead))

    @staticmethod
    def _wrap_timed(outputs: Batch, lead: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
        for key, item in outputs.items():
            timed = len(lead) == 2 and key.startswith("qf_")
            yield key, tf.reshape(item, (*lead, *item.shape[1:])) if timed else item

    # ---- forward passes

    def _forward(self, batch: Batch, **kwargs: Any) -> Batch:
        outputs = self.compute_q_values(batch)
        found = {"actions": tf.argmax(outputs["qf_preds"], axis=-1)}
        return found | {key: outputs[key] for key in ("state_out",) if key in outputs}

    def _forward_exploration(self, batch: Batch, **kwargs: Any) -> Batch:
        """Act epsilon-greedily; forbidden actions (the smallest float) are never drawn."""
        epsilon = self.__dict__["_wrap_epsilon"].update(int(kwargs.get("t") or 0))
        outputs = self.compute_q_values(batch)
        values = tf.reshape(outputs["qf_preds"], (-1, outputs["qf_preds"].shape[-1]))
        chances = tf.where(values <= tf.float32.min, tf.float32.min, tf.zeros_like(values))
        drawn = tf.squeeze(tf.random.categorical(chances, 1), axis=1)
        chance = tf.random.uniform(tf.shape(values)[:1]) < epsilon
        actions = tf.where(chance, drawn, tf.argmax(values, axis=1))
        found = {"actions": tf.reshape(actions, outputs["qf_preds"].shape[:-1])}
        return found | {key: outputs[key] for key in ("state_out",) if key in outputs}


def _mean_of_allowed(values: Tensor) -> Tensor:
    """Average advantages over the actions that are not masked: float[B, 1].

    RLlib masks by the smallest float in TF, and by minus infinity in torch.
    """
    allowed = values > tf.float32.min
    kept = tf.where(allowed, values, tf.zeros_like(values))
    count = tf.reduce_sum(tf.cast(allowed, tf.float32), axis=1, keepdims=True)
    return tf.reduce_sum(kept, axis=1, keepdims=True) / count
