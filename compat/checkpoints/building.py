"""Build the module that takes a checkpoint's weights."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from rlmigrate.compat.checkpoints.defaults import Plan, old_model_settings
from rlmigrate.compat.checkpoints.reading import OldPolicy
from rlmigrate.new_stack.models.default_config import DefaultModelConfig


def build_module(policy: OldPolicy, plan: Plan, module_class: type | None) -> Any:
    """Build the module that takes the weights, or None."""
    space = policy.observation_space
    raw = getattr(space, "original_space", space)
    if module_class is not None:
        made: Any = module_class
        return made(
            observation_space=raw,
            action_space=policy.action_space,
            inference_only=False,
            model_config=old_model_settings(policy),
        )
    if plan.kind == "default":
        module, catalog = _default_classes(plan)
        known = {field.name for field in dataclasses.fields(DefaultModelConfig)}
        nets = {name: value for name, value in plan.config.items() if name in known}
        with _NoRandomNumbers():
            return module(
                observation_space=space,
                action_space=policy.action_space,
                inference_only=False,
                model_config={**vars(DefaultModelConfig(**nets)), **plan.config},
                catalog_class=catalog,
            )
    if plan.kind == "wrapped":
        from rlmigrate.compat.wrap import defaults

        kinds = {
            "policy": defaults.DefaultModel,
            "dqn": defaults.DefaultQModel,
            "sac": defaults.DefaultSacModel,
        }
        return kinds[plan.role](
            observation_space=raw,
            action_space=policy.action_space,
            inference_only=False,
            model_config=dict(plan.config),
        )
    return None


def _default_classes(plan: Plan) -> tuple[Any, Any]:
    """Return RLlib's new default module class and its catalog."""
    if plan.role == "dqn":
        from rlmigrate.new_stack.catalog.dqn import DQNCatalog
        from rlmigrate.new_stack.defaults.dqn import DefaultDQNTorchRLModule

        return DefaultDQNTorchRLModule, DQNCatalog
    from rlmigrate.new_stack.catalog.ppo import PPOCatalog
    from rlmigrate.new_stack.defaults.ppo import DefaultPPOTorchRLModule

    return DefaultPPOTorchRLModule, PPOCatalog


# torch.nn.init's functions count too: within one, the mode that asks below is not asked.
_FILLING = (
    torch.Tensor.uniform_,
    torch.Tensor.normal_,
    torch.nn.init.uniform_,
    torch.nn.init.normal_,
    torch.nn.init.kaiming_uniform_,
    torch.nn.init.xavier_uniform_,
)


class _NoRandomNumbers(TorchFunctionMode):
    """Leave out the random initial values of a net that gets all its weights from a file.

    They take longer than reading, converting and writing it.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _FILLING:
            return kwargs["tensor"] if kwargs and "tensor" in kwargs else args[0]
        return func(*args, **(kwargs or {}))
