"""Names of numpy that old code uses and numpy 2 has dropped.

OLD_NAMES        the names, and what each was
old_numpy_names  a context in which they are there
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

#: Dropped with numpy 1.24 (the types) and 2.0 (the functions and constants).
OLD_NAMES: Mapping[str, object] = {
    "alltrue": np.all,
    "complex": complex,
    "cumproduct": np.cumprod,
    "float": float,
    "float_": np.float64,
    "in1d": np.isin,
    "Inf": float("inf"),
    "infty": float("inf"),
    "int": int,
    "NaN": float("nan"),
    "NINF": float("-inf"),
    "object": object,
    "PINF": float("inf"),
    "product": np.prod,
    "row_stack": np.vstack,
    "sometrue": np.any,
    "str": str,
    "string_": np.bytes_,
    "unicode_": np.str_,
}


@contextmanager
def old_numpy_names() -> Iterator[None]:
    """Put back what is missing, and take it away again.

    >>> with old_numpy_names():
    ...     int(np.product((2, 3)))  # type: ignore[attr-defined]
    6
    """
    added = [name for name in OLD_NAMES if name not in vars(np)]
    vars(np).update({name: OLD_NAMES[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            vars(np).pop(name, None)
