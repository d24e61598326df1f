"""Names that old code uses and numpy 2 and Python 3.10 have dropped.

OLD_NUMPY_NAMES   the names, and what each was
dropped_names     a context in which they are there
"""

from __future__ import annotations

import collections
import collections.abc
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import ModuleType

import numpy as np

#: Dropped with numpy 1.24 (the types) and 2.0 (the functions and constants).
OLD_NUMPY_NAMES: Mapping[str, object] = {
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


#: `from collections import Iterable`, as Python before 3.10 had it.
_ABSTRACT = {name: getattr(collections.abc, name) for name in collections.abc.__all__}


@contextmanager
def dropped_names() -> Iterator[None]:
    """Put back what is missing, and take it away again.

    >>> with dropped_names():
    ...     int(np.product((2, 3)))  # type: ignore[attr-defined]
    6
    """
    with ExitStack() as stack:
        stack.enter_context(_added(np, OLD_NUMPY_NAMES))
        stack.enter_context(_added(collections, _ABSTRACT))
        yield


@contextmanager
def _added(module: ModuleType, names: Mapping[str, object]) -> Iterator[None]:
    added = [name for name in names if name not in vars(module)]
    vars(module).update({name: names[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            vars(module).pop(name, None)
