"""Instances from classes, with equal weights that leave nothing at zero."""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.role_settings import NAMES, SETTINGS, RoleName
from rlmigrate.compat.parity.sides.legacy_roles import (
    LegacyRole,
    PolicyRole,
    build_in_role,
    role_of_instance,
)
from rlmigrate.compat.parity.sides.legacy_torch import LegacyTorchSide, catalog_of, stack_of
from rlmigrate.compat.parity.sides.module_torch import ModuleTorchSide
from rlmigrate.compat.wrap.building import registering_after
from rlmigrate.errors import UsageError

if TYPE_CHECKING:
    from rlmigrate.compat.parity.sides.tf.legacy_tf import LegacyTfSide
    from rlmigrate.compat.parity.sides.tf.module_tf import ModuleTfSide


def is_legacy(cls: type) -> bool:
    """Tell a legacy model class from an RLModule class."""
    return hasattr(cls, "value_function") and hasattr(cls, "get_initial_state") and not is_new(cls)


def is_new(cls: type) -> bool:
    """Tell whether a class is an RLModule."""
    return hasattr(cls, "forward_inference") and hasattr(cls, "forward_train")


def is_tensorflow(cls: type) -> bool:
    """Tell a TFModelV2 or TfRLModule from a class in torch."""
    return any(base.__name__ in ("TFModelV2", "TfRLModule") for base in cls.__mro__)


def legacy_side(
    old: object,
    *,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    model_config: Mapping[str, Any],
    seed: int = 0,
    role: RoleName = "policy",
) -> LegacyTorchSide | LegacyTfSide:
    """Take an instance as it is, or build a class as the algorithm of `role` did, weights filled.

    Raises:
        UsageError: a class is no legacy model, or an instance was not built for that role.
    """
    spaces: dict[str, Any] = {
        "observation_space": observation_space,
        "action_space": action_space,
    }
    if isinstance(old, type):
        if not is_legacy(old):
            raise UsageError(
                f"{old.__module__}.{old.__qualname__} is no legacy model: "
                "expected a subclass of TorchModelV2 or TFModelV2; pass the class from before the "
                "rewrite"
            )
        if is_tensorflow(old):
            return _tf_side(old, role, model_config=model_config, seed=seed, **spaces)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model, dist_class, found = _built(old, role, model_config=model_config, **spaces)
        fill_weights(model, seed=seed)
        return LegacyTorchSide(model, dist_class=dist_class, role=found, **spaces)
    carried: Any = getattr(old, "model", old)  # a Policy carries its model
    dist_class = getattr(old, "dist_class", None) if carried is not old else None
    config = getattr(old, "config", None) if carried is not old else None
    if is_tensorflow(type(carried)):
        return _tf_side(
            carried, role, model_config={}, dist_class=dist_class, config=config, **spaces
        )
    found = role_of_instance(carried, stack_of(type(carried)), config)
    _refuse_other_role(carried, role, found)
    return LegacyTorchSide(carried, dist_class=dist_class, role=found, **spaces)


def _tf_side(
    old: Any,
    role: RoleName,
    *,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    model_config: Mapping[str, Any],
    seed: int = 0,
    dist_class: Any = None,
    config: Mapping[str, Any] | None = None,
) -> LegacyTfSide:
    """Take a TF model, `config` its policy's, or build one from its class, weights filled."""
    from rlmigrate.compat.parity.sides.tf.legacy_tf import LegacyTfSide

    spaces: dict[str, Any] = {
        "observation_space": observation_space,
        "action_space": action_space,
    }
    built = isinstance(old, type)
    if built:
        import tensorflow as tf

        tf.random.set_seed(seed)
        with registering_after() if stack_of(old) == "ray" else nullcontext():
            old, dist_class, found = _built(
                old, role, model_config=model_config, framework="tf", **spaces
            )
    else:
        from rlmigrate.compat.parity.sides.tf.roles import role_of_instance as role_of_tf

        found = role_of_tf(old, stack_of(type(old)), config)
        _refuse_other_role(old, role, found)
    side = LegacyTfSide(old, dist_class=dist_class, role=found, **spaces)
    if built:
        side.load(moved_off_zero(side.parameters(), learned=side.trainable(), seed=seed))
    return side


def _refuse_other_role(model: object, role: RoleName, found: LegacyRole) -> None:
    if role != "policy" and found.name != role:
        raise UsageError(
            f"the new module speaks {role.upper()}'s protocol, but this "
            f"{type(model).__qualname__} was not built for it; pass its class, or the policy"
        )


