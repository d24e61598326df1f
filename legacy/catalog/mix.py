"""Mix an interface into a model class."""

from __future__ import annotations

_mixed: dict[tuple[type, type], type] = {}


def with_interface(model_class: type, interface: type | None) -> type:
    """Make a class that is both, the interface first, named as RLlib does: `X_as_Iface`.

    Classes that are of the interface already, and models without one, come back unchanged.
    """
    if interface is None or issubclass(model_class, interface):
        return model_class
    key = (model_class, interface)
    if key not in _mixed:
        _mixed[key] = _mix(model_class, interface)
    return _mixed[key]


def _mix(model_class: type, interface: type) -> type:
    name = f"{model_class.__name__}_as_{interface.__name__}"
    # The caller's module, so that messages and reports point at user code.
    return type(name, (interface, model_class), {"__module__": model_class.__module__})


def wrapped(model_class: type, wrapper: type) -> type:
    """Put an LSTM or attention wrapper before a model, whose own forward it calls inside."""
    mixed = with_interface(model_class, wrapper)
    if mixed is not model_class:
        mixed._wrapped_forward = model_class.forward  # type: ignore[attr-defined]
    return mixed
