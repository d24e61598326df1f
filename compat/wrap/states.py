"""Carry an old model's list of states as the named dict of an RLModule.

StateLayout   names and kinds of the states of one model
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch

from rlmigrate.errors import ModuleError

_WINDOW = re.compile(r"^-(\d+):-1$")


class _StatefulModel(Protocol):
    """What is used of a legacy model to lay out its states."""

    view_requirements: Mapping[str, Any]

    def get_initial_state(self) -> Sequence[Any]: ...


class StateLayout:
    """Translate between state lists `[s0, s1, ...]` and `{"h": s0, "c": s1}`.

    Attention models read a window of their own earlier outputs through view requirements
    ("state_in_0", shift "-50:-1"). Here the window itself is the state: [M, D], rolled on by
    each step, so that no connector has to keep it.
    """

    def __init__(self, model: _StatefulModel) -> None:
        self._initial = [_to_tensor(state) for state in model.get_initial_state()]
        self.windows = _memory_windows(model)
        if self.windows:
            self._initial = [torch.zeros(shape) for shape in self.windows]
            self.names = tuple(f"memory_{i}" for i in range(len(self.windows)))
        elif _is_lstm(model, self._initial):
            self.names = ("h", "c")
        else:
            self.names = tuple(f"state_{i}" for i in range(len(self._initial)))

    def __bool__(self) -> bool:
        return bool(self.names)

    def initial(self) -> dict[str, torch.Tensor]:
        """Return the states before the first step, without batch dimension."""
        return {name: state.clone() for name, state in zip(self.names, self._initial, strict=True)}

    def to_list(self, states: Mapping[Any, torch.Tensor] | None) -> list[torch.Tensor]:
        """List the states in the old model's order.

        Raises ModuleError if the batch brings no state or other names.
        """
        if states is None:
            raise ModuleError(
                "the module is stateful and the batch has no 'state_in'; add "
                "module.get_initial_state(), with a batch dimension in front of each entry"
            )
        try:
            return [states[name] for name in self.names]
        except KeyError as missing:
            raise ModuleError(
                f"state_in has no {missing}; expected {list(self.names)}, got {list(states)}"
            ) from None

    def to_dict(
        self,
        before: Sequence[torch.Tensor],
        after: Sequence[torch.Tensor],
    ) -> dict[str, torch.Tensor]:
        """Name the states that the model returned, rolling memory windows on.

        before: [B, ...] each, after: [B, ...], or [B*T, D] where a window is kept.
        """
        if not self.windows:
            return dict(zip(self.names, after, strict=True))
        rolled = {}
        for name, window, out in zip(self.names, before, after, strict=True):
            length = window.shape[1]
            steps = out.reshape(window.shape[0], -1, out.shape[-1])
            rolled[name] = torch.cat([window, steps], dim=1)[:, -length:]
        return rolled


def _to_tensor(state: Any) -> torch.Tensor:
    return torch.as_tensor(state).detach().clone()


def _memory_windows(model: _StatefulModel) -> list[tuple[int, ...]]:
    """Find the shapes [M, D] of states that are windows over earlier outputs."""
    shapes: list[tuple[int, ...]] = []
    while (view := model.view_requirements.get(f"state_in_{len(shapes)}")) is not None:
        match = _WINDOW.match(view.shift) if isinstance(view.shift, str) else None
        if match is None:
            return []
        shapes.append((int(match[1]), *view.space.shape))
    return shapes


def _is_lstm(model: object, initial: Sequence[torch.Tensor]) -> bool:
    kinds = {base.__name__ for base in type(model).__mro__}
    return "LSTMWrapper" in kinds and len(initial) == 2
