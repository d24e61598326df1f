"""wrap_model, wrap_policy: make RLModule classes of legacy model and policy classes."""

from __future__ import annotations

import abc
import copyreg
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from rlmigrate.compat.wrap.module import WrappedModel
from rlmigrate.compat.wrap.policy_module import WrappedPolicy
from rlmigrate.compat.wrap.q_module import WrappedQModel
from rlmigrate.compat.wrap.sac_module import WrappedSacModel
from rlmigrate.compat.wrap.stacks import (
    Stack,
    StackChoice,
    StackName,
    family_of,
    policy_family_of,
    resolve_stack,
    stack_named,
)
from rlmigrate.errors import WrapError

Role = Literal["auto", "policy", "dqn", "sac"]
_ROLES: dict[str, type[WrappedModel]] = {
    "policy": WrappedModel,
    "dqn": WrappedQModel,
    "sac": WrappedSacModel,
}
_made: dict[tuple[object, ...], type] = {}


class WrappedModelType(abc.ABCMeta):
    """The class of wrapped classes, which pickles them even where no module names them."""

    def __getattr__(cls, name: str) -> Any:
        """Give the constants of the old class, such as the name that it is registered by."""
        legacy: Any = cls.__dict__.get("legacy_class")
        value = None if name.startswith("__") else getattr(legacy, name, None)
        if value is None or callable(value) or hasattr(value, "__get__"):
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        return value


def wrap_model(
    model_class: type,
    *,
    stack: StackChoice = "auto",
    name: str | None = None,
    model_config: Mapping[str, Any] | None = None,
    role: Role = "auto",
) -> type[Any]:
    """Make an RLModule class that runs a legacy model, unchanged.

    `model_config` gives defaults below the config of each RLModuleSpec; the class is named
    `name` (default: as the legacy class) and belongs to the caller's module. TorchModelV2 itself
    stands for the default model that the old catalog picks. `role` says which protocol the module
    is to speak: "policy", "dqn" (any model; the old DQN's heads are put on top) or "sac" (a
    SACTorchModel or SACTFModel); "auto" tells by the class. A TF model becomes a TfRLModule of
    the builtin stack. Raises WrapError if `model_class` is no ModelV2, or TF for Ray's new stack,
    which has none; MissingDependency if `stack="ray"` and Ray is missing.

    >>> spec = RLModuleSpec(module_class=wrap_model(MyModel),
    ...                     model_config={"custom_model_config": {"width": 64}})
    ... # doctest: +SKIP
    """
    family_of(model_class)
    is_tf = any(each.__name__ == "TFModelV2" for each in model_class.__mro__)
    chosen = _role_of(model_class) if role == "auto" else role
    if is_tf and stack == "ray":
        raise WrapError(
            f"{model_class.__qualname__} is a TF model, which Ray's new stack has no place for; "
            'wrap it with stack="builtin", or move its weights into a torch module with '
            "transfer_weights"
        )
    caller = sys._getframe(1).f_globals.get("__name__", model_class.__module__)
    return _wrapped(
        model_class,
        "builtin" if is_tf else resolve_stack(stack),
        name or model_class.__name__,
        caller,
        dict(model_config or {}),
        base=_tf_base(chosen) if is_tf else _ROLES[chosen],
    )


def _role_of(model_class: type) -> str:
    names = {base.__name__ for base in model_class.__mro__}
    if names & {"SACTorchModel", "SACTFModel"}:
        return "sac"
    return "dqn" if names & {"DQNTorchModel", "DistributionalQTFModel"} else "policy"


def wrap_policy(
    policy_class: type,
    *,
    stack: StackChoice = "auto",
    name: str | None = None,
    config: Any = None,
) -> type[Any]:
    """Make an RLModule class that acts as an old policy does, hooks and exploration included.

    `config` is the AlgorithmConfig, or a dict of what differs from the defaults of the algorithm
    that the policy class is named after; the model_config of an RLModuleSpec goes into its
    "model". The class is named `name` (default: as the policy class) and belongs to the caller's
    module. Raises WrapError if `policy_class` is no Policy.
    """
    policy_family_of(policy_class)
    caller = sys._getframe(1).f_globals.get("__name__", policy_class.__module__)
    return _wrapped(
        policy_class,
        resolve_stack(stack),
        name or policy_class.__name__,
        caller,
        {},
        base=WrappedPolicy,
        legacy_config=config,
    )


def _wrapped(
    legacy_class: type,
    stack: StackName,
    name: str,
    module: str,
    model_config: dict[str, Any],
    *,
    base: type = WrappedModel,
    legacy_config: Any = None,
) -> type[Any]:
    """Make the class, or return the one made from the same arguments before."""
    settings = repr(sorted(model_config.items())), id(legacy_config)
    key = (legacy_class, stack, name, module, base, settings)
    if key not in _made:
        _made[key] = WrappedModelType(
            name,
            (base, *_upper_classes(base, stack_named(stack))),
            {
                "__module__": module,
                "__qualname__": name,
                "__doc__": f"{legacy_class.__qualname__}, of the old stack, as an RLModule.",
                "legacy_class": legacy_class,
                "legacy_model_config": MappingProxyType(model_config),
                "legacy_config": legacy_config,
                "stack_name": stack,
            },
        )
    return _made[key]


def _upper_classes(base: type, parts: Stack) -> tuple[type, ...]:
    """List what a wrapped class derives from besides its wrapping: interfaces and the module."""
    shared = (parts.value_function_api, parts.inference_only_api)
    q_net = (parts.q_net_api,) if hasattr(base, "compute_q_values") else ()
    if not issubclass(base, WrappedModel):
        from rlmigrate.new_stack.tf import TfRLModule

        targets = (parts.target_network_api, parts.q_net_api) if q_net else ()
        return (*shared, *targets, TfRLModule)
    return (*shared, parts.target_network_api, *q_net, parts.module)


def _tf_base(role: str) -> type:
    from rlmigrate.compat.wrap.tf import WrappedTfModel, WrappedTfQModel, WrappedTfSacModel

    bases: dict[str, type] = {"dqn": WrappedTfQModel, "sac": WrappedTfSacModel}
    return bases.get(role, WrappedTfModel)


def _reduce(wrapped: WrappedModelType) -> str | tuple[Any, ...]:
    """Pickle by name where the name leads back to the class, else by what it was made from."""
    home = sys.modules.get(wrapped.__module__)
    if getattr(home, wrapped.__qualname__, None) is wrapped or "legacy_class" not in vars(wrapped):
        return wrapped.__qualname__
    made: Any = wrapped
    arguments = (made.legacy_class, made.stack_name, made.__name__, made.__module__)
    base = wrapped.__mro__[1]
    return _again, (*arguments, dict(made.legacy_model_config), base, made.legacy_config)


def _again(
    legacy_class: type,
    stack: StackName,
    name: str,
    module: str,
    model_config: dict[str, Any],
    base: type,
    legacy_config: Any,
) -> type[Any]:
    return _wrapped(
        legacy_class, stack, name, module, model_config, base=base, legacy_config=legacy_config
    )


copyreg.pickle(WrappedModelType, _reduce)  # type: ignore[arg-type]
