"""Mixins of torch policies: schedules, KL coefficient, value and target networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rlmigrate.legacy.batches import SampleBatch
from rlmigrate.legacy.utils.schedules import PiecewiseSchedule

if TYPE_CHECKING:
    from rlmigrate.legacy.policies.policy import Policy as Mixin
else:
    # Not Policy: in `class P(TorchPolicyV2, AMixin)` its constructor would then run between.
    Mixin = object


def _schedule(points: Any) -> PiecewiseSchedule | None:
    return None if points is None else PiecewiseSchedule(points, outside_value=points[-1][-1])


class LearningRateSchedule(Mixin):
    """Set the optimizers' learning rates from (time step, rate) points."""

    _optimizers: list[Any]

    def __init__(self, lr: Any, lr_schedule: Any, lr2: Any = None, lr2_schedule: Any = None):
        self._lr_schedule = _schedule(lr_schedule)
        self._lr2_schedule = _schedule(lr2_schedule)
        self.cur_lr = self._lr_schedule.value(0) if self._lr_schedule else lr
        self.cur_lr2 = self._lr2_schedule.value(0) if self._lr2_schedule else lr2

    def on_global_var_update(self, global_vars: dict[str, Any]) -> None:
        """Take over the time step, and set the rates for it."""
        super().on_global_var_update(global_vars)
        if self._lr_schedule:
            self.cur_lr = self._lr_schedule.value(global_vars["timestep"])
            for optimizer in self._optimizers:
                _set_lr(optimizer, self.cur_lr)
        if self._lr2_schedule:
            self.cur_lr2 = self._lr2_schedule.value(global_vars["timestep"])
            _set_lr(self._optimizers[1], self.cur_lr2)


def _set_lr(optimizer: Any, lr: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = lr


class EntropyCoeffSchedule(Mixin):
    """Set `entropy_coeff` from points, or linearly to 0 at the time step given."""

    def __init__(self, entropy_coeff: float, entropy_coeff_schedule: Any) -> None:
        points = entropy_coeff_schedule
        if points is not None and not isinstance(points, list):
            points = [[0, entropy_coeff], [points, 0.0]]
        self._entropy_coeff_schedule = _schedule(points)
        self.entropy_coeff: Any = entropy_coeff
        if self._entropy_coeff_schedule:
            self.entropy_coeff = self._entropy_coeff_schedule.value(0)

    def on_global_var_update(self, global_vars: dict[str, Any]) -> None:
        """Take over the time step, and set the coefficient for it."""
        super().on_global_var_update(global_vars)
        if self._entropy_coeff_schedule:
            self.entropy_coeff = self._entropy_coeff_schedule.value(global_vars["timestep"])


class KLCoeffMixin(Mixin):
    """Adapt `kl_coeff` so that the KL divergence per update stays near `kl_target`."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.kl_coeff: float = config["kl_coeff"]
        self.kl_target: float = config["kl_target"]

    def update_kl(self, sampled_kl: float) -> float:
        """Raise the coefficient above twice the target, halve it below half of it."""
        if sampled_kl > 2.0 * self.kl_target:
            self.kl_coeff *= 1.5
        elif sampled_kl < 0.5 * self.kl_target:
            self.kl_coeff *= 0.5
        return self.kl_coeff

    def get_state(self) -> dict[str, Any]:
        """Give the coefficient, too."""
        return {**super().get_state(), "current_kl_coeff": self.kl_coeff}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore the coefficient, too."""
        coefficient: Any = state.get("current_kl_coeff")
        self.kl_coeff = self.config["kl_coeff"] if coefficient is None else coefficient
        super().set_state(state)


class ValueNetworkMixin(Mixin):
    """Give the model's values with the actions, and the value after the last step.

    Built from the config, which follows the two spaces in the form of Ray 0.8 to 1.x.
    """

    def __init__(self, *spaces_and_config: Any) -> None:
        config: dict[str, Any] = spaces_and_config[-1]
        self._has_values = bool(config.get("use_gae") or config.get("vtrace"))

    def _value(self, **input_dict: Any) -> float:
        if not self._has_values:
            return 0.0
        batch = self._lazy_tensor_dict(SampleBatch(input_dict))  # type: ignore[attr-defined]
        self.model(batch)
        return float(self.model.value_function()[0].item())

    def extra_action_out(
        self, input_dict: Any, state_batches: Any, model: Any, action_dist: Any
    ) -> dict[str, Any]:
        """Give the values of the last forward pass as `vf_preds`."""
        return {SampleBatch.VF_PREDS: model.value_function()}


class TargetNetworkMixin(Mixin):
    """Keep `target_model` behind the model, by `config["tau"]` per update.

    Built without arguments, or in the form of Ray 0.8 to 1.x with spaces and config.
    """

    target_models: dict[Any, Any]

    def __init__(self, *spaces_and_config: Any) -> None:
        self.update_target(tau=self.config.get("tau", 1.0))

    def update_target(self, tau: float | None = None) -> None:
        """Move the target's weights a fraction `tau` towards the model's."""
        share: float = tau or self.config.get("tau", 1.0)
        main = self.model.state_dict()
        for target in self.target_models.values():
            old = target.state_dict()
            target.load_state_dict({k: share * main[k] + (1 - share) * v for k, v in old.items()})

    def set_weights(self, weights: Any) -> None:
        """Load the model's weights, and let the target follow."""
        super().set_weights(weights)
        self.update_target()
