"""Weights and state of torch policies."""

from __future__ import annotations

import os
from typing import Any

import torch

from rlmigrate.legacy.policies.policy import Policy
from rlmigrate.legacy.utils.numpy import convert_to_numpy
from rlmigrate.legacy.utils.torch_utils import convert_to_torch_tensor


class TorchState(Policy):
    """Give and take weights, optimizer variables and exploration state as arrays."""

    device: Any
    _is_recurrent: bool
    _optimizers: list[Any]

    def get_weights(self) -> dict[str, Any]:
        """Give the model's state_dict as arrays, which share its memory on the CPU."""
        return {key: value.detach().cpu().numpy() for key, value in self.model.state_dict().items()}

    def set_weights(self, weights: dict[str, Any]) -> None:
        """Load a state_dict of arrays."""
        self.model.load_state_dict(convert_to_torch_tensor(weights, device=self.device))

    def is_recurrent(self) -> bool:
        """Tell whether the model has states."""
        return self._is_recurrent

    def num_state_tensors(self) -> int:
        """Count the model's states."""
        return len(self.model.get_initial_state())

    def get_initial_state(self) -> list[Any]:
        """Give the model's first states as arrays."""
        return [torch.as_tensor(s).detach().cpu().numpy() for s in self.model.get_initial_state()]

    def get_state(self) -> dict[str, Any]:
        """Give weights, optimizers, exploration, counters, spaces and config."""
        state = super().get_state()
        state["_optimizer_variables"] = [
            convert_to_numpy(optimizer.state_dict()) for optimizer in self._optimizers
        ]
        if self.exploration:
            state["_exploration_state"] = self.exploration.get_state()
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what `get_state` gave."""
        variables = state.get("_optimizer_variables") or []
        for optimizer, saved in zip(self._optimizers, variables, strict=bool(variables)):
            moments = convert_to_torch_tensor(saved["state"], device=self.device)
            optimizer.load_state_dict({"param_groups": saved["param_groups"], "state": moments})
        if self.exploration and "_exploration_state" in state:
            self.exploration.set_state(state["_exploration_state"])
        self.global_timestep = state["global_timestep"]
        super().set_state(state)

    def export_model(self, export_dir: str, onnx: int | None = None) -> None:
        """Save the whole model as `model.pt`."""
        if onnx:
            raise NotImplementedError(
                "export_model: wrap the model with rlmigrate.wrap_model and export that to ONNX"
            )
        os.makedirs(export_dir, exist_ok=True)
        torch.save(self.model, os.path.join(export_dir, "model.pt"))
