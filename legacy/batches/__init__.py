"""Batches of the old stack, the views that models have of them, and sequence padding."""

from __future__ import annotations

from rlmigrate.legacy.batches.builder import SampleBatchBuilder
from rlmigrate.legacy.batches.columns import DEFAULT_POLICY_ID
from rlmigrate.legacy.batches.concat import (
    concat_samples,
    concat_samples_into_ma_batch,
    convert_ma_batch_to_sample_batch,
)
from rlmigrate.legacy.batches.multi_agent import MultiAgentBatch
from rlmigrate.legacy.batches.sample_batch import SampleBatch, attempt_count_timesteps
from rlmigrate.legacy.batches.sequences import (
    chop_into_sequences,
    pad_batch_to_sequences_of_same_size,
    timeslice_along_seq_lens_with_overlap,
)
from rlmigrate.legacy.batches.time_axis import (
    add_time_dimension,
    attention_mask,
    get_fold_unfold_fns,
)
from rlmigrate.legacy.batches.view_requirement import ViewRequirement

__all__ = [
    "DEFAULT_POLICY_ID",
    "MultiAgentBatch",
    "SampleBatch",
    "SampleBatchBuilder",
    "ViewRequirement",
    "add_time_dimension",
    "attempt_count_timesteps",
    "attention_mask",
    "chop_into_sequences",
    "concat_samples",
    "concat_samples_into_ma_batch",
    "convert_ma_batch_to_sample_batch",
    "get_fold_unfold_fns",
    "pad_batch_to_sequences_of_same_size",
    "timeslice_along_seq_lens_with_overlap",
]
