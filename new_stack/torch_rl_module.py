"""TorchRLModule: an RLModule that is a torch.nn.Module."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

import gymnasium as gym
import torch
from torch import nn

from rlmigrate.new_stack.apis import InferenceOnlyAPI
from rlmigrate.new_stack.compiling import TorchCompileConfig
from rlmigrate.new_stack.distributions import (
    TorchCategorical,
    TorchDiagGaussian,
    TorchDistribution,
)
from rlmigrate.new_stack.era import current_era
from rlmigrate.new_stack.modes import ModeSwitch
from rlmigrate.new_stack.rl_module import RLModule
from rlmigrate.new_stack.state import StateReport, state_to_numpy, state_to_torch


class TorchRLModule(nn.Module, RLModule):
    """A module of torch nets.

    `forward_inference` and `forward_exploration` run in eval mode and put the mode back;
    `forward_train` puts the module into train mode, where it stays.
    """

    framework: str | None = "torch"
    _mode_switch: ModeSwitch

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        nn.Module.__init__(self)
        self._keep("_mode_switch", ModeSwitch())
        RLModule.__init__(self, *args, **kwargs)
        if self.inference_only and isinstance(self, InferenceOnlyAPI):
            for path in self.get_non_inference_attributes():
                _delete(self, path)

    def _keep(self, name: str, value: object) -> None:
        # What is no parameter, buffer or module is none of nn.Module.__setattr__'s business.
        object.__setattr__(self, name, value)

    def compile(self, compile_config: TorchCompileConfig) -> TorchRLModule:  # type: ignore[override]
        """Compile the three private forward methods of this instance; return the module."""
        for name in ("_forward_train", "_forward_inference", "_forward_exploration"):
            compiled = torch.compile(
                getattr(self, name),
                backend=compile_config.torch_dynamo_backend,
                mode=compile_config.torch_dynamo_mode,
                **compile_config.kwargs,
            )
            setattr(self, name, compiled)
        return self

    # Forward passes -------------------------------------------------------------------------

    def forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Compute outputs for acting greedily, in eval mode."""
        was_training = self.training
        switch = self._mode_switch
        switch.set(self, training=False)
        try:
            if current_era() is None:  # the usual case, without another call
                return self._forward_inference(batch, **kwargs)
            return RLModule.forward_inference(self, batch, **kwargs)
        finally:
            if was_training:
                switch.back_to_train(self)

    def forward_exploration(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Compute outputs for collecting samples, in eval mode."""
        was_training = self.training
        switch = self._mode_switch
        switch.set(self, training=False)
        try:
            if current_era() is None:  # the usual case, without another call
                return self._forward_exploration(batch, **kwargs)
            return RLModule.forward_exploration(self, batch, **kwargs)
        finally:
            if was_training:
                switch.back_to_train(self)

    def forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Compute outputs for a loss, in train mode."""
        self._mode_switch.set(self, training=True)
        return RLModule.forward_train(self, batch, **kwargs)

    def _forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if torch.is_grad_enabled():
            with torch.no_grad():
                return self._forward(batch, **kwargs)
        return self._forward(batch, **kwargs)

    def _forward_exploration(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if torch.is_grad_enabled():
            with torch.no_grad():
                return self._forward(batch, **kwargs)
        return self._forward(batch, **kwargs)

    def forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Do what `forward_train` does (DDP and exporters call this name)."""
        if self.inference_only:
            return self.forward_exploration(batch, **kwargs)
        return self.forward_train(batch, **kwargs)

    # State ----------------------------------------------------------------------------------

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        inference_only: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Return the state dict as numpy arrays that do not change with the module."""
        state: dict[str, torch.Tensor] = self.state_dict()
        if inference_only and not self.inference_only and isinstance(self, InferenceOnlyAPI):
            left_out = tuple(self.get_non_inference_attributes())
            state = {name: value for name, value in state.items() if not _below(name, left_out)}
        return state_to_numpy(state)

    def set_state(self, state: Mapping[str, Any]) -> StateReport:
        """Load a state; what it lacks keeps its values, what is unknown is ignored.

        Returns: both, which Ray does not tell.
        Raises ValueError if an inference-only module finds one of its parameters missing, and
        RuntimeError for a parameter of another shape.
        """
        missing, unexpected = self.load_state_dict(state_to_torch(state), strict=False)
        if self.inference_only and missing:
            raise ValueError(
                f"the state for this inference-only {type(self).__name__} lacks {list(missing)}; "
                f"it has {list(state)}. Was it made by another architecture?"
            )
        return StateReport(missing=tuple(missing), unexpected=tuple(unexpected))

    # Action distributions -------------------------------------------------------------------

    def get_inference_action_dist_cls(self) -> type[TorchDistribution]:
        """Return `self.action_dist_cls`, or the default for the action space.

        Raises ValueError where there is no default: only Discrete and Box have one.
        """
        if self.action_dist_cls is not None:
            return cast("type[TorchDistribution]", self.action_dist_cls)
        if isinstance(self.action_space, gym.spaces.Discrete):
            return TorchCategorical
        if isinstance(self.action_space, gym.spaces.Box):
            return TorchDiagGaussian
        raise ValueError(
            f"{type(self).__name__} has no action distribution for {self.action_space}; set "
            "self.action_dist_cls in setup(), for example to rlmigrate.new_stack.distributions."
            "dist_cls_for(self.action_space), or override the three get_*_action_dist_cls()"
        )

    def get_exploration_action_dist_cls(self) -> type[TorchDistribution]:
        """Return what `get_inference_action_dist_cls` returns."""
        return self.get_inference_action_dist_cls()

    def get_train_action_dist_cls(self) -> type[TorchDistribution]:
        """Return what `get_inference_action_dist_cls` returns."""
        return self.get_inference_action_dist_cls()


def _delete(target: object, path: str) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        if not hasattr(target, parent):
            return
        target = getattr(target, parent)
    if hasattr(target, name):
        delattr(target, name)


def _below(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)
