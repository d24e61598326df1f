"""What RLlib's LSTM and attention wrappers have in common: a model's outputs as their features."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import torch
from torch import nn

from rlmigrate.new_stack.apis import ValueFunctionAPI
from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.layers.actions import action_distribution
from rlmigrate.new_stack.layers.observations import flat_size
from rlmigrate.new_stack.layers.sequences import as_rows, unfold_outputs, unfold_values
from rlmigrate.new_stack.layers.settings import MODEL_DEFAULTS
from rlmigrate.new_stack.layers.slim_fc import SlimFC
from rlmigrate.new_stack.torch_rl_module import TorchRLModule


def head_size(module: Any) -> int | None:
    """Return what the old stack gave a model as num_outputs: None inside a wrapper."""
    return None if isinstance(module, ModelWrapper) else _inputs_of_distribution(module)


def _inputs_of_distribution(module: Any) -> int:
    chosen = module.action_dist_cls or action_distribution(module.action_space)
    return int(chosen.required_input_dim(space=module.action_space))


class ModelWrapper(TorchRLModule, ValueFunctionAPI):
    """A net with a memory around a module, which stands next to it among the bases.

    What that module's `_forward_train` calls "action_dist_inputs" are features: float[B, n], with n
    its `num_outputs`, or the size of its flat observations where it sets none. Its parameters keep
    their names, as they did in RLlib's wrappers.
    """

    def setup(self) -> None:
        """Build the module that is wrapped, and learn how many features it has."""
        self.num_outputs: int | None = None
        super().setup()
        if self.num_outputs is None:
            self.num_outputs = flat_size(self.observation_space)

    def _build_heads(self, size: int) -> None:
        """Build the heads for `size` features of the memory."""
        xavier = nn.init.xavier_uniform_
        self.num_outputs = _inputs_of_distribution(self)
        self._logits_branch = SlimFC(size, self.num_outputs, initializer=xavier)
        self._value_branch = SlimFC(size, 1, initializer=xavier)

    def _wrapper_setting(self, name: str) -> Any:
        """Return a setting of the model config, or RLlib's default."""
        return self.model_config.get(name, MODEL_DEFAULTS[name])

    def _run_memory(self, batch: dict[str, Any], **kwargs: Any) -> tuple[torch.Tensor, Any]:
        """Return features of the memory, float32[B, T, size], and the new states."""
        raise NotImplementedError

    def _seen_before(self, rows: dict[str, Any]) -> list[torch.Tensor]:
        """Return what the memory sees of earlier steps: float32[B * T, ...] each."""
        raise NotImplementedError

    def _memory_inputs(self, batch: dict[str, Any], **kwargs: Any) -> torch.Tensor:
        """Return what the memory is given: float32[B, T, num_outputs and previous steps]."""
        rows, size = as_rows(batch)
        out = super()._forward_train(rows, **kwargs)[Columns.ACTION_DIST_INPUTS]
        seen = self._seen_before(rows)
        whole: torch.Tensor = torch.cat([out, *seen], dim=1) if seen else out
        return whole.float().reshape(size, -1, whole.shape[-1])

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        features, states = self._run_memory(batch, **kwargs)
        outputs = self._logits_branch(features)
        return {
            Columns.ACTION_DIST_INPUTS: unfold_outputs(outputs.flatten(0, 1), batch),
            Columns.STATE_OUT: states,
            Columns.EMBEDDINGS: features,
        }

    def _forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        outs = self._forward_train(batch, **kwargs)
        del outs[Columns.EMBEDDINGS]  # only compute_values() needs them
        return outs

    def _forward_exploration(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return self._forward_inference(batch, **kwargs)

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> torch.Tensor:
        """obs: number[B, T, ...] -> float32[B, T]."""
        if embeddings is None:
            embeddings, _ = self._run_memory(batch)
        return unfold_values(self._value_branch(embeddings), batch)


def action_size(space: gym.Space[Any]) -> int:
    """Count the numbers that say what an action was; raises ValueError for nested actions."""
    if isinstance(space, gym.spaces.Dict | gym.spaces.Tuple):
        raise ValueError(
            f"previous actions of {space} are not given to the memory; flatten the action space "
            "in the environment"
        )
    return flat_size(space)


def action_numbers(actions: torch.Tensor, space: gym.Space[Any]) -> torch.Tensor:
    """Write actions as numbers: int[B] or number[B, ...] -> float32[B, action_size(space)]."""
    if isinstance(space, gym.spaces.Discrete):
        return nn.functional.one_hot(actions.long(), int(space.n)).float().flatten(1)
    if isinstance(space, gym.spaces.MultiDiscrete):
        columns = actions.reshape(len(actions), -1).long().unbind(1)
        sizes = [int(n) for n in space.nvec.reshape(-1)]
        return torch.cat(
            [nn.functional.one_hot(c, n) for c, n in zip(columns, sizes, strict=True)], dim=1
        ).float()
    return actions.float().reshape(len(actions), -1)
