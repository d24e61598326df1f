"""Build the legacy model that a wrapped module holds, as the old catalog would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from rlmigrate.errors import WrapError

if TYPE_CHECKING:
    import gymnasium as gym

    from rlmigrate.compat.wrap.stacks import Family


@dataclass(frozen=True)
class Built:
    """A legacy model and the distribution class that reads its outputs."""

    model: Any
    distribution: Any
    config: Mapping[str, Any]


def build_model(
    model_class: type | None,
    *,
    family: Family,
    obs_space: gym.Space[Any],
    action_space: gym.Space[Any],
    config: Mapping[str, Any],
    num_outputs: int | None = None,
    distribution: Any = None,
    **options: Any,
) -> Built:
    """Build a model with the size and the arguments that the old stack would have given it.

    `model_class` None stands for the old stack's default model; `options` are further arguments
    of the old catalog. Raises WrapError if the result is no torch module.
    """
    built = _build(
        model_class,
        "torch",
        family=family,
        obs_space=obs_space,
        action_space=action_space,
        config=config,
        num_outputs=num_outputs,
        distribution=distribution,
        **options,
    )
    if not isinstance(built.model, nn.Module):
        raise WrapError(
            f"{type(built.model).__qualname__} is not a torch.nn.Module; wrap_model takes classes "
            "that derive from TorchModelV2 and nn.Module, or from TFModelV2"
        )
    return built


def build_tf_model(
    model_class: type | None,
    *,
    family: Family,
    obs_space: gym.Space[Any],
    action_space: gym.Space[Any],
    config: Mapping[str, Any],
    **options: Any,
) -> Built:
    """Build a TF model, to be run eagerly; see `build_model`."""
    return _build(
        model_class,
        "tf2",
        family=family,
        obs_space=obs_space,
        action_space=action_space,
        config=config,
        **options,
    )


def _build(
    model_class: type | None,
    framework: str,
    *,
    family: Family,
    obs_space: gym.Space[Any],
    action_space: gym.Space[Any],
    config: Mapping[str, Any],
    num_outputs: int | None = None,
    distribution: Any = None,
    **options: Any,
) -> Built:
    catalog: Any = family.catalog
    merged = {**family.defaults, **config}
    merged["custom_model"] = model_class
    if num_outputs is None:
        distribution, num_outputs = _distribution(catalog, action_space, merged, framework)
    if "num_outputs" in config:
        num_outputs = config["num_outputs"]
    of_ray = framework == "tf2" and family.name == "ray"
    with registering_after() if of_ray else nullcontext():
        model = catalog.get_model_v2(
            obs_space,
            action_space,
            num_outputs,
            merged,
            framework=framework,
            name="legacy_model",
            **options,
        )
    return Built(model, distribution, merged)


@contextmanager
def registering_after() -> Iterator[None]:
    """Let TF models of Ray register their variables when they are built, and not before.

    Ray's catalog puts registered variables into a set, for which TF 2 has no hash.
    """
    from ray.rllib.models.tf.tf_modelv2 import TFModelV2

    register = TFModelV2.register_variables
    held: list[tuple[Any, Any]] = []
    TFModelV2.register_variables = lambda self, variables: held.append((self, variables))
    try:
        yield
    finally:
        TFModelV2.register_variables = register
    for model, variables in held:
        register(model, variables)


def _distribution(
    catalog: Any, action_space: gym.Space[Any], config: dict[str, Any], framework: str
) -> tuple[Any, int]:
    custom = config.get("custom_action_dist")
    if isinstance(custom, type):
        # The old catalog takes registered names only.
        name = f"{custom.__module__}.{custom.__qualname__}"
        catalog.register_custom_action_dist(name, custom)
        config["custom_action_dist"] = name
    # For "tf2" Ray's catalog takes torch's distribution of Tuple and Dict actions.
    family = "torch" if framework == "torch" else "tf"
    distribution, size = catalog.get_action_dist(action_space, config, framework=family)
    return distribution, int(size)
