"""The API of modules that bring their own loss."""

from __future__ import annotations

import abc
from typing import Any


class SelfSupervisedLossAPI(abc.ABC):
    """A module whose loss the Learner asks for instead of computing its own."""

    @abc.abstractmethod
    def compute_self_supervised_loss(
        self,
        *,
        learner: Any,
        module_id: str,
        config: Any,
        batch: dict[str, Any],
        fwd_out: dict[str, Any],
        **kwargs: Any,
    ) -> Any:
        """Compute one total loss from a batch and the outputs of `forward_train` for it."""
