"""Spaces as JSON values, in the form in which RLlib writes them; reading runs no code.

RLlib reads arrays with `allow_pickle=True`, so that a JSON file alone can run code; here
arrays of objects are refused.
"""

from __future__ import annotations

import base64
import io
import zlib
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from rlmigrate.errors import CheckpointError, UnsafeCheckpoint
from rlmigrate.legacy.spaces import Repeated, Simplex


def _pack(array: npt.NDArray[Any]) -> str:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return base64.b64encode(zlib.compress(buffer.getvalue())).decode("ascii")


def _unpack(text: str) -> npt.NDArray[Any]:
    try:
        data = io.BytesIO(zlib.decompress(base64.b64decode(text)))
        return np.asarray(np.load(data, allow_pickle=False))
    except ValueError as error:
        raise UnsafeCheckpoint(
            f"an array of a space cannot be read without running code: {error}; "
            "expected plain numbers as numpy.save writes them"
        ) from error


def gym_space_to_dict(space: gym.Space[Any] | None) -> dict[str, Any] | None:
    """Give the JSON values of a space; None stays None."""
    if space is None:
        return None
    dtype = {"dtype": np.dtype(space.dtype).str} if space.dtype is not None else {}
    match space:
        case spaces.Discrete():
            return {"space": "discrete", "n": int(space.n), "start": int(space.start)}
        case spaces.MultiBinary():
            return {"space": "multi-binary", "n": space.n}
        case spaces.MultiDiscrete():
            return {"space": "multi-discrete", "nvec": _pack(space.nvec), **dtype}
        case spaces.Box():
            bounds = {"low": _pack(space.low), "high": _pack(space.high)}
            return {"space": "box", **bounds, "shape": space.shape, **dtype}
        case spaces.Tuple():
            return {"space": "tuple", "spaces": [gym_space_to_dict(s) for s in space.spaces]}
        case spaces.Dict():
            children = {key: gym_space_to_dict(s) for key, s in space.spaces.items()}
            return {"space": "dict", "spaces": children}
        case spaces.Text():
            lengths = {"min_length": space.min_length, "max_length": space.max_length}
            return {"space": "text", **lengths, "charset": space.character_set}
        case Simplex():
            values = {"shape": space.shape, "concentration": space.concentration}
            return {"space": "simplex", **values, **dtype}
        case Repeated():
            child = gym_space_to_dict(space.child_space)
            return {"space": "repeated", "child_space": child, "max_len": space.max_len}
        case _:
            raise CheckpointError(f"{space!r} has no JSON form; expected a gymnasium space")


def gym_space_from_dict(d: dict[str, Any] | None) -> gym.Space[Any] | None:
    """Build the space that `gym_space_to_dict` described."""
    if d is None:
        return None
    args = {key: value for key, value in d.items() if key != "space"}
    if "dtype" in args:
        args["dtype"] = np.dtype(args["dtype"])
    match d["space"]:
        case "discrete":
            return spaces.Discrete(**args)
        case "multi-binary":
            return spaces.MultiBinary(**args)
        case "multi-discrete":
            return spaces.MultiDiscrete(**{**args, "nvec": _unpack(args["nvec"])})
        case "box":
            bounds = {"low": _unpack(args["low"]), "high": _unpack(args["high"])}
            return spaces.Box(**{**args, **bounds, "shape": tuple(args["shape"])})
        case "tuple":
            return spaces.Tuple([_built(s) for s in args["spaces"]])
        case "dict":
            return spaces.Dict({key: _built(s) for key, s in args["spaces"].items()})
        case "text":
            return spaces.Text(**args)
        case "simplex":
            return Simplex(**args)
        case "repeated":
            return Repeated(_built(args["child_space"]), args["max_len"])
        case kind:
            raise CheckpointError(f"a space of kind {kind!r} is not known")


def _built(d: dict[str, Any]) -> gym.Space[Any]:
    space = gym_space_from_dict(d)
    if space is None:
        raise CheckpointError("a nested space is None")
    return space


def space_to_dict(space: gym.Space[Any]) -> dict[str, Any]:
    """Give the JSON values of a space together with its `original_space`."""
    out: dict[str, Any] = {"space": gym_space_to_dict(space)}
    original = getattr(space, "original_space", None)
    if original is not None:
        out["original_space"] = space_to_dict(original)
    return out


def space_from_dict(d: dict[str, Any]) -> gym.Space[Any]:
    """Build the space that `space_to_dict` described, `original_space` included."""
    space: Any = _built(d["space"])
    original = d.get("original_space")
    if original is not None:
        # Old checkpoints hold the original space's own values, new ones nest further.
        plain = isinstance(original["space"], str)
        space.original_space = _built(original) if plain else space_from_dict(original)
    return space  # type: ignore[no-any-return]
