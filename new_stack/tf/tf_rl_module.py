"""TfRLModule: an RLModule that is a Keras model."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlmigrate.errors import ModuleError
from rlmigrate.new_stack.rl_module import RLModule
from rlmigrate.new_stack.state import StateReport
from rlmigrate.new_stack.tf.distributions import dist_cls_for

# Where Keras 3 and legacy Keras list a model's layers a second time.
_BOOKKEEPING = ("_layers", "_self_", "_tracker", "_functional")
_SETTINGS = {
    "action_dist_cls",
    "action_space",
    "catalog",
    "config",
    "inference_only",
    "learner_only",
    "model_config",
    "observation_space",
}


class TfRLModule(tf.keras.Model, RLModule):
    """A module of Keras layers and models; works on Keras 3 and on legacy Keras.

    Variables that layers make on their first call are there after that call, as in Keras; give
    layers their input shape (`tf.keras.Input`) to have them at once.
    """

    framework: str | None = "tf2"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        tf.keras.Model.__init__(self)
        RLModule.__init__(self, *args, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        # Keras replaces dicts that are set on a model by trackers of its own, which cannot be
        # pickled; settings are to stay what the caller gave.
        if name in _SETTINGS:
            object.__setattr__(self, name, _with_plain_size(value))
        else:
            super().__setattr__(name, value)

    def call(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Do what `forward_train` does (Keras calls this name)."""
        return self.forward_train(batch, **kwargs)

    # State ----------------------------------------------------------------------------------

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        inference_only: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Return the variables as numpy arrays by name, for example `pi.logits.kernel`.

        Ray's returns a list; names let `set_state` tell what did not match.
        """
        return {name: np.array(value) for name, value in self.named_variables().items()}

    def set_state(self, state: Mapping[str, Any] | Sequence[Any]) -> StateReport:
        """Load a state by name, or Ray's list of arrays in the order of the variables.

        Raises ModuleError if a list has another length, or an array another shape.
        """
        mine = self.named_variables()
        if not isinstance(state, Mapping):
            if len(state) != len(self.weights):
                raise ModuleError(
                    f"the state for {type(self).__name__} has {len(state)} arrays, expected "
                    f"{len(self.weights)}: {', '.join(mine)}"
                )
            names = {id(weight): name for name, weight in mine.items()}
            ordered = [names[id(weight)] for weight in self.weights]
            state = dict(zip(ordered, state, strict=True))
        wrong = [
            f"{name}: shape {np.shape(state[name])}, expected {tuple(variable.shape)}"
            for name, variable in mine.items()
            if name in state and np.shape(state[name]) != tuple(variable.shape)
        ]
        if wrong:
            raise ModuleError(f"the state does not fit {type(self).__name__}: {'; '.join(wrong)}")
        for name, variable in mine.items():
            if name in state:
                variable.assign(state[name])
        return StateReport(
            missing=tuple(name for name in mine if name not in state),
            unexpected=tuple(name for name in state if name not in mine),
        )

    def named_variables(self) -> dict[str, Any]:
        """Return the variables by the names that states have."""
        return named_variables(self)

    # Action distributions -------------------------------------------------------------------

    def get_inference_action_dist_cls(self) -> Any:
        """Return `self.action_dist_cls`, or the default for the action space."""
        if self.action_dist_cls is not None:
            return self.action_dist_cls
        return dist_cls_for(self.action_space)

    def get_exploration_action_dist_cls(self) -> Any:
        """Return what `get_inference_action_dist_cls` returns."""
        return self.get_inference_action_dist_cls()

    def get_train_action_dist_cls(self) -> Any:
        """Return what `get_inference_action_dist_cls` returns."""
        return self.get_inference_action_dist_cls()


def _with_plain_size(setting: Any) -> Any:
    """Give Discrete spaces an int size, for Keras 3 refuses numpy's as a number of units."""
    if not isinstance(setting, gym.spaces.Discrete):
        return setting
    plain = copy.copy(setting)
    plain.n = int(setting.n)  # type: ignore[assignment]
    return plain


def named_variables(module: tf.keras.Model) -> dict[str, Any]:
    """Name a module's weights by attribute, layer and variable, alike on either Keras.

    Raises ModuleError if two weights come out under one name.
    """
    named: dict[str, Any] = {}
    for name, weight in _walk(module, "", set()):
        if name in named:
            raise ModuleError(
                f"{type(module).__name__} has two weights called {name}; give the layers names of "
                "their own"
            )
        named[name] = weight
    return named


def _walk(layer: Any, prefix: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    for name, child in _children(layer):
        yield from _walk(child, f"{prefix}{name}.", seen)
    for weight in layer.weights:
        if id(weight) not in seen:
            seen.add(id(weight))
            yield prefix + weight.name.split(":")[0].rpartition("/")[2], weight


def _children(layer: Any) -> Iterator[tuple[str, Any]]:
    """Give the layers of a Sequential or functional model by name, those of others by attribute."""
    if isinstance(layer, tf.keras.Sequential):
        yield from ((child.name, child) for child in layer.layers)
        return
    if hasattr(layer, "_nodes_by_depth"):
        yield from counted_layers(layer.layers)
        return
    if not isinstance(layer, tf.keras.Model):
        return
    for attribute, value in vars(layer).items():
        if attribute.startswith(_BOOKKEEPING):
            continue
        if isinstance(value, tf.keras.layers.Layer):
            yield attribute, value
        elif isinstance(value, list | tuple):
            parts = enumerate(value)
            yield from ((f"{attribute}.{i}", v) for i, v in parts if _is_layer(v))
        elif isinstance(value, Mapping):
            yield from ((f"{attribute}.{k}", v) for k, v in value.items() if _is_layer(v))


def counted_layers(layers: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Give layers by their names, those that Keras made up (`dense_7`) by class and number.

    Keras counts its own names over the whole process, so that they differ from model to model.
    """
    counts: dict[str, int] = {}
    for layer in layers:
        kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(layer).__name__).lower()
        if re.fullmatch(rf"{kind}(_\d+)?", layer.name):
            counts[kind] = counts.get(kind, 0) + 1
            yield f"{kind}_{counts[kind]}", layer
        else:
            yield layer.name, layer


def _is_layer(value: object) -> bool:
    return isinstance(value, tf.keras.layers.Layer)
