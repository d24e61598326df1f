"""Numbers as reports show them."""

from __future__ import annotations

import math

from rlmigrate.compat.parity.results import ClassResult, OutputResult, Status


def short(value: float) -> str:
    """Write a number in at most seven characters.

    >>> short(0.0), short(0.00012345), short(3.14159)
    ('0', '0.00012', '3.1')
    """
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return str(value)
    return f"{value:.2g}"


def worst_abs(result: ClassResult) -> str:
    """Give the largest absolute difference of any output."""
    if not result.outputs:
        return "-"
    return short(max(output.max_abs for output in result.outputs.values()))


def worst_noise(result: ClassResult) -> str:
    """Give the largest error in units of noise."""
    ratios = [o.noise_ratio for o in result.outputs.values() if o.noise_ratio is not None]
    return f"{short(max(ratios))}x" if ratios else "-"


def worst_kl(result: ClassResult) -> str:
    """Give the largest KL(old || new) of any row."""
    found = result.divergence
    if found is None:
        return "-"
    return "inf" if found.undefined else short(found.largest)


def noise(output: OutputResult) -> str:
    """Give an output's error in units of noise, or how else it was judged."""
    if output.noise_ratio is None:
        return output.judged_by
    if output.noise_ratio == 0 and output.status is Status.PASS:
        return "equal bits" if output.max_abs == 0 else "masks equal"
    at_most = "<=" if output.judged_by == "bound" else ""
    return f"{at_most}{short(output.noise_ratio)}x"
