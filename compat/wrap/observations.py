"""Preprocess raw observations inside a module, batched, as the old stack did row by row.

ObservationEncoder   raw batch (any space, one or two leading dimensions) to `obs_flat`
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

import gymnasium as gym
import numpy as np
import torch
from torch.nn import functional

from rlmigrate.errors import WrapError
from rlmigrate.legacy.models.modelv2 import rows_of

if TYPE_CHECKING:
    from rlmigrate.compat.wrap.stacks import Family

Observation: TypeAlias = (
    "torch.Tensor | np.ndarray | Mapping[str, Observation] | Sequence[Observation]"
)
Lead: TypeAlias = "tuple[int, ...]"
_Leaf: TypeAlias = "Callable[[torch.Tensor], torch.Tensor]"


class _Preprocessor(Protocol):
    """What is used of an old preprocessor, Ray's or ours."""

    shape: Sequence[int]
    preprocessors: Sequence[_Preprocessor]

    @property
    def size(self) -> int: ...
    @property
    def observation_space(self) -> gym.Space[object]: ...
    def transform(self, observation: object) -> np.ndarray: ...


class Encoded(NamedTuple):
    """A batch ready for a legacy model.

    `flat`: [N, *shape] with N the product of `lead`, the batch (and time) dimensions.
    """

    flat: torch.Tensor
    lead: Lead


class ObservationEncoder:
    """Turn batches of raw observations into what the old preprocessor would have made.

    Batches that are already preprocessed (one tensor of the flat size) pass unchanged.
    """

    def __init__(self, space: gym.Space[object], family: Family, *, enabled: bool) -> None:
        if hasattr(space, "original_space") or not enabled:
            # A preprocessed space, or preprocessing switched off: the model gets what comes.
            self.model_space = space
            self._flat_ndim: int | None = None if space.shape is None else len(space.shape)
            self._encode = None
            self._raw_ndim = self._flat_ndim
            self._size = None
            return
        preprocessor: _Preprocessor = family.catalog.get_preprocessor_for_space(space)  # type: ignore[attr-defined]
        self.model_space = preprocessor.observation_space
        self._flat_ndim = len(preprocessor.shape)
        self._encode, self._raw_ndim = _top_level(space, preprocessor)
        # One-hot rows are told from raw categories by dtype and width; a float Box(128,) is
        # always raw, since its preprocessed form looks the same.
        self._size = preprocessor.size if "OneHotPreprocessor" in _kinds(preprocessor) else None

    def __call__(self, obs: Observation) -> Encoded:
        """Encode `obs`, whose leaves are [B, ...] or [B, T, ...]."""
        if self._encode is None:
            if isinstance(obs, np.ndarray):
                obs = torch.from_numpy(obs)
            if not isinstance(obs, torch.Tensor):
                return Encoded(obs, _lead_of_structure(obs))  # type: ignore[arg-type]
            return _merge_lead(obs, self._flat_ndim or 0)
        if self._is_flat(obs):
            return _merge_lead(_tensor(obs), self._flat_ndim or 0)
        return self._encode(obs)

    def _is_flat(self, obs: Observation) -> bool:
        """Tell a preprocessed batch from a raw one."""
        if not isinstance(obs, torch.Tensor | np.ndarray) or not obs.ndim:
            return False
        if self._raw_ndim is None:
            return True
        floating = obs.dtype.is_floating_point if isinstance(obs, torch.Tensor) else False
        return floating and obs.shape[-1] == self._size


def _tensor(value: object) -> torch.Tensor:
    return value if isinstance(value, torch.Tensor) else torch.as_tensor(value)


def _merge_lead(value: torch.Tensor, event_ndim: int) -> Encoded:
    """Fold [B, T, *event] into [B*T, *event]; leave [B, *event] as it is."""
    ndim = value.ndim - event_ndim
    lead = tuple(value.shape[:ndim])
    if ndim == 1:
        return Encoded(value, lead)
    if ndim != 2:
        raise WrapError(
            f"obs has shape {tuple(value.shape)}; expected [B, ...] or [B, T, ...] before "
            f"{event_ndim} dimension(s) of the observation itself"
        )
    return Encoded(value.flatten(0, 1), lead)


def _lead_of_structure(obs: Observation) -> Lead:
    while not isinstance(obs, torch.Tensor | np.ndarray):
        obs = next(iter(obs.values() if isinstance(obs, Mapping) else obs))
    return (int(obs.shape[0]),)


def _kinds(preprocessor: _Preprocessor) -> set[str]:
    return {base.__name__ for base in type(preprocessor).__mro__}


def _top_level(
    space: gym.Space[object], preprocessor: _Preprocessor
) -> tuple[Callable[[Observation], Encoded] | None, int | None]:
    """Choose how to encode a whole observation; None where nothing changes."""
    kinds = _kinds(preprocessor)
    if "NoPreprocessor" in kinds:
        return None, len(space.shape or ())
    if kinds & {"DictFlatteningPreprocessor", "TupleFlatteningPreprocessor"}:
        return _Composite(space, preprocessor), None
    if kinds & {"OneHotPreprocessor", "AtariRamPreprocessor"}:
        ndim = len(space.shape or ())
        return _Single(_leaf_encoder(space, preprocessor), ndim), ndim
    return _RowByRow(preprocessor), len(space.shape or ()) if space.shape else None


