"""Columns beside the observation: earlier actions, rewards and observations.

Column         one of them, as the legacy side describes it
with_columns   a case with seeded values for each
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.compat.parity.arrays import Array, leaves
from rlmigrate.compat.parity.cases import edges
from rlmigrate.compat.parity.cases.case import Case


@dataclass(frozen=True)
class Column:
    """`shape` is that of one row: the window, if there is one, then what stands in a step.

    With `actions`, `shape` is the window alone, and each step holds an action.
    """

    name: str
    shape: tuple[int, ...] = ()
    actions: bool = False


def with_columns(
    case: Case, columns: tuple[Column, ...], action_space: gym.Space[Any], *, seed: int
) -> Case:
    """Add a value for every row of each column; nothing in the case of zeros but zeros."""
    extra = [(column.name, _values(column, case, action_space, seed=seed)) for column in columns]
    return replace(case, extra=(*case.extra, *extra)) if extra else case


def _values(column: Column, case: Case, action_space: gym.Space[Any], *, seed: int) -> Array:
    random = np.random.default_rng([seed, zlib.crc32(f"{column.name} of {case.name}".encode())])
    shape = (case.rows, *column.shape)
    if column.actions:
        count = int(np.prod(shape))
        space = edges.from_zero(action_space)
        rows = [_one_row(edges.sample(space, random)) for _ in range(count)]
        values = np.stack(rows).reshape(*shape, *rows[0].shape)
    else:
        values = random.normal(size=shape).astype(np.float32)
    return np.zeros_like(values) if case.name == "zeros" else values


def _one_row(action: Any) -> Array:
    """Return an action as batches hold it: parts of a nested one in a row."""
    if isinstance(action, dict | tuple | list):
        return np.concatenate([np.ravel(leaf) for leaf in leaves(action)]).astype(np.float32)
    return np.asarray(action)
