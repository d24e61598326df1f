"""The verdict on one output in one case.

Nothing here knows torch or RLlib: it takes the old float32 array, the new one, and the old
model's float64 result, and says how far apart they are in units of the old model's own noise.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from rlmigrate.compat.parity import measures
from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.masks import masking

#: Largest accepted error, in units of the old model's float32 noise. Measured over RLlib's
#: default nets, correct candidates reach 2.6 and faulty ones start at 6.4 (docs/parity).
NOISE_LIMIT = 4.0
#: Beyond this share of the limit the noise is measured again on inputs around this one.
DOUBT = 0.6
#: No lucky row hides more of the noise than this; beyond it the noise is not measured again.
LUCK = 100.0
#: (relative, absolute) where a model cannot run in float64; the numbers of torch.testing.
TABLE = {"float16": (1e-3, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}


class Judgement(NamedTuple):
    """Verdict on one output in one case; `kind` is empty where it passes."""

    kind: str
    message: str
    judged_by: str
    max_abs: float = 0.0
    max_rel: float = 0.0
    max_ulp: float = 0.0
    noise_ratio: float | None = None
    differing: int = 0
    elements: int = 0
    at: tuple[int, ...] = ()
    old_value: float = 0.0
    new_value: float = 0.0
    tolerance_needed: float = 0.0
    note: str = ""

    @property
    def passed(self) -> bool:
        """Tell whether nothing was found."""
        return not self.kind

    @property
    def severity(self) -> float:
        """Size of the difference against its limit, for ordering."""
        if self.passed:
            return self.noise_ratio or 0.0
        if self.kind != "value":
            return float("inf")
        return self.noise_ratio if self.noise_ratio is not None else float("inf")


Reference = Callable[[], "Array | None"]
Neighbours = Callable[[], float]


def same_bits(old: Array, new: Array) -> Judgement | None:
    """Pass what is equal byte for byte and free of NaN; None if that takes a closer look.

    >>> same_bits(np.ones(2), np.ones(2)).passed
    True
    """
    if old.dtype != new.dtype or old.shape != new.shape or old.tobytes() != new.tobytes():
        return None
    return None if old.dtype.kind == "f" and np.isnan(old).any() else equal(old.size, old.dtype)


@lru_cache(maxsize=512)
def equal(size: int, dtype: np.dtype[Any]) -> Judgement:
    """Pass equal arrays of a size."""
    if dtype.kind == "f":
        return Judgement("", "", "bits", noise_ratio=0.0, elements=size)
    return Judgement("", "", "equality", elements=size)


def judge(
    old: Array,
    new: Array,
    *,
    reference: Reference = lambda: None,
    neighbour_noise: Neighbours = lambda: 0.0,
    segments: tuple[tuple[int, int], ...] = (),
    ignore: Array | None = None,
    limit: float = NOISE_LIMIT,
) -> Judgement:
    """Compare two arrays of one output.

    `reference` gives the old model's float64 result and is asked only if bits differ.
    `neighbour_noise` gives the noise around this input and is asked only where it is in doubt: one
    lucky row must not turn rounding into a finding. `segments` are the categorical parts of
    the last axis; `ignore` marks elements that have no meaning (logp of a masked action).
    """
    if old.shape != new.shape:
        return Judgement("shape", f"shape {new.shape}, expected {old.shape}", "shape")
    if old.dtype.kind != new.dtype.kind or (
        old.dtype.kind == "f" and old.dtype.itemsize != new.dtype.itemsize
    ):
        return Judgement("dtype", f"dtype {new.dtype}, expected {old.dtype}", "dtype")
    nans = int(np.isnan(old).sum()) if old.dtype.kind == "f" else 0
    note = f"{nans} NaN on both sides" if nans else ""
    if np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
        ratio = 0.0 if old.dtype.kind == "f" else None
        return Judgement("", "", "bits", noise_ratio=ratio, elements=old.size, note=note)
    keep = np.ones(old.shape, dtype=bool) if ignore is None else ~np.broadcast_to(ignore, old.shape)
    if old.dtype.kind != "f":
        return _judge_exact(old, new, keep)

    problem = ""
    where: Array = np.zeros(old.shape, dtype=bool)
    if segments:
        masks = masking(old, new, segments)
        uneven = (masks.old != masks.new) & ~masks.void & keep
        if uneven.any():
            problem, where = "mask", uneven
        keep &= ~(masks.old & masks.new) & ~masks.void & ~uneven
        voids = int(masks.void.any(axis=-1).sum())
        note = f"{voids} rows without a legal action" if voids else note
    one_nan = (np.isnan(old) != np.isnan(new)) & keep
    if one_nan.any():
        problem, where = "nan", one_nan
    one_inf = keep & ~one_nan & (np.isinf(old) | np.isinf(new)) & (old != new)
    one_inf &= ~(np.isnan(old) & np.isnan(new))
    if one_inf.any() and not problem:
        problem, where = "inf", one_inf
    finite = keep & np.isfinite(old) & np.isfinite(new)
    numbers = _judge_numbers(old, new, finite, reference, neighbour_noise, limit)
    if problem:
        index = tuple(int(i) for i in np.argwhere(where)[0])
        words = {
            "nan": "NaN on one side only",
            "inf": "infinite on one side only",
            "mask": "masked on one side only",
        }[problem]
        return numbers._replace(
            kind=problem,
            at=index,
            old_value=float(old[index]),
            new_value=float(new[index]),
            message=f"{int(where.sum())}/{old.size} elements {words}, first at {list(index)} "
            f"(legacy {old[index]:.6g}, new {new[index]:.6g}); "
            f"largest finite difference {numbers.max_abs:.2g}",
            note=note,
        )
    return numbers._replace(note=note)


def _judge_exact(old: Array, new: Array, keep: Array) -> Judgement:
    unequal = (old != new) & keep
    if not unequal.any():
        return Judgement("", "", "equality", elements=old.size)
    index = tuple(int(i) for i in np.argwhere(unequal)[0])
    gaps = measures.absolute(old, new)
    return Judgement(
        "value",
        f"{int(unequal.sum())}/{old.size} elements differ; first at {list(index)} "
        f"(legacy {old[index]}, new {new[index]}); must be equal",
        "equality",
        max_abs=float(gaps.max()),
        max_rel=float(measures.relative(old, new).max()),
        differing=int(unequal.sum()),
        elements=old.size,
        at=index,
        old_value=float(old[index]),
        new_value=float(new[index]),
    )


def _judge_numbers(
    old: Array,
    new: Array,
    finite: Array,
    reference: Reference,
    neighbour_noise: Neighbours,
    limit: float,
) -> Judgement:
    gaps = np.where(finite, measures.absolute(old, new), 0.0)
    if not gaps.any():
        return Judgement("", "", "bits", noise_ratio=0.0, elements=old.size)
    index = tuple(int(i) for i in np.unravel_index(int(gaps.argmax()), gaps.shape))
    differing = int((gaps > 0).sum())
    sizes = Judgement(
        "",
        "",
        "noise",
        max_abs=float(gaps.max()),
        max_rel=float(measures.relative(old, new)[finite].max()),
        max_ulp=float(measures.ulps(old, new)[finite].max()),
        differing=differing,
        elements=old.size,
        at=index,
        old_value=float(old[index]),
        new_value=float(new[index]),
    )
    text = (
        f"{differing}/{old.size} elements differ; worst {gaps.max():.2g} at {list(index)} "
        f"(legacy {old[index]:.6g}, new {new[index]:.6g})"
    )
    wide = reference()
    if wide is None or wide.shape != old.shape:
        rtol, atol = TABLE.get(str(old.dtype), TABLE["float32"])
        allowed = atol + rtol * np.abs(old.astype(np.float64))
        excess = float((gaps[finite] / allowed[finite]).max())
        kind = "value" if excess > 1 else ""
        return sizes._replace(
            kind=kind,
            judged_by="table",
            tolerance_needed=float(gaps.max()),
            message=f"{text}; {excess:.2g}x the float32 table (no float64 result to judge by)",
        )
    finite = finite & np.isfinite(wide)
    error = float(np.where(finite, measures.absolute(wide, new), 0.0).max())
    floor = measures.noise_floor(old[finite], wide[finite])
    if limit * DOUBT < error / floor <= LUCK * limit:
        floor = max(floor, neighbour_noise())
    ratio = error / floor
    return sizes._replace(
        kind="value" if ratio > limit else "",
        noise_ratio=ratio,
        tolerance_needed=error,
        message=f"{text}; {ratio:.3g}x float32 noise (limit {limit:g})",
    )
