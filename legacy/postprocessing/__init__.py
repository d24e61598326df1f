"""What policies add to trajectories before they learn from them."""

from __future__ import annotations

from rlmigrate.legacy.postprocessing.advantages import (
    Postprocessing,
    adjust_nstep,
    compute_advantages,
    compute_bootstrap_value,
    compute_gae_for_sample_batch,
    discount_cumsum,
)

__all__ = [
    "Postprocessing",
    "adjust_nstep",
    "compute_advantages",
    "compute_bootstrap_value",
    "compute_gae_for_sample_batch",
    "discount_cumsum",
]