def build_legacy(
    cls: type,
    *,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    model_config: Mapping[str, Any],
    seed: int = 0,
) -> Any:
    """Build a legacy model from its class through the ModelCatalog of its own stack."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _built(
            cls,
            "policy",
            observation_space=observation_space,
            action_space=action_space,
            model_config=model_config,
        )[0]


def _built(
    cls: type,
    role: RoleName,
    *,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    model_config: Mapping[str, Any],
    framework: str = "torch",
) -> tuple[Any, Any, LegacyRole]:
    """Give a model of its initial weights, its distribution class if known, and its role."""
    stack = stack_of(cls)
    catalog = catalog_of(stack)
    settings = {key: model_config[key] for key in SETTINGS[role] if key in model_config}
    own = {key: value for key, value in model_config.items() if key not in NAMES}
    config = {**_defaults(stack), **own, "custom_model": cls}
    if config.get("_disable_preprocessor_api"):
        space = observation_space
    else:
        space = catalog.get_preprocessor_for_space(observation_space, config).observation_space
    if role != "policy":
        asked: dict[str, Any] = {
            "stack": stack,
            "action_space": action_space,
            "model_config": config,
            "settings": settings,
        }
        if framework == "tf":
            from rlmigrate.compat.parity.sides.tf.roles import build_in_role as build_tf_in_role

            asked["preprocessed"] = space
            return build_tf_in_role(cls, role, observation_space=observation_space, **asked)
        return build_in_role(cls, role, observation_space=space, **asked)
    _, width = catalog.get_action_dist(action_space, config, framework=framework)
    model = catalog.get_model_v2(
        obs_space=space,
        action_space=action_space,
        num_outputs=int(width),
        model_config=config,
        framework="tf2" if framework == "tf" else framework,
        name=cls.__name__,
    )
    return model, None, PolicyRole()


def _defaults(stack: str) -> dict[str, Any]:
    import copy
    import importlib

    home = "ray.rllib.models.catalog" if stack == "ray" else "rlmigrate.legacy.catalog"
    return copy.deepcopy(dict(importlib.import_module(home).MODEL_DEFAULTS))


def fill_weights(module: torch.nn.Module, *, seed: int) -> None:
    """Move every weight off its initial value, so that no bias or gain hides at 0 or 1."""
    state = module.state_dict()
    learned = dict(module.named_parameters())
    with torch.no_grad():
        for name, value in state.items():
            if not value.is_floating_point():
                continue
            random = np.random.default_rng([seed, zlib.crc32(name.encode())])
            step = torch.tensor(random.normal(size=tuple(value.shape))).to(value.dtype)
            if name in learned:
                spread = float(value.std()) if value.numel() > 1 else 0.0
                value.add_(step, alpha=max(0.5 * spread, 0.05))
            elif name.endswith("running_mean"):
                value.copy_(0.1 * step)
            elif name.endswith("running_var"):
                value.copy_(step.abs() + 0.5)


def moved_off_zero(
    values: Mapping[str, Array], *, learned: frozenset[str], seed: int
) -> dict[str, Array]:
    """Give weights by name as `fill_weights` would leave them."""
    moved = {}
    for name, value in values.items():
        if value.dtype.kind != "f":
            continue
        random = np.random.default_rng([seed, zlib.crc32(name.encode())])
        step = random.normal(size=value.shape)
        if name in learned:
            spread = float(value.std()) if value.size > 1 else 0.0
            moved[name] = (value + max(0.5 * spread, 0.05) * step).astype(value.dtype)
        elif name.endswith("moving_mean"):
            moved[name] = (0.1 * step).astype(value.dtype)
        elif name.endswith("moving_variance"):
            moved[name] = (np.abs(step) + 0.5).astype(value.dtype)
    return moved


def module_side(
    new: object,
    *,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    model_config: Mapping[str, Any],
    seed: int = 1,
) -> ModuleTorchSide | ModuleTfSide:
    """Take an RLModule as it is, or build one from its class."""
    module = new
    if isinstance(new, type):
        if not is_new(new):
            raise UsageError(
                f"{new.__module__}.{new.__qualname__} is no RLModule: "
                "expected a subclass of TorchRLModule or TfRLModule, or a class made by wrap_model"
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = build_module(
                new,
                observation_space=observation_space,
                action_space=action_space,
                model_config=model_config,
            )
    if is_tensorflow(type(module)):
        from rlmigrate.compat.parity.sides.tf.module_tf import ModuleTfSide

        side: type[ModuleTfSide] | type[ModuleTorchSide] = ModuleTfSide
    else:
        side = ModuleTorchSide
    return side(
        module,
        observation_space=observation_space,
        action_space=action_space,
        built=module is not new,
    )


def build_module(
    cls: type,
    *,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    model_config: Mapping[str, Any],
) -> Any:
    """Build an RLModule as its spec would."""
    arguments: dict[str, Any] = {
        "observation_space": observation_space,
        "action_space": action_space,
        "model_config": dict(model_config),
    }
    accepted = inspect.signature(cls).parameters
    open_ended = any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in accepted.values())
    more = {"inference_only": False, "catalog_class": _catalog(cls)}
    arguments |= {name: more[name] for name in more if open_ended or name in accepted}
    return cls(**arguments)


def _catalog(cls: type) -> Any:
    """Name the catalog that Ray's default modules are built from; they cannot do without."""
    if cls.__module__.startswith("ray.rllib.algorithms.ppo"):
        from ray.rllib.algorithms.ppo.ppo_catalog import PPOCatalog

        return PPOCatalog
    return None  # DQN's and SAC's find their own
