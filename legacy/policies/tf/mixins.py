"""Mixins of TF policies: schedules, KL coefficient, value and target networks, gradients.

LearningRateSchedule, EntropyCoeffSchedule, KLCoeffMixin, ValueNetworkMixin, TargetNetworkMixin,
GradStatsMixin    to stand before EagerTFPolicyV2, or in `build_tf_policy(mixins=[...])`
compute_gradients    a `compute_gradients_fn` that clips by `config["grad_clip"]`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from rlmigrate.legacy.batches import SampleBatch
from rlmigrate.legacy.utils.schedules import PiecewiseSchedule

if TYPE_CHECKING:
    from rlmigrate.legacy.policies.tf.eager_tf_policy_v2 import EagerTFPolicyV2 as Mixin
else:
    # Not the policy: in `class P(EagerTFPolicyV2, AMixin)` its constructor would run between.
    Mixin = object


def _held(name: str, value: float) -> Any:
    return tf.Variable(tf.constant(value, tf.float32), trainable=False, name=name)


class _Scheduled:
    """A variable that follows (time step, value) points, or keeps its first value."""

    def __init__(self, name: str, start: float, points: Any) -> None:
        self.schedule: PiecewiseSchedule | None = None
        if points is not None:
            self.schedule = PiecewiseSchedule(points, outside_value=points[-1][-1])
            start = self.schedule.value(0)
        self.variable = _held(name, start)

    def follow(self, timestep: int) -> bool:
        """Set the value of a time step; tells whether there is a schedule."""
        if self.schedule is None:
            return False
        self.variable.assign(self.schedule.value(timestep))
        return True


class LearningRateSchedule(Mixin):
    """Set the optimizer's learning rate from (time step, rate) points; `cur_lr` holds it."""

    _optimizer: Any

    def __init__(self, lr: float, lr_schedule: Any) -> None:
        self._lr = _Scheduled("lr", lr, lr_schedule)
        self.cur_lr = self._lr.variable

    def on_global_var_update(self, global_vars: dict[str, Any]) -> None:
        """Take over the time step, and set the rate for it."""
        super().on_global_var_update(global_vars)
        if self._lr.follow(global_vars["timestep"]):
            self._optimizer.learning_rate.assign(self.cur_lr)

    def optimizer(self) -> Any:
        """Make Adam; Keras 3 takes no variable for its rate."""
        return tf.keras.optimizers.Adam(float(self.cur_lr.numpy()))


class EntropyCoeffSchedule(Mixin):
    """Set `entropy_coeff` from points, or linearly to 0 at the time step given."""

    def __init__(self, entropy_coeff: float, entropy_coeff_schedule: Any) -> None:
        points = entropy_coeff_schedule
        if points is not None and not isinstance(points, list):
            points = [[0, entropy_coeff], [points, 0.0]]
        self._entropy_coeff = _Scheduled("entropy_coeff", entropy_coeff, points)
        self.entropy_coeff = self._entropy_coeff.variable

    def on_global_var_update(self, global_vars: dict[str, Any]) -> None:
        """Take over the time step, and set the coefficient for it."""
        super().on_global_var_update(global_vars)
        self._entropy_coeff.follow(global_vars["timestep"])


class KLCoeffMixin(Mixin):
    """Adapt `kl_coeff` so that the KL divergence per update stays near `kl_target`."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.kl_coeff_val: float = config["kl_coeff"]
        self.kl_coeff = _held("kl_coeff", self.kl_coeff_val)
        self.kl_target: float = config["kl_target"]

    def update_kl(self, sampled_kl: float) -> float:
        """Raise the coefficient above twice the target, halve it below half of it."""
        if sampled_kl > 2.0 * self.kl_target:
            self._set_kl_coeff(self.kl_coeff_val * 1.5)
        elif sampled_kl < 0.5 * self.kl_target:
            self._set_kl_coeff(self.kl_coeff_val * 0.5)
        return self.kl_coeff_val

    def _set_kl_coeff(self, new_kl_coeff: float) -> None:
        self.kl_coeff_val = new_kl_coeff
        self.kl_coeff.assign(new_kl_coeff)

    def get_state(self) -> dict[str, Any]:
        """Give the coefficient, too."""
        return {**super().get_state(), "current_kl_coeff": self.kl_coeff_val}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore the coefficient, too."""
        coefficient: Any = state.get("current_kl_coeff", self.config["kl_coeff"])
        self._set_kl_coeff(coefficient)
        super().set_state(state)


