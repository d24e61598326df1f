"""ModelV2, the base of all models of the old stack."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any

import gymnasium as gym

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.preprocessors.restore import restore_original_dimensions
from rlmigrate.legacy.types import InputDict, ModelConfig, Tensor

_NO_CONTEXT: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()

__all__ = ["ModelV2", "flatten", "restore_original_dimensions"]


class ModelV2:
    """A network that maps observations and states to distribution inputs and states.

    Use `TorchModelV2` or `TFModelV2`; a subclass gives `forward` and `value_function`.
    The model is called through `__call__`, which unpacks the observation first.
    """

    def __init__(
        self,
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
        framework: str,
    ) -> None:
        from rlmigrate.legacy.batches import ViewRequirement

        self.obs_space: Any = obs_space
        self.action_space: Any = action_space
        self.num_outputs: Any = num_outputs
        self.model_config = model_config
        self.name = name or "default_model"
        self.framework = framework
        self._last_output: Tensor = None
        self.time_major = model_config.get("_time_major")
        self.view_requirements = {"obs": ViewRequirement(shift=0, space=obs_space)}

    def get_initial_state(self) -> list[Tensor]:
        """Give the states before the first step, without a batch axis; [] if there are none."""
        return []

    def forward(
        self, input_dict: Any, state: list[Tensor], seq_lens: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Compute the output [B, num_outputs] and the new states; to be overridden.

        input_dict: "obs" in the environment's structure, "obs_flat" as one tensor, and what
        else `view_requirements` names.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement forward()")

    def value_function(self) -> Tensor:
        """Give the values [B] that belong to the last forward pass; to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} must implement value_function()")

    def custom_loss(self, policy_loss: Any, loss_inputs: InputDict) -> Any:
        """Change the policy's loss, or list of losses, here."""
        return policy_loss

    def metrics(self) -> dict[str, Tensor]:
        """Give scalars that are to be reported with the learner's."""
        return {}

    def __call__(
        self,
        input_dict: Any,
        state: Sequence[Tensor] | None = None,
        seq_lens: Tensor = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """Unpack the observation, run `forward`, check what it returns.

        States and sequence lengths that are not given are taken from `state_in_0`, ... and
        `seq_lens` of the input. An empty list of new states stands for the old ones.
        Raises ValueError if `forward` returns anything but (output, list of states).
        """
        batch = hasattr(input_dict, "accessed_keys")
        restored = _copy_batch(input_dict) if batch else input_dict.copy()
        states = state if isinstance(state, list) and state else _states(state, input_dict)
        if seq_lens is None:
            seq_lens = input_dict.get("seq_lens")

        obs = input_dict["obs"]
        if self.model_config.get("_disable_preprocessor_api"):
            restored["obs_flat"] = obs
        else:
            restored["obs"] = restore_original_dimensions(
                obs, self.obs_space, options=self.model_config
            )
            restored["obs_flat"] = (
                flatten(obs, self.framework) if len(getattr(obs, "shape", ())) > 2 else obs
            )

        with self.context():
            result = self.forward(restored, states, seq_lens)
        if batch:
            _report_access(restored, input_dict)

        output, state_out = self._checked(result)
        self._last_output = output
        return output, state_out or states

    def _checked(self, result: Any) -> tuple[Tensor, list[Tensor]]:
        if not isinstance(result, list | tuple) or len(result) != 2:
            raise ValueError(
                f"{type(self).__name__}.forward() must return a tuple of (output, list of states), "
                f"got {_short(result)}"
            )
        output, state_out = result
        if not isinstance(state_out, list):
            raise ValueError(
                f"{type(self).__name__}.forward() must return its states as a list, "
                f"got {_short(state_out)}; return [] if there are none"
            )
        return output, state_out

    def last_output(self) -> Tensor:
        """Give the output of the last call."""
        return self._last_output

    def context(self) -> contextlib.AbstractContextManager[Any]:
        """Give the context in which `forward` runs."""
        return _NO_CONTEXT

    def variables(self, as_dict: bool = False) -> Any:
        """List all variables, or name them."""
        raise NotImplementedError(f"{type(self).__name__} must implement variables()")

    def trainable_variables(self, as_dict: bool = False) -> Any:
        """List the variables that are trained, or name them."""
        raise NotImplementedError(f"{type(self).__name__} must implement trainable_variables()")

    def is_time_major(self) -> bool:
        """Tell whether sequences come as [T, B, ...]."""
        return self.time_major is True

    def import_from_h5(self, h5_file: str) -> None:
        """Raise: RLlib dropped Keras h5 weights in 2.0."""
        raise LegacyError(
            f"{type(self).__name__}.import_from_h5({h5_file!r}): weights in h5 files are not "
            "supported since Ray 2.0; read them with keras and assign them to the variables"
        )


def rows_of(x: Any) -> Any:
    """Flatten all axes of a torch tensor but the first, of an empty batch too."""
    return x if x.dim() == 2 else x.reshape(x.shape[0], math.prod(x.shape[1:]))


def flatten(obs: Tensor, framework: str) -> Tensor:
    """Flatten all axes but the first."""
    if framework == "torch":
        return rows_of(obs)
    if framework in ("tf", "tf2"):
        import tensorflow as tf

        size = 1
        for axis in obs.shape[1:]:
            size *= int(axis)
        return tf.reshape(obs, [-1, size])
    raise NotImplementedError(f"flatten: framework is {framework!r}, expected 'torch' or 'tf2'")


def _states(given: Sequence[Tensor] | None, input_dict: Any) -> list[Tensor]:
    if given:
        return list(given)
    states: list[Tensor] = []
    while f"state_in_{len(states)}" in input_dict:
        states.append(input_dict[f"state_in_{len(states)}"])
    return states


def _copy_batch(batch: Any) -> Any:
    """Copy a SampleBatch, with the is_training flag that RLlib's own copy() loses."""
    restored = batch.copy(shallow=True)
    # Not the property: it may turn the flag into a tensor.
    restored.set_training(batch._is_training)
    return restored


def _report_access(restored: Any, batch: Any) -> None:
    """Tell the caller's SampleBatch which columns the model used: policies prune the others."""
    batch.accessed_keys = restored.accessed_keys - {"obs_flat"}
    batch.deleted_keys = restored.deleted_keys
    batch.added_keys = restored.added_keys - {"obs_flat"}


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
