"""Keras's recurrent layers as torch modules.

KerasLSTM, KerasGRU      with states and masks as Keras has them
KerasTimeDistributed     a layer for each step
keras_sequence_mask      which steps belong to a sequence
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rlmigrate.new_stack.layers.keras_layers import last_dimension
from rlmigrate.new_stack.layers.keras_symbols import KerasLayer, Symbol, described


def keras_sequence_mask(lengths: Any) -> Any:
    """int[B] -> bool[B, max(lengths)], true at the steps of each sequence."""
    if isinstance(lengths, Symbol):
        return described(keras_sequence_mask, lengths)
    steps = torch.arange(int(lengths.max()), device=lengths.device)
    return steps < lengths[:, None]


class KerasRecurrent(KerasLayer):
    """A recurrent layer: float[B, T, n] -> float32[B, units], or [B, T, units] as a sequence."""

    cells: ClassVar[int] = 1

    def __init__(
        self,
        units: int,
        return_sequences: bool = False,
        return_state: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.units = int(units)
        self.return_sequences, self.return_state = return_sequences, return_state
        self.rnn: Any = None

    def forward(
        self,
        inputs: torch.Tensor,
        mask: torch.Tensor | None = None,
        initial_state: Any = None,
    ) -> Any:
        """Run from `initial_state`, [B, units] each, or zeros; `mask`: bool[B, T], true first.

        Steps behind the mask change no state; their outputs repeat the last one, as in Keras.
        """
        first = self._states(initial_state, inputs)
        if mask is None:
            outs, after = self.rnn(inputs, self._stacked(first))
            states = self._unstacked(after)
        else:
            outs, states = self._masked(inputs, mask.sum(dim=1), first)
        result = outs if self.return_sequences else outs[:, -1]
        return [result, *states] if self.return_state else result

    def _masked(
        self, x: torch.Tensor, lengths: torch.Tensor, first: list[torch.Tensor]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        steps = x.shape[1]
        known = lengths.clamp(min=1, max=steps)
        packed = pack_padded_sequence(x, known.cpu(), batch_first=True, enforce_sorted=False)
        packed_outs, after = self.rnn(packed, self._stacked(first))
        outs, _ = pad_packed_sequence(packed_outs, batch_first=True, total_length=steps)
        at = torch.minimum(torch.arange(steps, device=x.device)[None], known[:, None] - 1)
        outs = outs.gather(1, at[..., None].expand_as(outs))
        some = (lengths > 0)[:, None]  # a sequence without steps leaves its states
        pairs = zip(self._unstacked(after), first, strict=True)
        states = [torch.where(some, new, old) for new, old in pairs]
        return torch.where(some[..., None], outs, torch.zeros_like(outs)), states

    def _states(self, given: Any, x: torch.Tensor) -> list[torch.Tensor]:
        if given is None:
            return [x.new_zeros(x.shape[0], self.units) for _ in range(self.cells)]
        return list(given) if isinstance(given, Sequence) else [given]

    def _stacked(self, states: list[torch.Tensor]) -> Any:
        stacked = [state[None].contiguous() for state in states]
        return tuple(stacked) if self.cells == 2 else stacked[0]

    def _unstacked(self, states: Any) -> list[torch.Tensor]:
        return [state[0] for state in (states if self.cells == 2 else [states])]


class KerasLSTM(KerasRecurrent):
    """LSTM: states h and c, each float[B, units]."""

    cells: ClassVar[int] = 2

    def build(self, size: tuple[int | None, ...]) -> None:
        """Make the weights. Keras has one bias, so that the second of torch's two stays zero."""
        self.rnn = nn.LSTM(last_dimension(size), self.units, batch_first=True)
        nn.init.xavier_uniform_(self.rnn.weight_ih_l0)
        nn.init.orthogonal_(self.rnn.weight_hh_l0)
        nn.init.zeros_(self.rnn.bias_hh_l0).requires_grad_(False)
        with torch.no_grad():  # gates: input, forget, cell, output
            self.rnn.bias_ih_l0.zero_()[self.units : 2 * self.units] = 1.0


class KerasGRU(KerasRecurrent):
    """GRU: one state, float[B, units]."""

    def build(self, size: tuple[int | None, ...]) -> None:
        """Make the weights."""
        self.rnn = nn.GRU(last_dimension(size), self.units, batch_first=True)
        nn.init.xavier_uniform_(self.rnn.weight_ih_l0)
        nn.init.orthogonal_(self.rnn.weight_hh_l0)
        nn.init.zeros_(self.rnn.bias_ih_l0)
        nn.init.zeros_(self.rnn.bias_hh_l0)


class KerasTimeDistributed(KerasLayer):
    """TimeDistributed: a layer for each step of number[B, T, ...]."""

    kind: ClassVar[str] = "time_distributed"

    def __init__(self, layer: KerasLayer, name: str | None = None) -> None:
        super().__init__(name)
        self.layer = layer

    def build(self, size: tuple[int | None, ...]) -> None:
        """Let the layer make its parameters."""
        self.layer.build(size[1:])
        self.layer.built = True

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Lay the steps out as rows and back."""
        rows: torch.Tensor = self.layer(x.reshape(-1, *x.shape[2:]))
        return rows.reshape(*x.shape[:2], *rows.shape[1:])
