"""From flat observations back to Dicts and Tuples of tensors, inside the model."""

from __future__ import annotations

import copy
import weakref
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
from gymnasium.spaces import Dict, Tuple

from rlmigrate.legacy.catalog.defaults import MODEL_DEFAULTS
from rlmigrate.legacy.preprocessors.base import Preprocessor
from rlmigrate.legacy.preprocessors.nested import (
    DictFlatteningPreprocessor,
    TupleFlatteningPreprocessor,
)
from rlmigrate.legacy.preprocessors.repeated import RepeatedValuesPreprocessor
from rlmigrate.legacy.preprocessors.repeated_values import RepeatedValues
from rlmigrate.legacy.preprocessors.select import get_preprocessor
from rlmigrate.legacy.types import Tensor, TensorStruct

# The settings that change the size of Atari frames: dim, grayscale.
_FrameSettings = tuple[int, bool]

# Keyed by identity, because spaces cannot be hashed; the weak reference guards against an
# address that was used again.
_cache: dict[tuple[int, _FrameSettings], tuple[weakref.ref[Any], Preprocessor]] = {}


def restore_original_dimensions(
    obs: Tensor,
    obs_space: gym.Space[Any],
    tensorlib: Any = "tf",
    *,
    options: Mapping[str, Any] | None = None,
) -> TensorStruct:
    """Unpack a flat observation into the structure of the original space.

    obs: Tensor[..., n] of torch, TF or numpy; what is a dict or tuple already comes back as it is.
    obs_space: the flat space; its `.original_space` says the structure.
    tensorlib: kept for old callers; the tensor itself tells what it is.
    options: a model config, where `dim` and `grayscale` were changed for Atari frames.
    Raises ValueError if the last axis has another size than the space.
    """
    space = getattr(obs_space, "original_space", obs_space)
    if not _is_nested(space):
        return obs
    if isinstance(obs, dict | list | tuple | RepeatedValues):
        return obs
    return _unpack(obs, _preprocessor_of(space, options))


def _is_nested(space: gym.Space[Any]) -> bool:
    return isinstance(space, Dict | Tuple) or hasattr(space, "child_space")


def _preprocessor_of(space: gym.Space[Any], options: Mapping[str, Any] | None) -> Preprocessor:
    options = options or MODEL_DEFAULTS
    frame = (options.get("dim", MODEL_DEFAULTS["dim"]), bool(options.get("grayscale")))
    key = (id(space), frame)
    known = _cache.get(key)
    if known is not None and known[0]() is space:
        return known[1]
    # A copy, for the entry goes when the space goes, and must not itself keep it alive.
    preprocessor = get_preprocessor(space)(
        copy.copy(space), {**MODEL_DEFAULTS, "dim": frame[0], "grayscale": frame[1]}
    )
    _cache[key] = (weakref.ref(space, lambda _: _cache.pop(key, None)), preprocessor)
    return preprocessor


def _unpack(obs: Tensor, preprocessor: Preprocessor) -> TensorStruct:
    if isinstance(preprocessor, RepeatedValuesPreprocessor):
        return _unpack_list(obs, preprocessor)
    if not isinstance(preprocessor, DictFlatteningPreprocessor | TupleFlatteningPreprocessor):
        return obs
    _check_size(obs, preprocessor.size)
    parts = []
    offset = 0
    for child in preprocessor.preprocessors:
        part = obs[..., offset : offset + child.size]
        offset += child.size
        if len(child.shape) != 1:
            part = _reshape(part, [*_leading(obs), *child.shape])
        parts.append(_unpack(part, child))
    if isinstance(preprocessor, TupleFlatteningPreprocessor):
        return parts
    return OrderedDict(zip(preprocessor.keys, parts, strict=True))


def _unpack_list(obs: Tensor, preprocessor: RepeatedValuesPreprocessor) -> RepeatedValues:
    _check_size(obs, preprocessor.size)
    child = preprocessor.child_preprocessor
    elements = _reshape(obs[..., 1:], [*_leading(obs), preprocessor.max_len, child.size])
    return RepeatedValues(_unpack(elements, child), obs[..., 0], preprocessor.max_len)


def _check_size(obs: Tensor, size: int) -> None:
    if len(obs.shape) < 2 or obs.shape[-1] != size:
        raise ValueError(
            f"flat observation has shape {tuple(obs.shape)}, expected [..., {size}] from the "
            "original space; is it preprocessed?"
        )


def _leading(obs: Tensor) -> list[int]:
    sizes = [getattr(size, "value", size) for size in obs.shape[:-1]]
    return [-1 if size is None else int(size) for size in sizes]


def _reshape(tensor: Tensor, shape: list[int]) -> Tensor:
    if hasattr(tensor, "reshape"):
        return tensor.reshape(shape)
    import tensorflow as tf

    return tf.reshape(tensor, shape)