class ValueNetworkMixin(Mixin):
    """Give the model's values with the actions, and the value after the last step.

    Built from the config, which follows the two spaces in the form of Ray 0.8 to 1.x.
    """

    def __init__(self, *spaces_and_config: Any) -> None:
        config: dict[str, Any] = spaces_and_config[-1]
        self._has_values = bool(config.get("use_gae") or config.get("vtrace"))

    def _value(self, *columns: Any, **input_dict: Any) -> Any:
        """Give the value of one step, from columns by name; Ray 0.8 gave them in this order.

        columns: observation, previous action, previous reward, states, without a batch axis.
        """
        if not self._has_values:
            return tf.constant(0.0)
        for position, column in enumerate(columns):
            names = (SampleBatch.OBS, SampleBatch.PREV_ACTIONS, SampleBatch.PREV_REWARDS)
            name = names[position] if position < 3 else f"state_in_{position - 3}"
            input_dict[name] = tf.expand_dims(column, 0)
        if columns:
            input_dict[SampleBatch.SEQ_LENS] = tf.ones(1, dtype=tf.int32)
        self.model(self._lazy_tensor_dict(SampleBatch(input_dict)))
        return self.model.value_function()[0]

    def extra_action_out_fn(self) -> dict[str, Any]:
        """Give the values of the last forward pass as `vf_preds`."""
        return {**super().extra_action_out_fn(), SampleBatch.VF_PREDS: self.model.value_function()}


class TargetNetworkMixin(Mixin):
    """Keep `target_model` behind the model, by `config["tau"]` per update.

    Built without arguments, or in the form of Ray 0.8 to 1.x with spaces and config.
    """

    target_model: Any

    def __init__(self, *spaces_and_config: Any) -> None:
        self.update_target(tau=1.0)

    @property
    def q_func_vars(self) -> list[Any]:
        """The model's variables."""
        return list(self.model.variables())

    @property
    def target_q_func_vars(self) -> list[Any]:
        """The target's variables."""
        return list(self.target_model.variables())

    def update_target(self, tau: float | None = None) -> None:
        """Move the target's trained weights a fraction `tau` towards the model's."""
        share = tf.constant(tau or self.config.get("tau", 1.0), dtype=tf.float32)
        pairs = (self.model.trainable_variables(), self.target_model.trainable_variables())
        for main, target in zip(*pairs, strict=True):
            target.assign(share * main + (1.0 - share) * target)

    def set_weights(self, weights: Any) -> None:
        """Load the model's weights, and let the target follow."""
        super().set_weights(weights)
        self.update_target()


class GradStatsMixin(Mixin):
    """Report the global norm of the gradients as `grad_gnorm`."""

    def __init__(self, *spaces_and_config: Any) -> None:
        pass

    def grad_stats_fn(self, train_batch: Any, grads: Any) -> dict[str, Any]:
        """Compute the norm."""
        return {"grad_gnorm": tf.linalg.global_norm(grads)}


def compute_gradients(policy: Any, optimizer: Any, loss: Any) -> list[tuple[Any, Any]]:
    """Give gradients and variables, clipped by the global norm if the config says so.

    Where the norm is infinite, gradients are set to 0.
    """
    pairs = optimizer.compute_gradients(loss, policy.model.trainable_variables())
    if policy.config.get("grad_clip") is None:
        return list(pairs)
    clipped, _ = tf.clip_by_global_norm([grad for grad, _ in pairs], policy.config["grad_clip"])
    policy.grads = [
        None if grad is None else tf.where(tf.math.is_nan(grad), tf.zeros_like(grad), grad)
        for grad in clipped
    ]
    return [(grad, variable) for grad, (_, variable) in zip(policy.grads, pairs, strict=True)]
