"""The methods that make SAC's TF module of a legacy SAC model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import tensorflow as tf

from rlmigrate.compat.wrap.building import Built, build_tf_model
from rlmigrate.compat.wrap.sac_protocol import SacProtocol
from rlmigrate.compat.wrap.tf.module import Batch, WrappedTfModel

Tensor: TypeAlias = Any


class WrappedTfSacModel(SacProtocol, WrappedTfModel):
    """Run a legacy SACTFModel as SAC's module, eagerly.

    SAC's settings (twin_q, policy_model_config, q_model_config, normalize_actions) are read from
    the model config. The policy is `action_model`, the critics are `q_net` and `twin_q_net`; the
    targets are built by `make_target_networks`.
    """

    def _wrap_build(self, config: dict[str, Any]) -> Built:
        return self._wrap_build_sac(build_tf_model, self._wrap_family, config, "tf")

    def _wrap_call(
        self, model: Any, inputs: Any, states: list[Tensor], seq_lens: Tensor
    ) -> tuple[Tensor, Sequence[Tensor]]:
        features, _ = super()._wrap_call(model, inputs, states, seq_lens)
        logits, after = model.get_action_model_outputs(features, states, seq_lens)
        return logits, after

    # ---- what SacProtocol asks of a framework

    def _wrap_logits(self, batch: Batch) -> Tensor:
        return self._wrap_run(batch, training=True)[0]["action_dist_inputs"]

    def _wrap_squeeze(self, values: Tensor) -> Tensor:
        return tf.squeeze(values, axis=-1)

    def _wrap_minimum(self, one: Tensor, other: Tensor) -> Tensor:
        return tf.minimum(one, other)

    def _wrap_log_softmax(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        logarithms = tf.nn.log_softmax(logits)
        return logarithms, tf.exp(logarithms)

    def _wrap_detach(self, values: Tensor) -> Tensor:
        return tf.stop_gradient(values)

    def _wrap_straight_through(self, batch: Batch) -> Tensor:
        @tf.custom_gradient
        def values_of(actions: Tensor) -> tuple[Tensor, Any]:
            with tf.GradientTape(persistent=True) as tape:
                tape.watch(actions)
                values = self.compute_q_values({**batch, "actions": actions})

            def to_actions(upstream: Tensor, variables: Sequence[Tensor] = ()) -> Any:
                gradient = tape.gradient(values, actions, output_gradients=upstream)
                return (gradient, [tf.zeros_like(v) for v in variables]) if variables else gradient

            return values, to_actions

        return values_of(batch["actions"])
