"""The two stacks a wrapped class can be built on, and the two families a legacy model comes from.

stack_named     the RLModule side: Ray's classes or rlmigrate.new_stack's
resolve_stack   which of the two "auto" means here
family_of       the ModelV2 side: Ray's old stack or rlmigrate.legacy
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from rlmigrate.errors import MissingDependency, UsageError, WrapError

if TYPE_CHECKING:
    from collections.abc import Mapping

StackName = Literal["ray", "builtin"]
StackChoice = Literal["auto", "ray", "builtin"]


@dataclass(frozen=True)
class Stack:
    """The classes of one new stack that wrapping needs."""

    name: StackName
    module: type
    value_function_api: type
    inference_only_api: type
    target_network_api: type
    q_net_api: type
    distribution: type
    categorical: type
    diag_gaussian: type


@dataclass(frozen=True)
class Family:
    """The parts of one old stack that building a model needs."""

    name: StackName
    catalog: type
    defaults: Mapping[str, object]
    modelv2: type

    @property
    def sample_batch(self) -> type[Any]:
        """The class of the batches that its policies take."""
        home = {"ray": "ray.rllib.policy", "builtin": "rlmigrate.legacy.batches"}[self.name]
        return _load(f"{home}.sample_batch:SampleBatch")


_STACK_HOMES: dict[StackName, dict[str, str]] = {
    "ray": {
        "module": "ray.rllib.core.rl_module.torch.torch_rl_module:TorchRLModule",
        "value_function_api": "ray.rllib.core.rl_module.apis:ValueFunctionAPI",
        "inference_only_api": "ray.rllib.core.rl_module.apis:InferenceOnlyAPI",
        "target_network_api": "ray.rllib.core.rl_module.apis:TargetNetworkAPI",
        "q_net_api": "ray.rllib.core.rl_module.apis:QNetAPI",
        "distribution": "ray.rllib.core.distribution.distribution:Distribution",
        "categorical": "ray.rllib.core.distribution.torch.torch_distribution:TorchCategorical",
        "diag_gaussian": "ray.rllib.core.distribution.torch.torch_distribution:TorchDiagGaussian",
    },
    "builtin": {
        "module": "rlmigrate.new_stack:TorchRLModule",
        "value_function_api": "rlmigrate.new_stack:ValueFunctionAPI",
        "inference_only_api": "rlmigrate.new_stack:InferenceOnlyAPI",
        "target_network_api": "rlmigrate.new_stack:TargetNetworkAPI",
        "q_net_api": "rlmigrate.new_stack:QNetAPI",
        "distribution": "rlmigrate.new_stack.distributions:Distribution",
        "categorical": "rlmigrate.new_stack.distributions:TorchCategorical",
        "diag_gaussian": "rlmigrate.new_stack.distributions:TorchDiagGaussian",
    },
}

_FAMILY_HOMES: dict[StackName, tuple[str, str]] = {
    "ray": ("ray.rllib.models.catalog", "ray.rllib.models.modelv2"),
    "builtin": ("rlmigrate.legacy.catalog", "rlmigrate.legacy.models.modelv2"),
}


def _load(address: str) -> type:
    module, _, name = address.partition(":")
    value: type = getattr(importlib.import_module(module), name)
    return value


@functools.cache
def stack_named(name: StackName) -> Stack:
    """Load the classes of a stack.

    Raises MissingDependency if Ray is asked for and is not installed.
    """
    if name == "ray" and not _ray_is_installed():
        raise MissingDependency("ray[rllib]", extra="ray", purpose='wrap_model(stack="ray")')
    return Stack(name=name, **{field: _load(at) for field, at in _STACK_HOMES[name].items()})


def resolve_stack(choice: StackChoice) -> StackName:
    """Turn "auto" into "ray" where Ray is installed, else "builtin".

    The variable RLMIGRATE_STACK decides for "auto", so that one run can leave Ray alone.
    """
    if choice == "auto":
        wanted = os.environ.get("RLMIGRATE_STACK", "auto")
        if wanted == "auto":
            return "ray" if _ray_is_installed() else "builtin"
        choice = wanted  # type: ignore[assignment]
    if choice not in ("ray", "builtin"):
        raise UsageError(f"stack must be 'auto', 'ray' or 'builtin', not {choice!r}")
    return choice  # type: ignore[return-value]


def _ray_is_installed() -> bool:
    try:
        return importlib.util.find_spec("ray.rllib.core.rl_module") is not None
    except (ImportError, ValueError):
        return False


def family_of(model_class: type) -> Family:
    """Find the old stack that a legacy model class is built on.

    Raises WrapError if the class is no torch ModelV2 of Ray or of rlmigrate.legacy.
    """
    for base in model_class.__mro__:
        if base.__name__ == "ModelV2":
            if base.__module__.startswith("rlmigrate.legacy"):
                return _family("builtin")
            if base.__module__.startswith("ray.rllib"):
                return _family("ray")
    raise WrapError(
        f"{model_class.__module__}.{model_class.__qualname__} is not a ModelV2 of "
        "ray.rllib.models or rlmigrate.legacy.models; its bases are "
        f"{[base.__qualname__ for base in model_class.__mro__[1:]]}. "
        "Pass the class that derives from TorchModelV2."
    )


def policy_family_of(policy_class: type) -> Family:
    """Find the old stack that a policy class is built on.

    Raises WrapError if the class is no Policy of Ray or of rlmigrate.legacy.
    """
    for base in policy_class.__mro__:
        if base.__name__ == "Policy":
            if base.__module__.startswith("rlmigrate.legacy"):
                return _family("builtin")
            if base.__module__.startswith("ray.rllib"):
                return _family("ray")
    raise WrapError(
        f"{policy_class.__module__}.{policy_class.__qualname__} is not a Policy of "
        "ray.rllib.policy or rlmigrate.legacy.policies. Pass the policy class itself."
    )


@functools.cache
def _family(name: StackName) -> Family:
    catalog_home, modelv2_home = _FAMILY_HOMES[name]
    catalog = importlib.import_module(catalog_home)
    return Family(
        name=name,
        catalog=catalog.ModelCatalog,
        defaults=catalog.MODEL_DEFAULTS,
        modelv2=_load(f"{modelv2_home}:ModelV2"),
    )


def dqn_interface(family: Family) -> type:
    """Return the class that the old DQN mixed into models."""
    home = "ray.rllib.algorithms.dqn" if family.name == "ray" else "rlmigrate.legacy.models"
    name = "dqn_torch_model" if family.name == "ray" else "dqn_model"
    return _load(f"{home}.{name}:DQNTorchModel")


def dqn_tf_interface(family: Family) -> type:
    """Return the class that the old DQN mixed into TF models."""
    home = "ray.rllib.algorithms.dqn" if family.name == "ray" else "rlmigrate.legacy.models.tf"
    name = "distributional_q_tf_model" if family.name == "ray" else "dqn_model"
    return _load(f"{home}.{name}:DistributionalQTFModel")


@dataclass(frozen=True)
class SacParts:
    """The old SAC's model and the distributions of its continuous actions."""

    model: type
    squashed: type
    beta: type
    gaussian: type


