"""What the policies of IMPALA and APPO are made of, besides their losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from rlmigrate.legacy.policies.policy import Policy as Mixin
else:
    Mixin = object


def make_time_major(policy: Any, seq_lens: Any, tensor: Any, drop_last: bool = False) -> Any:
    """Reshape rows [B*T, ...] to [T, B, ...]; lists entry by entry.

    T is the length of the padded sequences of a recurrent policy, else `rollout_fragment_length`.

    Args:
        policy: Tells whether it is recurrent, and that length.
        seq_lens: One length for each padded sequence.
        tensor: The rows.
        drop_last: Leave out the last time step, as callers up to Ray 2.2 could ask.
    """
    if isinstance(tensor, list | tuple):
        return [make_time_major(policy, seq_lens, each, drop_last) for each in tensor]
    if policy.is_recurrent():
        batch = seq_lens.shape[0]
        time = tensor.shape[0] // batch
    else:
        time = policy.config["rollout_fragment_length"]
        batch = tensor.shape[0] // time
    by_time = tensor.reshape(batch, time, *tensor.shape[1:]).transpose(0, 1)
    return by_time[:-1] if drop_last else by_time


class VTraceOptimizer(Mixin):
    """Give the optimizers that `opt_type` and `_separate_vf_optimizer` name.

    Stands before LearningRateSchedule, whose `cur_lr` and `cur_lr2` are the rates.
    """

    cur_lr: float
    cur_lr2: float

    def __init__(self) -> None:
        """Hold nothing: the constructor of the class behind it is not to run again."""

    def optimizer(self) -> Any:
        """Make one optimizer, or one for the policy's parameters and one for the others.

        Raises NotImplementedError for two optimizers other than Adam.
        """
        config = self.config
        kind = config["opt_type"]
        if config.get("_separate_vf_optimizer"):
            if kind != "adam":
                raise NotImplementedError(
                    f"_separate_vf_optimizer: opt_type is {kind!r}, expected 'adam'"
                )
            policy, others = self._parameters_by_use()
            return (
                torch.optim.Adam(params=policy, lr=self.cur_lr),
                torch.optim.Adam(params=others, lr=self.cur_lr2),
            )
        if kind == "adam":
            return torch.optim.Adam(params=self.model.parameters(), lr=self.cur_lr)
        return torch.optim.RMSprop(
            params=self.model.parameters(),
            lr=self.cur_lr,
            weight_decay=config["decay"],
            momentum=config["momentum"],
            eps=config["epsilon"],
        )

    def _parameters_by_use(self) -> tuple[list[Any], list[Any]]:
        """Part the parameters into those that the logits depend on and the others."""
        parameters = list(self.model.parameters())
        for parameter in parameters:
            parameter.grad = None
        this: Any = self
        batch = this._lazy_tensor_dict(this._get_dummy_batch_from_view_requirements())
        self.model(batch)[0].sum().backward()
        return (
            [each for each in parameters if each.grad is not None],
            [each for each in parameters if each.grad is None],
        )
