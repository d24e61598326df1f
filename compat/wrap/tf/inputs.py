"""Observations, columns and states of a batch as an old TF model expects them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
import torch
import tree

from rlmigrate.compat.wrap.inputs import LegacyInput
from rlmigrate.compat.wrap.observations import ObservationEncoder
from rlmigrate.compat.wrap.states import StateLayout

Tensor: TypeAlias = Any
_APART = frozenset({"state_in", "seq_lens", "obs"})


def encode(encoder: ObservationEncoder, obs: Any) -> tuple[Tensor, tuple[int, ...]]:
    """Preprocess raw observations; return flat rows [N, ...] and the leading dimensions."""
    arrays = tree.map_structure(lambda leaf: torch.as_tensor(np.asarray(leaf)), obs)
    encoded = encoder(arrays)
    rows = tree.map_structure(lambda leaf: tf.convert_to_tensor(leaf.numpy()), encoded.flat)
    return rows, encoded.lead


def tf_input(batch: dict[str, Any], rows: Tensor, lead: tuple[int, ...], training: bool) -> Any:
    """Copy the columns of a batch, folding [B, T, ...] into [B*T, ...]."""

    def fold(value: Any) -> Any:
        value = tf.convert_to_tensor(value)
        if len(lead) == 2 and tuple(value.shape[:2]) == lead:
            return tf.reshape(value, (-1, *value.shape[2:]))
        return value

    inputs = LegacyInput()
    for key, value in batch.items():
        if key not in _APART:
            inputs[key] = tree.map_structure(fold, value)
    inputs["obs"] = rows
    inputs["is_training"] = training
    return inputs


class TfStateLayout(StateLayout):
    """Translate between state lists and named states, in TF."""

    def initial(self) -> dict[str, Tensor]:
        """Return the states before the first step, without batch dimension."""
        return {name: tf.convert_to_tensor(s.numpy()) for name, s in super().initial().items()}

    def to_list(self, states: Any) -> list[Tensor]:
        """List the states in the old model's order; see StateLayout."""
        return [tf.convert_to_tensor(state) for state in super().to_list(states)]

    def to_dict(self, before: Sequence[Tensor], after: Sequence[Tensor]) -> dict[str, Tensor]:
        """Name the states that the model returned, rolling memory windows on."""
        if not self.windows:
            return dict(zip(self.names, after, strict=True))
        rolled = {}
        for name, window, out in zip(self.names, before, after, strict=True):
            steps = tf.reshape(out, (window.shape[0], -1, out.shape[-1]))
            rolled[name] = tf.concat([window, steps], axis=1)[:, -window.shape[1] :]
        return rolled
