"""The cases of one comparison: edges first, then seeded samples in several batch sizes."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.compat.parity.arrays import Array, Nested, stack_rows
from rlmigrate.compat.parity.cases import edges
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.cases.columns import Column, with_columns
from rlmigrate.compat.parity.cases.spaces import is_float, leaf_spaces


@dataclass(frozen=True)
class CaseOptions:
    """Which cases are made; everything else follows from the spaces and the seed."""

    seed: int = 0
    batches: tuple[int, ...] = (1, 2, 32, 33)
    only: tuple[str, ...] = ()
    max_seq_len: int = 20
    state_sizes: tuple[tuple[int, ...], ...] = ()
    columns: tuple[Column, ...] = ()
    sequence_lengths: tuple[tuple[int, ...], ...] = ((1,), (20, 20), (1, 20, 7), (3, 5, 2, 4))


def plan_cases(
    observation_space: gym.Space[Any], action_space: gym.Space[Any], *, options: CaseOptions
) -> tuple[Case, ...]:
    """Make the cases for a pair of spaces; the same arguments give the same bits."""
    cases = [
        _case(name, rows, action_space, options.seed)
        for name, rows in _rows(observation_space, options)
    ]
    if options.state_sizes:
        cases = [_one_step(case, options) for case in cases]
        cases += _sequences(observation_space, action_space, options)
    cases = [with_columns(case, options.columns, action_space, seed=options.seed) for case in cases]
    if options.only:
        cases = [case for case in cases if case.name in options.only]
    return tuple(cases)


def _generator(name: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _rows(space: gym.Space[Any], options: CaseOptions) -> list[tuple[str, list[Nested]]]:
    random = _generator("edges", options.seed)
    drawn = [edges.sample(space, random) for _ in range(max((*options.batches, 8)))]
    named: list[tuple[str, list[Nested]]] = [("zeros", [edges.nought(space)])]
    for name, high in (("low", False), ("high", True)):
        value, _ = edges.with_mask(space, edges.extreme(space, high=high), None)
        named.append((name, [value]))
    if any(is_float(leaf) for _, leaf in leaf_spaces(space)):
        for name, factor in (("tiny", 1e-3), ("huge", 1e3)):
            named.append((name, [edges.scaled(space, row, factor) for row in drawn[:8]]))
    if each := edges.categories(space, random):
        named.append(("categories", each))
    everything, width = edges.with_mask(space, drawn[0], None)
    if width:
        named.append(("all legal", [everything]))
        one = [edges.with_mask(space, drawn[i % len(drawn)], i)[0] for i in range(width)]
        named.append(("one legal", one))
    named += [(f"batch {size}", drawn[:size]) for size in options.batches]
    return named


def _case(name: str, rows: Sequence[Nested], action_space: gym.Space[Any], seed: int) -> Case:
    return Case(name, stack_rows(rows), given_actions(action_space, len(rows), name, seed))


def given_actions(space: gym.Space[Any], count: int, name: str, seed: int) -> Nested:
    """Give the actions whose log-probability is compared: bounds, categories, then samples.

    Both stacks count categories from 0 whatever a Discrete's `start`, so these do too.
    """
    space = edges.from_zero(space)
    random = _generator(f"actions of {name}", seed)
    pool = [
        edges.extreme(space, high=False),
        edges.extreme(space, high=True),
        *edges.categories(space, random),
    ]
    pool += [edges.sample(space, random) for _ in range(max(count - len(pool), 0))]
    start = int(random.integers(0, len(pool))) if count < len(pool) else 0
    return stack_rows([pool[(start + i) % len(pool)] for i in range(count)])


def _states(count: int, name: str, options: CaseOptions) -> tuple[Array, ...]:
    random = _generator(f"state of {name}", options.seed)
    return tuple(
        random.normal(scale=0.5, size=(count, *shape)).astype(np.float32)
        for shape in options.state_sizes
    )


def _one_step(case: Case, options: CaseOptions) -> Case:
    state = None if case.name == "zeros" else _states(case.rows, case.name, options)
    lengths = np.ones(case.rows, dtype=np.int32)
    return Case(case.name, case.obs, case.actions, lengths, state)


def _sequences(
    observation_space: gym.Space[Any], action_space: gym.Space[Any], options: CaseOptions
) -> list[Case]:
    cases = []
    for lengths in options.sequence_lengths:
        lengths = tuple(min(length, options.max_seq_len) for length in lengths)
        name = "sequences " + ",".join(str(length) for length in lengths)
        random = _generator(name, options.seed)
        steps = max(lengths)
        # Padding is zeros, as both stacks pad; a net must not read it.
        rows = [
            edges.sample(observation_space, random) if step < length else None
            for length in lengths
            for step in range(steps)
        ]
        zeros = edges.map_zeros(edges.sample(observation_space, random))
        filled = [zeros if row is None else row for row in rows]
        state = None if len(lengths) == 1 else _states(len(lengths), name, options)
        cases.append(
            Case(
                name,
                stack_rows(filled),
                given_actions(action_space, len(filled), name, options.seed),
                np.asarray(lengths, dtype=np.int32),
                state,
            )
        )
    return cases
