"""How one framework's array becomes another's; never chosen by shape alone.

Layout       the names of the changes
rearrange    carry them out, one after the other
inverse      the changes that undo them
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch

Layout = (
    Literal["transpose", "hwio_to_oihw", "oihw_to_hwio", "drop_1x1", "add_1x1", "zeros"]
    | Literal["gru_gates", "row_0", "row_1", "wio_to_oiw"]
)

_CHANGES: dict[Layout, Callable[[torch.Tensor], torch.Tensor]] = {
    "transpose": lambda value: value.t(),
    "hwio_to_oihw": lambda value: value.permute(3, 2, 0, 1),
    "oihw_to_hwio": lambda value: value.permute(2, 3, 1, 0),
    "wio_to_oiw": lambda value: value.permute(2, 1, 0),  # and back
    "drop_1x1": lambda value: value.squeeze(3).squeeze(2),
    "add_1x1": lambda value: value[:, :, None, None],
    "zeros": torch.zeros_like,
    # Keras: update, reset, new; torch: reset, update, new
    "gru_gates": lambda value: torch.cat([value.chunk(3)[gate] for gate in (1, 0, 2)]),
    "row_0": lambda value: value[0],
    "row_1": lambda value: value[1],
}
_INVERSE: dict[Layout, Layout] = {
    "transpose": "transpose",
    "hwio_to_oihw": "oihw_to_hwio",
    "oihw_to_hwio": "hwio_to_oihw",
    "drop_1x1": "add_1x1",
    "add_1x1": "drop_1x1",
    "zeros": "zeros",
    "gru_gates": "gru_gates",
    "wio_to_oiw": "wio_to_oiw",
}
_DIMENSIONS: dict[Layout, int] = {
    "transpose": 2,
    "hwio_to_oihw": 4,
    "oihw_to_hwio": 4,
    "wio_to_oiw": 3,
    "drop_1x1": 4,
    "add_1x1": 2,
    "row_0": 2,
    "row_1": 2,
}


def rearrange(
    value: torch.Tensor, layouts: tuple[Layout, ...], columns: tuple[int, ...] = ()
) -> torch.Tensor:
    """Return `value` in the new layout, its columns reordered; as it is if it cannot be."""
    for layout in layouts:
        if value.ndim == _DIMENSIONS.get(layout, value.ndim):
            value = _CHANGES[layout](value)
    if columns and value.ndim > 1 and value.shape[1] == len(columns):
        value = value[:, list(columns)]
    return value


def inverse(layouts: tuple[Layout, ...]) -> tuple[Layout, ...]:
    """Return the layout changes of the way back."""
    return tuple(_INVERSE[layout] for layout in reversed(layouts))
