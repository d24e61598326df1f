"""Numbers that change with the time step: learning rates, epsilons, coefficients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rlmigrate.errors import LegacyError


def _linear(left: float, right: float, alpha: float) -> float:
    return left + alpha * (right - left)


class Schedule:
    """A value over time; a subclass gives `_value`."""

    def __init__(self, framework: str | None = None) -> None:
        self.framework = framework

    def value(self, t: Any) -> Any:
        """Give the value at time step `t`."""
        return self._value(t)

    def __call__(self, t: Any) -> Any:
        """Give the value at time step `t`."""
        return self._value(t)

    def _value(self, t: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must implement _value()")


class ConstantSchedule(Schedule):
    """One value for all times."""

    def __init__(self, value: float, framework: str | None = None) -> None:
        super().__init__(framework)
        self._v = value

    def _value(self, t: Any) -> float:
        return self._v


class PiecewiseSchedule(Schedule):
    """Interpolate between (time step, value) points.

    >>> PiecewiseSchedule([(0, 1.0), (10, 0.0)], outside_value=0.0).value(5)
    0.5
    """

    def __init__(
        self,
        endpoints: Sequence[Sequence[float]],
        framework: str | None = None,
        interpolation: Callable[[float, float, float], float] = _linear,
        outside_value: float | None = None,
    ) -> None:
        super().__init__(framework)
        times = [point[0] for point in endpoints]
        if times != sorted(times):
            raise ValueError(f"PiecewiseSchedule: time steps {times} are not in order")
        self.interpolation = interpolation
        self.outside_value = outside_value
        self.endpoints = [(int(point[0]), float(point[1])) for point in endpoints]

    def _value(self, t: Any) -> float:
        t = int(t)
        for (start, left), (end, right) in zip(self.endpoints, self.endpoints[1:], strict=False):
            if start <= t < end:
                return self.interpolation(left, right, float(t - start) / (end - start))
        if self.outside_value is None:
            first, last = self.endpoints[0][0], self.endpoints[-1][0]
            raise ValueError(
                f"PiecewiseSchedule: time step {t} lies outside [{first}, {last}) "
                "and there is no outside_value"
            )
        return self.outside_value


class PolynomialSchedule(Schedule):
    """Go from `initial_p` to `final_p` in `schedule_timesteps` steps, with the given power."""

    def __init__(
        self,
        schedule_timesteps: int,
        final_p: float,
        framework: str | None = None,
        initial_p: float = 1.0,
        power: float = 2.0,
    ) -> None:
        super().__init__(framework)
        self.schedule_timesteps = schedule_timesteps
        self.final_p = final_p
        self.initial_p = initial_p
        self.power = power

    def _value(self, t: Any) -> Any:
        rest = 1.0 - min(t, self.schedule_timesteps) / self.schedule_timesteps
        return self.final_p + (self.initial_p - self.final_p) * rest**self.power


class LinearSchedule(PolynomialSchedule):
    """A polynomial of power 1."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(power=1.0, **kwargs)


class ExponentialSchedule(Schedule):
    """Decay `initial_p` by the factor `decay_rate` per `schedule_timesteps` steps."""

    def __init__(
        self,
        schedule_timesteps: int,
        framework: str | None = None,
        initial_p: float = 1.0,
        decay_rate: float = 0.1,
    ) -> None:
        super().__init__(framework)
        self.schedule_timesteps = schedule_timesteps
        self.initial_p = initial_p
        self.decay_rate = decay_rate

    def _value(self, t: Any) -> Any:
        return self.initial_p * self.decay_rate ** (t / self.schedule_timesteps)


def schedule_from(given: Any) -> Any:
    """Build a schedule from {"type": its class's name, other arguments...}; others pass.

    Raises LegacyError for a type that is unknown.
    """
    if not isinstance(given, dict):
        return given
    args = dict(given)
    name = str(args.pop("type", "")).rpartition(".")[2]
    kinds = {
        kind.__name__: kind
        for kind in (
            ConstantSchedule,
            ExponentialSchedule,
            LinearSchedule,
            PiecewiseSchedule,
            PolynomialSchedule,
        )
    }
    if name not in kinds:
        raise LegacyError(f"schedule: type is {name!r}, expected one of {sorted(kinds)}")
    args.pop("framework", None)
    return kinds[name](**args)