def _leaf_encoder(space: gym.Space[object], preprocessor: _Preprocessor) -> _Leaf:
    """Make the function from raw [N, *shape] to float32[N, size] of one component."""
    kinds = _kinds(preprocessor)
    if isinstance(space, gym.spaces.Discrete):
        return _OneHots((int(space.n),), (int(space.start),))
    if isinstance(space, gym.spaces.MultiDiscrete):
        sizes = tuple(int(n) for n in space.nvec.ravel())
        starts = np.ravel(getattr(space, "start", np.zeros(len(sizes))))
        return _OneHots(sizes, tuple(int(start) for start in starts))
    if "AtariRamPreprocessor" in kinds:
        return _atari_ram
    if kinds & {"NoPreprocessor", "MultiBinaryPreprocessor"}:
        return _ravel
    return _FlatRows(preprocessor)


def _atari_ram(raw: torch.Tensor) -> torch.Tensor:
    return (raw.float() - 128) / 128


def _ravel(raw: torch.Tensor) -> torch.Tensor:
    return rows_of(raw).float()  # type: ignore[no-any-return]


@dataclass(frozen=True)
class _OneHots:
    """One-hot rows, one after the other, for the categories of a (Multi)Discrete."""

    sizes: tuple[int, ...]
    starts: tuple[int, ...]

    def __call__(self, raw: torch.Tensor) -> torch.Tensor:
        columns = rows_of(raw).long().unbind(1)
        rows = [
            functional.one_hot(column - start, size)
            for column, start, size in zip(columns, self.starts, self.sizes, strict=True)
        ]
        return torch.cat(rows, dim=1).float()


@dataclass(frozen=True)
class _Single:
    """Encode an observation that is one array."""

    encode: _Leaf
    ndim: int

    def __call__(self, obs: Observation) -> Encoded:
        merged = _merge_lead(_tensor(obs), self.ndim)
        return Encoded(self.encode(merged.flat), merged.lead)


class _Composite:
    """Flatten Dict and Tuple observations into one row per step, in the old order."""

    def __init__(self, space: gym.Space[object], preprocessor: _Preprocessor) -> None:
        self._is_dict = isinstance(space, gym.spaces.Dict)
        children = list(space.spaces.values()) if self._is_dict else list(space.spaces)  # type: ignore[attr-defined]
        self._keys = list(space.spaces) if self._is_dict else []  # type: ignore[attr-defined]
        self._sizes = [child.size for child in preprocessor.preprocessors]
        self._leaves: list[tuple[_Leaf, int] | _Composite] = [
            _Composite(child, prep)
            if hasattr(prep, "preprocessors")
            else (_leaf_encoder(child, prep), len(child.shape or ()))
            for child, prep in zip(children, preprocessor.preprocessors, strict=True)
        ]

    def __call__(self, obs: Observation) -> Encoded:
        """Encode `obs`: leaves [B, ...] or [B, T, ...] to flat float32[N, size]."""
        parts: list[torch.Tensor] = []
        lead: Lead | None = None
        for value, leaf, size in zip(self._values(obs), self._leaves, self._sizes, strict=True):
            if isinstance(leaf, _Composite):
                encoded = leaf(value)
            else:
                encode, ndim = leaf
                merged = _merge_lead(_tensor(value), ndim)
                encoded = Encoded(encode(merged.flat), merged.lead)
            if encoded.flat.shape[1] != size:
                raise WrapError(
                    f"observation component has {encoded.flat.shape[1]} values, the space {size}"
                )
            lead = lead or encoded.lead
            parts.append(encoded.flat)
        return Encoded(torch.cat(parts, dim=1), lead or ())

    def _values(self, obs: Observation) -> list[Observation]:
        """List the components in the order in which the old preprocessor wrote them.

        The old one sorted the keys of plain dicts, kept those of an OrderedDict, and met the
        sub-spaces in the order of the space. Where the two orders differ and the sizes agree,
        the old net was trained with the components swapped, and so must see them swapped here.
        Where the sizes do not agree, the old stack raised; the key decides then.
        """
        if not self._is_dict:
            return list(obs)  # type: ignore[arg-type]
        if not isinstance(obs, Mapping):
            raise WrapError(f"observation is a {type(obs).__name__}, the space is a Dict")
        names = list(obs) if isinstance(obs, OrderedDict) else sorted(obs)
        if set(names) != set(self._keys):
            raise WrapError(f"observation has the keys {sorted(obs)}, the space {self._keys}")
        if names != self._keys:
            size_of = dict(zip(self._keys, self._sizes, strict=True))
            if [size_of[name] for name in names] != self._sizes:
                names = self._keys
        return [obs[name] for name in names]


class _RowByRow:
    """Run the old preprocessor itself on each row: resized images, Repeated spaces."""

    def __init__(self, preprocessor: _Preprocessor) -> None:
        self._preprocessor = preprocessor

    def __call__(self, obs: Observation) -> Encoded:
        """Encode `obs`: a tensor [N, *shape] or a list of N observations."""
        device = obs.device if isinstance(obs, torch.Tensor) else None
        rows = obs.cpu().numpy() if isinstance(obs, torch.Tensor) else obs
        done = [np.asarray(self._preprocessor.transform(row), np.float32) for row in rows]
        return Encoded(torch.as_tensor(np.stack(done), device=device), (len(done),))


@dataclass(frozen=True)
class _FlatRows:
    """Encode one component of a composite observation row by row."""

    preprocessor: _Preprocessor

    def __call__(self, raw: torch.Tensor) -> torch.Tensor:
        return _RowByRow(self.preprocessor)(raw).flat.flatten(1)
