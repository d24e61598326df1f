"""MultiAgentBatch: one SampleBatch per policy."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from rlmigrate.legacy.batches.builder import SampleBatchBuilder
from rlmigrate.legacy.batches.columns import DEFAULT_POLICY_ID
from rlmigrate.legacy.batches.sample_batch import SampleBatch


class MultiAgentBatch:
    """The batches of several policies, and how many environment steps they took.

    >>> batch = MultiAgentBatch({"a": SampleBatch(obs=[1, 2])}, env_steps=2)
    >>> batch.agent_steps(), batch.env_steps()
    (2, 2)
    """

    def __init__(self, policy_batches: dict[str, SampleBatch], env_steps: int) -> None:
        for policy_id, batch in policy_batches.items():
            if not isinstance(batch, SampleBatch):
                raise TypeError(
                    f"MultiAgentBatch: {policy_id!r} has a {type(batch).__name__}, "
                    "expected a SampleBatch"
                )
        self.policy_batches = policy_batches
        self.count = env_steps

    def env_steps(self) -> int:
        """Count the steps of the environment."""
        return self.count

    def __len__(self) -> int:
        return self.count

    def agent_steps(self) -> int:
        """Count the rows of all policies."""
        return sum(batch.count for batch in self.policy_batches.values())

    def timeslices(self, k: int) -> list[MultiAgentBatch]:
        """Cut into batches of `k` environment steps, the policies in lockstep.

        Needs the columns `eps_id`, `t` and `agent_index`.
        """
        rows = [
            (row["eps_id"], row["t"], row["agent_index"], policy_id, row)
            for policy_id, batch in self.policy_batches.items()
            for row in batch.rows()
        ]
        rows.sort(key=lambda row: row[:4])
        steps = [list(group) for _, group in itertools.groupby(rows, key=lambda row: row[:2])]
        return [self._built(steps[i : i + k]) for i in range(0, len(steps), k)]

    @staticmethod
    def _built(steps: list[list[tuple[Any, Any, Any, str, dict[str, Any]]]]) -> MultiAgentBatch:
        builders: dict[str, SampleBatchBuilder] = {}
        for step in steps:
            for _, _, _, policy_id, row in step:
                builders.setdefault(policy_id, SampleBatchBuilder()).add_values(**row)
        return MultiAgentBatch({k: v.build_and_reset() for k, v in builders.items()}, len(steps))

    @staticmethod
    def wrap_as_needed(
        policy_batches: dict[str, SampleBatch], env_steps: int
    ) -> SampleBatch | MultiAgentBatch:
        """Give the SampleBatch itself if there is the default policy's only."""
        if list(policy_batches) == [DEFAULT_POLICY_ID]:
            return policy_batches[DEFAULT_POLICY_ID]
        return MultiAgentBatch(policy_batches, env_steps)

    def copy(self) -> MultiAgentBatch:
        """Copy all columns."""
        copies = {key: batch.copy() for key, batch in self.policy_batches.items()}
        return MultiAgentBatch(copies, self.count)

    def to_device(self, device: Any, framework: str = "torch", **kwargs: Any) -> MultiAgentBatch:
        """Turn all columns in place into torch tensors on `device`."""
        for batch in self.policy_batches.values():
            batch.to_device(device, framework, **kwargs)
        return self

    def size_bytes(self) -> int:
        """Sum up the sizes of all columns in bytes."""
        return sum(batch.size_bytes() for batch in self.policy_batches.values())

    def as_multi_agent(self) -> MultiAgentBatch:
        """Give this batch."""
        return self

    @staticmethod
    def concat_samples(samples: list[Any]) -> Any:
        """Join batches; see `concat_samples_into_ma_batch` of this package."""
        from rlmigrate.legacy.batches.concat import concat_samples_into_ma_batch

        return concat_samples_into_ma_batch(samples)

    def compress(self, bulk: bool = False, columns: Any = ("obs", "new_obs")) -> None:
        """Leave the columns as they are, as SampleBatch does."""

    def decompress_if_needed(self, columns: Any = ("obs", "new_obs")) -> MultiAgentBatch:
        """Give the batch: nothing is packed."""
        return self

    def __getitem__(self, policy_id: str) -> SampleBatch:
        return self.policy_batches[policy_id]

    def __repr__(self) -> str:
        batches: Mapping[str, SampleBatch] = self.policy_batches
        return f"MultiAgentBatch({batches}, env_steps={self.count})"
