"""From a vector to a distribution over images (RLlib to 2.40)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from rlmigrate.legacy.models.misc import Reshape
from rlmigrate.legacy.models.utils import get_activation_fn, get_initializer

DREAMER_FILTERS = ((1024, 5, 2), (128, 5, 2), (64, 6, 2), (32, 6, 2))


class ConvTranspose2DStack(nn.Module):
    """Decode vectors by transposed convolutions, as Dreamer does.

    filters: (in_channels, kernel, stride) for each layer; the last gives output_shape[0] channels.
    """

    def __init__(
        self,
        *,
        input_size: int,
        filters: Sequence[tuple[int, Any, Any]] = DREAMER_FILTERS,
        initializer: Any = "default",
        bias_init: float = 0,
        activation_fn: Any = "relu",
        output_shape: tuple[int, int, int] = (3, 64, 64),
    ) -> None:
        super().__init__()
        self.activation = get_activation_fn(activation_fn, framework="torch")
        self.output_shape = tuple(output_shape)
        initialize = get_initializer(initializer, framework="torch")
        widths = [*(channels for channels, _, _ in filters), self.output_shape[0]]
        layers: list[nn.Module] = [
            nn.Linear(input_size, widths[0]),
            Reshape([-1, widths[0], 1, 1]),
        ]
        for index, (channels, kernel, stride) in enumerate(filters):
            conv = nn.ConvTranspose2d(channels, widths[index + 1], kernel, stride)
            initialize(conv.weight)
            assert conv.bias is not None
            nn.init.constant_(conv.bias, bias_init)
            layers.append(conv)
            if self.activation is not None and index < len(filters) - 1:
                layers.append(self.activation())
        self._model = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.distributions.Distribution:
        """Give normals of deviation 1 over [..., C, H, W] for vectors [..., input_size]."""
        mean = self._model(x).view(*x.shape[:-1], *self.output_shape)
        normal = torch.distributions.Normal(mean, 1.0)
        return torch.distributions.Independent(normal, len(self.output_shape))
