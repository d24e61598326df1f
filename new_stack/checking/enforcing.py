"""When a module's own specs are checked.

Outside `ray_names()` never, as in Ray since 2.36. Inside, without an era: the specs that a class
overrides, before and after every call. With an era up to 2.35: that release's rule, which is to
check the input only to explain an exception, and the output of the first call (of every call up to
2.9); the default specs count, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rlmigrate.new_stack.checking.checker import SpecCheckingError, validate
from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.era import ANY, accepts, current_era

# One of these must be in the outputs for acting. Releases up to 2.24 asked for a Distribution of
# RLlib's under `action_dist`, unless a class said otherwise, as RLlib's own all did.
_ACTION_KEYS = ("action_dist", Columns.ACTION_DIST_INPUTS, Columns.ACTIONS)


def call_checked(
    module: Any, phase: str, forward: Callable[..., Any], batch: Any, kwargs: dict[str, Any]
) -> dict[str, Any]:
    """Call a forward method with the checks of the era in force."""
    method = f"forward_{phase}"
    if current_era() == ANY:
        return _strictly(module, phase, method, forward, batch, kwargs)
    if not accepts(until="2.35"):
        unchecked: dict[str, Any] = forward(batch, **kwargs)
        return unchecked
    try:
        outputs: dict[str, Any] = forward(batch, **kwargs)
    except SpecCheckingError:
        raise
    except Exception:
        validate(module, method, batch, _input_spec(module, phase), tag="input")
        raise
    done: set[str] = module.__dict__.setdefault("_checked_output_specs", set())
    if method not in done or accepts(until="2.9"):
        _check_outputs(module, phase, method, outputs)
        done.add(method)
    return outputs


def _strictly(
    module: Any,
    phase: str,
    method: str,
    forward: Callable[..., Any],
    batch: Any,
    kwargs: dict[str, Any],
) -> dict[str, Any]:
    if _is_overridden(module, f"input_specs_{phase}") or _is_overridden(
        module, "_default_input_specs"
    ):
        validate(module, method, batch, _input_spec(module, phase), tag="input")
    outputs: dict[str, Any] = forward(batch, **kwargs)
    if _is_overridden(module, f"output_specs_{phase}"):
        spec = getattr(module, f"output_specs_{phase}")()
        validate(module, method, outputs, spec, tag="output")
    return outputs


def _is_overridden(module: Any, name: str) -> bool:
    from rlmigrate.new_stack.rl_module import RLModule

    return getattr(type(module), name, None) is not getattr(RLModule, name)


def _input_spec(module: Any, phase: str) -> Any:
    spec = getattr(module, f"input_specs_{phase}")()
    if spec is None:
        spec = module._default_input_specs()
    return [Columns.OBS] if spec is None else spec


def _check_outputs(module: Any, phase: str, method: str, outputs: Any) -> None:
    if _is_overridden(module, f"output_specs_{phase}"):
        spec = getattr(module, f"output_specs_{phase}")()
        validate(module, method, outputs, spec, tag="output")
    elif phase != "train" and not (
        isinstance(outputs, Mapping) and any(key in outputs for key in _ACTION_KEYS)
    ):
        found = (
            sorted(map(str, outputs)) if isinstance(outputs, Mapping) else type(outputs).__name__
        )
        raise SpecCheckingError(
            f"output of {type(module).__name__}.{method}: expected one of {_ACTION_KEYS}, "
            f"found {found}"
        )
