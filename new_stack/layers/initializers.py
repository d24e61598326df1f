"""Weight initializers."""

from __future__ import annotations

from collections.abc import Callable

import torch


def normc_initializer(std: float = 1.0) -> Callable[[torch.Tensor], None]:
    """Return an initializer that draws normal rows and scales each to the norm `std`."""

    def initialize(weight: torch.Tensor) -> None:
        weight.data.normal_(0, 1)
        weight.data *= std / torch.sqrt(weight.data.pow(2).sum(1, keepdim=True))

    return initialize