def sac_parts(family: Family, framework: Literal["torch", "tf"] = "torch") -> SacParts:
    """Return the old SAC's model, and its distribution classes.

    Those of Ray's in TF need tensorflow_probability; where it is missing, ours give the numbers.
    """
    rays = family.name == "ray"
    if framework == "torch":
        model = (
            "ray.rllib.algorithms.sac.sac_torch_model"
            if rays
            else "rlmigrate.legacy.models.sac_model"
        )
        home = "ray.rllib.models.torch.torch_action_dist" if rays else _OUR_DISTRIBUTIONS
        return _sac_parts(f"{model}:SACTorchModel", home, "Torch")
    rays_model = "ray.rllib.algorithms.sac.sac_tf_model"
    model = rays_model if rays else "rlmigrate.legacy.models.tf.sac_model"
    computes = rays and importlib.util.find_spec("tensorflow_probability") is not None
    home = "ray.rllib.models.tf.tf_action_dist" if computes else f"{_OUR_DISTRIBUTIONS}.tf"
    return _sac_parts(f"{model}:SACTFModel", home, "")


_OUR_DISTRIBUTIONS = "rlmigrate.legacy.distributions"


def _sac_parts(model: str, home: str, prefix: str) -> SacParts:
    names = ("SquashedGaussian", "Beta", "DiagGaussian")
    squashed, beta, gaussian = (_load(f"{home}:{prefix}{name}") for name in names)
    return SacParts(_load(model), squashed, beta, gaussian)
