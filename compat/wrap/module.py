"""The methods that make an RLModule of a legacy model, for either stack's TorchRLModule."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import nn

from rlmigrate.compat.wrap.building import Built, build_model
from rlmigrate.compat.wrap.copying import closes_over_modules, copy_model, detach_stashes
from rlmigrate.compat.wrap.distributions import action_distribution
from rlmigrate.compat.wrap.inputs import LegacyInput, legacy_input
from rlmigrate.compat.wrap.observations import ObservationEncoder
from rlmigrate.compat.wrap.padding import cut_for, pad_again, pad_steps
from rlmigrate.compat.wrap.pruning import remove_parts, unneeded_parts, zero_batch
from rlmigrate.compat.wrap.stacks import Family, Stack, family_of, stack_named
from rlmigrate.compat.wrap.states import StateLayout
from rlmigrate.compat.wrap.views import views_of
from rlmigrate.errors import ModuleError
from rlmigrate.new_stack.modes import ModeSwitch

if TYPE_CHECKING:
    import gymnasium as gym

    from rlmigrate.compat.wrap.stacks import StackName

    _Base = nn.Module
else:
    _Base = object

Batch = dict[str, Any]


class WrappedModel(_Base):
    """Run a legacy torch model as an RLModule.

    Takes raw observations and preprocesses them as the old stack did. The model's parameters
    keep their names under `legacy_prefix`; the wrapper's own attributes start with `_wrap`.
    `_forward_train` returns the values it computed as EMBEDDINGS, so that `compute_values`
    needs no second pass.
    """

    legacy_class: ClassVar[type]
    legacy_prefix: ClassVar[str] = "legacy_model."
    legacy_model_config: ClassVar[Mapping[str, Any]] = {}
    legacy_config: ClassVar[Any] = None
    stack_name: ClassVar[StackName]

    observation_space: gym.Space[Any]
    action_space: gym.Space[Any]
    model_config: Any
    inference_only: bool
    action_dist_cls: type | None
    _wrap_modes: ModeSwitch
    legacy_model: Any
    target_legacy_model: Any

    # ---- construction

    def setup(self) -> None:
        """Build the legacy model from the spaces and the model config."""
        config = {**type(self).legacy_model_config, **_as_dict(self.model_config)}
        # RLlib's connectors read it from here, and fail on stateful modules without it.
        self.model_config = {"max_seq_len": self._wrap_family.defaults["max_seq_len"], **config}
        self._wrap_encoder = ObservationEncoder(
            self.observation_space,
            self._wrap_family,
            enabled=not config.get("_disable_preprocessor_api"),
        )
        built = self._wrap_build(config)
        self.legacy_model = built.model
        self._wrap_old_distribution = built.distribution
        self._wrap_states = StateLayout(self.legacy_model)
        self._wrap_has_values = _overrides(
            self.legacy_model, "value_function", self._wrap_family.modelv2
        )
        self._wrap_forget()
        if self.inference_only:
            remove_parts(self.legacy_model, self._wrap_unneeded())

    def _wrap_build(self, config: dict[str, Any]) -> Built:
        """Build the old model; TorchModelV2 itself stands for the old stack's default."""
        model_class = type(self).legacy_class
        return build_model(
            None if model_class.__name__ == "TorchModelV2" else model_class,
            family=self._wrap_family,
            obs_space=self._wrap_encoder.model_space,
            action_space=self.action_space,
            config=config,
        )

    def _wrap_unneeded(self) -> list[str]:
        """Name the parts of the model that acting can do without."""
        batch = zero_batch(self)

        def run(model: nn.Module) -> torch.Tensor:
            logits: torch.Tensor = self._wrap_run(batch, model)[0]["action_dist_inputs"]
            # Distributions may call the model: autoregressive ones do, for each sub-action.
            distribution = self._wrap_old_distribution(logits.flatten(0, -2).clone(), model)
            distribution.sample()
            distribution.sampled_action_logp()
            distribution.deterministic_sample()
            return logits

        return unneeded_parts(self._wrap_twin, run)

    def _wrap_twin(self) -> nn.Module:
        """Copy the model, or build it again where a copy would share parts with it."""
        if not closes_over_modules(self.legacy_model):
            model: nn.Module = self.legacy_model
            return copy_model(model)
        twin: nn.Module = self._wrap_build(dict(self.model_config)).model
        twin.load_state_dict(self.legacy_model.state_dict())
        return twin

    @property
    def _wrap_family(self) -> Family:
        return family_of(type(self).legacy_class)

    @property
    def _wrap_stack(self) -> Stack:
        return stack_named(type(self).stack_name)

    def _wrap_forget(self) -> None:
        """Forget what refers to this very instance and must not be copied."""
        self.__dict__["_wrap_modes"] = ModeSwitch()
        self.__dict__["_wrap_distribution"] = None

    # ---- forward passes

    def forward_inference(self, batch: Batch, **kwargs: Any) -> Batch:
        """Compute distribution inputs for acting, in evaluation mode and without gradients."""
        was_training = self.training
        switch = self._wrap_modes
        switch.set(self, training=False)
        try:
            return self._forward_inference(batch, **kwargs)
        finally:
            if was_training:
                switch.back_to_train(self)

    def forward_exploration(self, batch: Batch, **kwargs: Any) -> Batch:
        """Compute distribution inputs for exploring, in evaluation mode and without gradients."""
        was_training = self.training
        switch = self._wrap_modes
        switch.set(self, training=False)
        try:
            return self._forward_exploration(batch, **kwargs)
        finally:
            if was_training:
                switch.back_to_train(self)

    def forward_train(self, batch: Batch, **kwargs: Any) -> Batch:
        """Compute distribution inputs and values for a loss, in training mode.

        Raises RuntimeError if the module was built with inference_only=True.
        """
        if self.inference_only:
            raise RuntimeError(
                "forward_train on a module built with inference_only=True; build it with "
                "RLModuleSpec(inference_only=False)"
            )
        self._wrap_modes.set(self, training=True)
        return self._forward_train(batch, **kwargs)

    def _forward_inference(self, batch: Batch, **kwargs: Any) -> Batch:
        with torch.no_grad():
            return self._forward(batch, **kwargs)

    def _forward_exploration(self, batch: Batch, **kwargs: Any) -> Batch:
        with torch.no_grad():
            return self._forward(batch, **kwargs)

    def _forward(self, batch: Batch, **kwargs: Any) -> Batch:
        batch, steps = cut_for(self._wrap_states, batch)
        return pad_again(self._wrap_run(batch)[0], steps)

    def _forward_train(self, batch: Batch, **kwargs: Any) -> Batch:
        batch, steps = cut_for(self._wrap_states, batch)
        outputs, lead = self._wrap_run(batch)
        if self._wrap_has_values:
            outputs["embeddings"] = self._wrap_values(lead)
        return pad_again(outputs, steps)

    def _wrap_run(self, batch: Batch, model: Any = None) -> tuple[Batch, tuple[int, ...]]:
        """Call the model (or its twin); return outputs and the leading dimensions."""
        if model is None:
            model = self._modules["legacy_model"]  # self.legacy_model takes 2 us
        encoded = self._wrap_encoder(batch["obs"])
        lead = encoded.lead
        inputs = legacy_input(batch, encoded.flat, lead=lead, training=self.training)
        if not self._wrap_states:
            logits, _ = self._wrap_call(model, inputs, [], None)
            if len(lead) == 2:
                logits = logits.reshape(*lead, *logits.shape[1:])
            return {"action_dist_inputs": logits}, lead
        before = self._wrap_states.to_list(batch.get("state_in"))
        seq_lens = batch.get("seq_lens")
        if seq_lens is None:
            steps = lead[1] if len(lead) == 2 else 1
            seq_lens = torch.full((lead[0],), steps, dtype=torch.int32, device=before[0].device)
        inputs["seq_lens"] = seq_lens
        logits, after = self._wrap_call(model, inputs, before, seq_lens)
        outputs = {
            "action_dist_inputs": logits.reshape(*lead, *logits.shape[1:]),
            "state_out": self._wrap_states.to_dict(before, after),
        }
        return outputs, lead

    def _wrap_call(
        self,
        model: Any,
        inputs: LegacyInput,
        states: list[torch.Tensor],
        seq_lens: torch.Tensor | None,
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return distribution inputs and new states."""
        try:
            result: tuple[torch.Tensor, list[torch.Tensor]] = model(inputs, states, seq_lens)
        except KeyError as missing:
            if missing.args[0] not in {view.column for view in views_of(self)}:
                raise
            raise ModuleError(
                f"{type(self).legacy_class.__qualname__} reads {missing}, which its view "
                "requirements ask for and the batch lacks; put "
                "rlmigrate.compat.wrap.on_ray.views.ViewColumns into the env-to-module and the "
                "learner pipeline, or add the column to the batch"
            ) from missing
        return result

    def encode_observations(self, rows: Any) -> np.ndarray:
        """Preprocess raw observations [N, ...] to what the legacy model calls "obs"."""
        with torch.no_grad():
            return self._wrap_encoder(rows).flat.cpu().numpy()

    def legacy_batch(self, batch: Batch) -> LegacyInput:
        """Return a training batch as the old stack's losses saw it, with flat rows."""
        batch, _ = cut_for(self._wrap_states, batch)
        encoded = self._wrap_encoder(batch["obs"])
        return legacy_input(batch, encoded.flat, lead=encoded.lead, training=self.training)

    def compute_values(self, batch: Batch, embeddings: Any = None) -> torch.Tensor:
        """Return state values: float[B] or float[B, T].

        `embeddings` are those of `forward_train` on the same batch. Without them the model
        runs once more, in evaluation mode, as the old stack computed values while sampling.
        """
        if embeddings is not None:
            values: torch.Tensor = embeddings
            return values
        if self.inference_only:
            raise ModuleError(
                "compute_values on a module built with inference_only=True, which has no value "
                "function; build it with RLModuleSpec(inference_only=False)"
            )
        if not self._wrap_has_values:
            raise ModuleError(
                f"{type(self).legacy_class.__qualname__} does not override value_function()"
            )
        was_training = self.training
        switch = self._wrap_modes
        switch.set(self, training=False)
        try:
            batch, steps = cut_for(self._wrap_states, batch)
            _, lead = self._wrap_run(batch)
            return pad_steps(self._wrap_values(lead), steps)
        finally:
            if was_training:
                switch.back_to_train(self)

    def _wrap_values(self, lead: tuple[int, ...]) -> torch.Tensor:
        model: Any = self._modules["legacy_model"]  # self.legacy_model takes 2 us
        values: torch.Tensor = model.value_function()
        return values if values.shape == lead else values.reshape(lead)

    # ---- what RLlib asks of a module

    def get_initial_state(self) -> dict[str, torch.Tensor]:
        """Return the states before the first step by name, without batch dimension."""
        return self._wrap_states.initial()

    def get_inference_action_dist_cls(self) -> type:
        """Return the class that turns the module's outputs into actions."""
        if self.action_dist_cls is not None:
            return self.action_dist_cls
        found: type | None = self.__dict__["_wrap_distribution"]
        if found is None:
            found = self.__dict__["_wrap_distribution"] = action_distribution(
                self._wrap_old_distribution,
                stack=self._wrap_stack,
                model=self.legacy_model,
                action_space=self.action_space,
            )
        return found

    def get_exploration_action_dist_cls(self) -> type:
        """Return the class that turns the module's outputs into actions."""
        return self.get_inference_action_dist_cls()

    def get_train_action_dist_cls(self) -> type:
        """Return the class that turns the module's outputs into actions."""
        return self.get_inference_action_dist_cls()

    # ---- target networks and parts that acting does not need

    def make_target_networks(self) -> None:
        """Copy the model as a target that no optimizer moves."""
        self.target_legacy_model = self._wrap_twin().requires_grad_(False)

    def get_target_network_pairs(self) -> list[tuple[nn.Module, nn.Module]]:
        """Return (model, target) for the Learner to bring closer."""
        return [(self.legacy_model, self.target_legacy_model)]

    def forward_target(self, batch: Batch) -> Batch:
        """Compute the target's distribution inputs."""
        outputs, _ = self._wrap_run(batch, self.target_legacy_model)
        return {"target_network_action_dist_inputs": outputs["action_dist_inputs"]}

    def get_non_inference_attributes(self) -> list[str]:
        """Name the submodules that modules built with inference_only=True do without."""
        if self.inference_only:
            return []
        found: list[str] | None = self.__dict__.get("_wrap_prunable")
        if found is None:
            found = [f"legacy_model.{name}" for name in self._wrap_unneeded()]
            self.__dict__["_wrap_prunable"] = found
        return ["target_legacy_model", *found]

    # ---- copies

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state["_wrap_distribution"] = None
        return state

    def __deepcopy__(self, memo: dict[int, Any]) -> WrappedModel:
        detach_stashes(self, memo)
        if closes_over_modules(self.legacy_model):
            memo[id(self.legacy_model)] = self._wrap_twin()
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        twin.__dict__.update(copy.deepcopy(self.__getstate__(), memo))
        return twin


def _as_dict(config: Any) -> dict[str, Any]:
    if config is None:
        return {}
    if isinstance(config, Mapping):
        return dict(config)
    return dict(vars(config))


def _overrides(model: object, method: str, base: type) -> bool:
    return getattr(type(model), method) is not getattr(base, method)
