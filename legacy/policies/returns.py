"""Discounted returns as advantages, which PG's and MARWIL's policies learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rlmigrate.legacy.batches import SampleBatch
from rlmigrate.legacy.postprocessing.advantages import compute_advantages

if TYPE_CHECKING:
    from rlmigrate.legacy.policies.policy import Policy as Mixin
else:
    Mixin = object


def post_process_advantages(
    policy: Any, sample_batch: SampleBatch, other_agent_batches: Any = None, episode: Any = None
) -> SampleBatch:
    """Add the returns of a trajectory, after whose last step nothing is expected."""
    return _with_returns(policy, sample_batch, 0.0)


def marwil_advantages(
    policy: Any, sample_batch: SampleBatch, other_agent_batches: Any = None, episode: Any = None
) -> SampleBatch:
    """Add the returns of a trajectory; a truncated one goes on with the value of its end."""
    if sample_batch[SampleBatch.TERMINATEDS][-1]:
        return _with_returns(policy, sample_batch, 0.0)
    index: Any = "last" if SampleBatch.NEXT_OBS in sample_batch else -1
    last = sample_batch.get_single_step_input_dict(policy.view_requirements, index=index)
    return _with_returns(policy, sample_batch, policy._value(**last))


class PostprocessAdvantages(Mixin):
    """Let a policy's trajectories get their returns; stands before the policy class."""

    def __init__(self) -> None:
        """Hold nothing: the constructor of the class behind it is not to run again."""

    def postprocess_trajectory(
        self, sample_batch: Any, other_agent_batches: Any = None, episode: Any = None
    ) -> Any:
        """Do what the policy does, then add the returns."""
        batch = super().postprocess_trajectory(sample_batch, other_agent_batches, episode)
        return marwil_advantages(self, batch)


def _with_returns(policy: Any, batch: SampleBatch, last_r: float) -> SampleBatch:
    gamma = policy.config["gamma"]
    return compute_advantages(batch, last_r, gamma, use_gae=False, use_critic=False)
