"""Build the legacy model that a wrapped module holds, as the old catalog would."""

from __future__ import annotations

from collections.abc import Mapping
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

    model: nn.Module
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
    catalog: Any = family.catalog
    merged = {**family.defaults, **config}
    merged["custom_model"] = model_class
    if num_outputs is None:
        distribution, num_outputs = _distribution(catalog, action_space, merged)
    if "num_outputs" in config:
        num_outputs = config["num_outputs"]
    model = catalog.get_model_v2(
        obs_space,
        action_space,
        num_outputs,
        merged,
        framework="torch",
        name="legacy_model",
        **options,
    )
    if not isinstance(model, nn.Module):
        raise WrapError(
            f"{type(model).__qualname__} is not a torch.nn.Module; TensorFlow models are "
            'wrapped with wrap_model(..., stack="builtin") as TfRLModule'
        )
    return Built(model, distribution, merged)


def _distribution(
    catalog: Any, action_space: gym.Space[Any], config: dict[str, Any]
) -> tuple[Any, int]:
    custom = config.get("custom_action_dist")
    if isinstance(custom, type):
        # The old catalog takes registered names only.
        name = f"{custom.__module__}.{custom.__qualname__}"
        catalog.register_custom_action_dist(name, custom)
        config["custom_action_dist"] = name
    distribution, size = catalog.get_action_dist(action_space, config, framework="torch")
    return distribution, int(size)
