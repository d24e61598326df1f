"""Statistics of old observation filters, as the state of the new MeanStdFilter connector."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from rlmigrate.compat.checkpoints.inert import Inert

# Attribute names of RunningStat: 2.x, then 1.x.
_COUNT = ("num_pushes", "_n")
_MEAN = ("mean_array", "_M")
_SQUARES = ("sum_sq_diff_array", "_S")


def connector_state(filter_state: Any) -> dict[str, Any] | None:
    """Convert a MeanStdFilter to one agent's state in the new connector.

    Returns None for NoFilter. `MeanStdFilter().set_state({agent_id: state})` takes it; where
    observations have several dimensions, make `state["shape"]` an array first: JSON has none, and
    Ray takes a list for a structure of filters.
    """
    if not isinstance(filter_state, Inert) or "MeanStd" not in filter_state.name:
        return None
    stats = filter_state.get("running_stats") or filter_state.get("rs")
    return {
        "shape": _shape(filter_state.get("shape")),
        "de_mean_to_zero": bool(filter_state.get("demean", True)),
        "de_std_to_one": bool(filter_state.get("destd", True)),
        "clip_by_value": filter_state.get("clip", 10.0),
        "running_stats": [_running_stat(each) for each in _leaves(stats)],
    }


def _shape(shape: Any) -> Any:
    if isinstance(shape, np.ndarray | tuple | list):
        lengths = [int(length) for length in shape]
        return lengths[0] if len(lengths) == 1 else lengths
    return shape


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, Inert):
        return [value]
    if isinstance(value, Mapping):
        return [leaf for key in sorted(value) for leaf in _leaves(value[key])]
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in _leaves(item)]
    return []


def _running_stat(stat: Inert) -> dict[str, Any]:
    def first(names: tuple[str, ...]) -> Any:
        return next((v for name in names if (v := stat.get(name)) is not None), 0)

    mean, squares = np.asarray(first(_MEAN)), np.asarray(first(_SQUARES))
    return {
        "num_pushes": int(first(_COUNT)),
        "num_pushes_delta": 0,
        "mean_array": _pack(mean),
        "mean_delta_array": _pack(np.zeros_like(mean)),
        "sum_sq_diff_array": _pack(squares),
        "sum_sq_diff_delta_array": _pack(np.zeros_like(squares)),
    }


def _pack(array: np.ndarray[Any, Any]) -> str:
    """Serialize an array as RLlib does: zlib over numpy's own format, in base64."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return base64.b64encode(zlib.compress(buffer.getvalue())).decode("ascii")
