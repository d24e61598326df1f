"""legacy_loss: a Learner class for wrapped models, which may change the loss."""

from __future__ import annotations

import functools
from typing import Any

import torch

from rlmigrate.compat.wrap.stacks import family_of


class LegacyLossMixin:
    """Call `custom_loss` and `metrics` of legacy models, as the old stack did after its loss."""

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> torch.Tensor:
        """Return the Learner's loss, changed by the model's `custom_loss` if it has one."""
        learner: Any = self
        upper: Any = super()
        loss: torch.Tensor = upper.compute_loss_for_module(
            module_id=module_id, config=config, batch=batch, fwd_out=fwd_out
        )
        module = learner.module[module_id].unwrapped()
        model = getattr(module, "legacy_model", None)
        if model is None:
            return loss
        base: Any = family_of(type(module).legacy_class).modelv2
        if type(model).custom_loss is not base.custom_loss:
            losses = model.custom_loss([loss], module.legacy_batch(batch))
            parts = losses if isinstance(losses, list | tuple) else [losses]
            loss = torch.stack(list(parts)).sum()
        if type(model).metrics is not base.metrics:
            for key, value in model.metrics().items():
                learner.metrics.log_value((module_id, "model", key), _number(value), window=1)
        return loss

    def rl_module_is_compatible(self, module: Any) -> bool:
        """Tell whether there is anything to optimize: policies that follow rules have nothing."""
        upper: Any = super()
        if not upper.rl_module_is_compatible(module):
            return False
        inner = module.unwrapped()
        return not hasattr(inner, "legacy_policy") or any(True for _ in inner.parameters())


def _number(value: Any) -> Any:
    return value.detach() if isinstance(value, torch.Tensor) else value


@functools.cache
def legacy_loss(learner_class: type) -> type:
    """Make a Learner class that honours `custom_loss` and `metrics` of wrapped models.

    >>> config.learners(learner_class=legacy_loss(PPOTorchLearner))  # doctest: +SKIP
    """
    return type(f"Legacy{learner_class.__name__}", (LegacyLossMixin, learner_class), {})
