"""The TensorFlow base of models."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import gymnasium as gym

from rlmigrate.legacy.models.modelv2 import ModelV2
from rlmigrate.legacy.types import ModelConfig, Tensor


class TFModelV2(ModelV2):
    """ModelV2 for TensorFlow; a subclass keeps its Keras models and variables in attributes.

    Runs eagerly; inside a `tf.Graph` it builds into that graph.
    """

    def __init__(
        self,
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
    ) -> None:
        import tensorflow as tf

        super().__init__(obs_space, action_space, num_outputs, model_config, name, framework="tf")
        self.var_list: list[Tensor] = []
        self.graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()

    def context(self) -> contextlib.AbstractContextManager[Any]:
        """Enter the graph in which the model was built, if there was one."""
        return super().context() if self.graph is None else self.graph.as_default()

    def update_ops(self) -> list[Tensor]:
        """List operations to run with each update of the weights, to be overridden.

        Policies run eagerly: they ask before each update and call what is callable. BatchNorm of
        Keras needs none, it moves its averages in each forward pass with `training=True`.
        """
        return []

    def register_variables(self, variables: list[Tensor]) -> None:
        """Name the variables of this model, instead of having them found in its attributes."""
        self.var_list.extend(variables)

    def variables(self, as_dict: bool = False) -> Any:
        """List the variables, or give them by name.

        Found ones are named by attribute, layer and variable, `base_model.fc_1.kernel:0`.
        """
        if self.var_list:
            found = {_registered_name(variable): variable for variable in self.var_list}
            return found if as_dict else list(self.var_list)
        found = dict(_variables_in("", vars(self)))
        return found if as_dict else list(found.values())

    def trainable_variables(self, as_dict: bool = False) -> Any:
        """List the variables that are trained, or give them by name."""
        if as_dict:
            named = self.variables(as_dict=True)
            return {name: value for name, value in named.items() if value.trainable}
        return [value for value in self.variables() if value.trainable]


def _variables_in(key: str, value: object) -> Iterator[tuple[str, Tensor]]:
    import tensorflow as tf

    if isinstance(value, tf.keras.Model | tf.keras.layers.Layer | tf.Module):
        # Not `variables`: in Keras 3 those count the states of random generators too.
        for variable in getattr(value, "weights", None) or value.variables:
            yield f"{key}.{_registered_name(variable).replace('/', '.')}", variable
    elif isinstance(value, TFModelV2):
        for name, variable in value.variables(as_dict=True).items():
            yield f"{key}.{name}", variable
    elif isinstance(value, tf.Variable):
        yield key, value
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _variables_in(f"{key}_{position}", item)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _variables_in(f"{key}_{name}" if key else str(name), item)


def _registered_name(variable: Tensor) -> str:
    """Name a variable by its layer too.

    Keras 3 calls every kernel `kernel` and keeps the layer in `path`; RLlib, which asks for the
    name, finds 2 of a default net's 8 variables there.
    """
    path: str | None = getattr(variable, "path", None)
    return variable.name if path is None else f"{path}:0"  # type: ignore[no-any-return]
