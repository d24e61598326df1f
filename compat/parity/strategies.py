"""Hypothesis strategies for observations, actions and whole cases of any space RLlib accepts.

values    one value of a space: Box of any dtype, Discrete, MultiDiscrete, MultiBinary, Dict, Tuple,
          and RLlib's own Simplex and Repeated
cases     a batch for `check_parity(..., cases=[case])`; shrinks to few rows and simple numbers

    @given(case=strategies.cases(observation_space, action_space))
    def test_same_numbers(case):
        assert_parity(old, new, ..., cases=[case])
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from rlmigrate.compat.parity.arrays import Array, Nested, stack_rows
from rlmigrate.compat.parity.cases import edges
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.cases.spaces import children, dtype_of, is_float, rebuild
from rlmigrate.errors import UsageError

#: Numbers are taken from [-1e6, 1e6] where a space has no bounds, as the planned cases do.
FAR = edges.FAR


def values(space: gym.Space[Any], name: str = "") -> st.SearchStrategy[Nested]:
    """Draw values of a space; an action mask (by its name) allows at least one action.

    Raises:
        UsageError: RLlib has no preprocessor for this kind of space.
    """
    parts = children(space)
    if parts is not None:
        drawn = st.tuples(*(values(part, key) for key, part in parts))
        return drawn.map(lambda items: rebuild(space, list(items)))
    if edges.is_mask(name, space):
        return _masks(space)
    if isinstance(space, spaces.Box):
        return _boxes(space)
    if isinstance(space, spaces.Discrete):
        start = int(space.start)
        whole = st.integers(start, start + int(space.n) - 1)
        return whole.map(lambda value: np.asarray(value, dtype=space.dtype))
    if isinstance(space, spaces.MultiDiscrete):
        first = np.asarray(getattr(space, "start", np.zeros_like(space.nvec)))
        ranges = zip(first.reshape(-1), space.nvec.reshape(-1), strict=True)
        digits = st.tuples(*(st.integers(int(a), int(a) + int(n) - 1) for a, n in ranges))
        return digits.map(lambda d: np.asarray(d, dtype=space.dtype).reshape(space.shape))
    if isinstance(space, spaces.MultiBinary):
        return npst.arrays(dtype_of(space), space.shape, elements=st.integers(0, 1))
    return _of_rllib(space)


def _of_rllib(space: gym.Space[Any]) -> st.SearchStrategy[Nested]:
    """Draw from the spaces that RLlib itself defines, of Ray or of rlmigrate.legacy."""
    if type(space).__name__ == "Simplex":
        shape: tuple[int, ...] = tuple(space.shape or ())
        positive = npst.arrays(np.float64, shape, elements=st.floats(0.0625, 1.0))
        dtype = np.dtype(space.dtype or np.float32)
        return positive.map(lambda x: (x / x.sum(axis=-1, keepdims=True)).astype(dtype))
    if type(space).__name__ == "Repeated":
        repeated: Any = space
        return st.lists(values(repeated.child_space), max_size=int(repeated.max_len))
    raise UsageError(
        f"no strategy for {type(space).__name__}: RLlib takes Box, Discrete, MultiDiscrete, "
        "MultiBinary, Dict, Tuple, Simplex and Repeated"
    )


def _boxes(space: spaces.Box) -> st.SearchStrategy[Array]:
    if not is_float(space):
        pairs = zip(space.low.reshape(-1), space.high.reshape(-1), strict=True)
        if np.unique(space.low).size == 1 and np.unique(space.high).size == 1:
            low, high = int(space.low.flat[0]), int(space.high.flat[0])
            return npst.arrays(dtype_of(space), space.shape, elements=st.integers(low, high))
        whole = st.tuples(*(st.integers(int(low), int(high)) for low, high in pairs))
        return whole.map(lambda v: np.asarray(v, dtype=space.dtype).reshape(space.shape))
    low64 = np.maximum(space.low.astype(np.float64), -FAR)
    high64 = np.minimum(space.high.astype(np.float64), FAR)

    def place(unit: Array) -> Array:
        """Put [-1, 1] into the bounds: 0 stays 0 where it is inside, the ends are the bounds."""
        middle = np.clip(0.0, low64, high64)
        reached = np.where(unit < 0, middle - low64, high64 - middle)
        placed = np.clip(middle + unit * reached, low64, high64)
        return np.asarray(np.clip(placed.astype(space.dtype), space.low, space.high))

    unit = st.floats(-1.0, 1.0, width=32, allow_subnormal=False)
    small = int(np.prod(space.shape)) <= 64  # each number for itself, so that each shrinks to 0
    fill = st.nothing() if small else None
    return npst.arrays(np.float64, space.shape, elements=unit, fill=fill).map(place)


def _masks(space: gym.Space[Any]) -> st.SearchStrategy[Array]:
    shape = tuple(space.shape or (1,))
    size = int(np.prod(shape))

    def allow(drawn: tuple[Array, int]) -> Array:
        mask = drawn[0].copy()
        mask.reshape(-1)[drawn[1]] = 1
        return mask.astype(space.dtype)

    bits = npst.arrays(np.int8, shape, elements=st.integers(0, 1))
    return st.tuples(bits, st.integers(0, size - 1)).map(allow)


@st.composite
def cases(
    draw: st.DrawFn,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    *,
    max_rows: int = 8,
    state_sizes: tuple[tuple[int, ...], ...] = (),
    max_seq_len: int = 6,
) -> Case:
    """Draw a batch of 1 to `max_rows` rows with its actions.

    With `state_sizes` (the shapes of a recurrent model's state) the rows are up to three
    sequences of 1 to `max_seq_len` steps, padded with zeros, and the state is drawn too.
    """
    counted = edges.from_zero(action_space)
    if not state_sizes:
        count = draw(st.integers(1, max_rows))
        rows = [draw(values(observation_space)) for _ in range(count)]
        actions = [draw(values(counted)) for _ in range(count)]
        return Case("drawn", stack_rows(rows), stack_rows(actions))
    lengths = draw(st.lists(st.integers(1, max_seq_len), min_size=1, max_size=3))
    rows, actions = [], []
    for length in lengths:
        own = [draw(values(observation_space)) for _ in range(length)]
        rows += own + [edges.map_zeros(own[0])] * (max(lengths) - length)
        actions += [draw(values(counted)) for _ in range(max(lengths))]
    numbers = st.floats(-1.0, 1.0, width=32, allow_subnormal=False)
    state = tuple(
        draw(npst.arrays(np.float32, (len(lengths), *size), elements=numbers))
        for size in state_sizes
    )
    return Case(
        "drawn", stack_rows(rows), stack_rows(actions), np.asarray(lengths, np.int32), state
    )
