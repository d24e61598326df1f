"""The methods that make an RLModule of an old policy, for either stack's TorchRLModule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
import tree
from torch import nn

from rlmigrate.compat.wrap.inputs import legacy_input
from rlmigrate.compat.wrap.module import Batch, WrappedModel
from rlmigrate.compat.wrap.observations import ObservationEncoder
from rlmigrate.compat.wrap.policy_config import policy_config
from rlmigrate.compat.wrap.stacks import Family, policy_family_of
from rlmigrate.compat.wrap.states import StateLayout
from rlmigrate.errors import ModuleError

_HANDED_OVER = ("action_dist_inputs", "action_logp", "action_prob")


class _NoModel:
    """The states of a policy that has no torch model."""

    view_requirements: Mapping[str, Any] = {}

    def __init__(self, policy: Any) -> None:
        self._policy = policy

    def get_initial_state(self) -> list[Any]:
        """Return the policy's own states."""
        return list(self._policy.get_initial_state())


class WrappedPolicy(WrappedModel):
    """Run an old policy as an RLModule.

    Actions are those of the policy's `compute_actions`, or of `compute_actions_from_input_dict`
    where that is overridden, with its hooks, its exploration and whatever it overrides;
    `forward_inference` acts with explore=False. `forward_train` runs the model, or
    `action_distribution_fn`, with gradients.
    """

    legacy_config: ClassVar[Any] = None
    legacy_policy: Any

    def setup(self) -> None:
        """Build the policy from the spaces and the config."""
        cls = type(self)
        config = {**cls.legacy_model_config, **(self.model_config or {})}
        self.model_config = {"max_seq_len": 20, **config}
        family = self._wrap_family
        settings = policy_config(cls.legacy_class, family.name, cls.legacy_config, config)
        self._wrap_encoder = ObservationEncoder(
            self.observation_space,
            family,
            enabled=not settings["model"].get("_disable_preprocessor_api"),
        )
        policy = cls.legacy_class(self._wrap_encoder.model_space, self.action_space, settings)
        # Past nn.Module, which looks at what it is given.
        self.__dict__["legacy_policy"] = policy
        model = getattr(policy, "model", None)
        self.legacy_model = model if isinstance(model, nn.Module) else None
        self._wrap_states = StateLayout(self.legacy_model or _NoModel(policy))
        self._wrap_old_distribution = policy.dist_class
        value_function = getattr(type(self.legacy_model), "value_function", None)
        self._wrap_has_values = value_function is not None and (
            value_function is not getattr(self._wrap_family.modelv2, "value_function", None)
        )
        self._wrap_forget()

    def _wrap_unneeded(self) -> list[str]:
        return []

    @property
    def _wrap_family(self) -> Family:
        return policy_family_of(type(self).legacy_class)

    def _forward_inference(self, batch: Batch, **kwargs: Any) -> Batch:
        return self._wrap_act(batch, explore=False, timestep=kwargs.get("t"))

    def _forward_exploration(self, batch: Batch, **kwargs: Any) -> Batch:
        return self._wrap_act(batch, explore=True, timestep=kwargs.get("t"))

    @torch.no_grad()
    def _wrap_act(self, batch: Batch, *, explore: bool, timestep: int | None) -> Batch:
        encoded = self._wrap_encoder(batch["obs"])
        lead, device = encoded.lead, encoded.flat.device
        before = self._wrap_states.to_list(batch.get("state_in")) if self._wrap_states else []
        actions, after, extra = self._wrap_ask(
            encoded.flat.cpu().numpy(),
            [_numpy(state) for state in before],
            {key: _numpy(batch.get(key)) for key in ("prev_actions", "prev_rewards")},
            explore=explore,
            timestep=timestep,
        )

        def back(value: Any) -> Any:
            return torch.as_tensor(np.asarray(value), device=device)

        def unfold(value: Any) -> Any:
            found = back(value)
            return found.reshape(*lead, *found.shape[1:]) if len(lead) == 2 else found

        outputs = {key: tree.map_structure(unfold, value) for key, value in extra.items()}
        outputs["actions"] = tree.map_structure(unfold, actions)
        # A policy that gives no log-probability cannot learn from it either; zeros as without
        # exploration, because RLlib's connectors store the column for every step or for none.
        outputs.setdefault("action_logp", torch.zeros(lead, device=device))
        if self._wrap_states:
            outputs["state_out"] = self._wrap_states.to_dict(before, [back(s) for s in after])
        return outputs

    def _wrap_ask(
        self, obs: Any, states: list[Any], previous: Mapping[str, Any], **told: Any
    ) -> tuple[Any, list[Any], dict[str, Any]]:
        """Ask the policy for actions, by the one of its two methods that says more."""
        policy = self.legacy_policy
        if not _takes_input_dict(type(policy)):
            return policy.compute_actions(  # type: ignore[no-any-return]
                obs,
                states,
                prev_action_batch=previous["prev_actions"],
                prev_reward_batch=previous["prev_rewards"],
                **told,
            )
        columns = {key: value for key, value in previous.items() if value is not None}
        columns |= {f"state_in_{at}": state for at, state in enumerate(states)}
        inputs = self._wrap_family.sample_batch({"obs": obs, **columns})
        return policy.compute_actions_from_input_dict(inputs, **told)  # type: ignore[no-any-return]

    def _forward_train(self, batch: Batch, **kwargs: Any) -> Batch:
        if self.legacy_model is None:
            raise ModuleError(
                f"{type(self).legacy_class.__qualname__} has no torch model to train; keep it out "
                "of config.multi_agent(policies_to_train=...)"
            )
        outputs = self._wrap_distribution_fn(batch)
        if outputs is None:
            outputs = super()._forward_train(batch, **kwargs)
        if "compute_log_likelihoods" in _own_methods(type(self).legacy_class) and (
            "actions" in batch
        ):
            encoded = self._wrap_encoder(batch["obs"])
            logp = self.legacy_policy.compute_log_likelihoods(
                tree.map_structure(_numpy, batch["actions"]), encoded.flat.cpu().numpy()
            )
            outputs["action_logp"] = torch.as_tensor(logp).reshape(encoded.lead)
        return outputs

    def _wrap_distribution_fn(self, batch: Batch) -> Batch | None:
        """Run the policy's own `action_distribution_fn`, if it has one."""
        policy = self.legacy_policy
        if "action_distribution_fn" not in _own_methods(type(policy)):
            return None
        encoded = self._wrap_encoder(batch["obs"])
        lead = encoded.lead
        inputs = legacy_input(batch, encoded.flat, lead=lead, training=self.training)
        before = self._wrap_states.to_list(batch.get("state_in")) if self._wrap_states else []
        logits, distribution, after = policy.action_distribution_fn(
            self.legacy_model,
            obs_batch=inputs,
            state_batches=before,
            seq_lens=batch.get("seq_lens"),
            explore=True,
            timestep=policy.global_timestep,
            is_training=True,
        )
        if distribution is not self._wrap_old_distribution:
            self._wrap_old_distribution = distribution
            self.__dict__["_wrap_distribution"] = None
        outputs = {"action_dist_inputs": logits.reshape(*lead, *logits.shape[1:])}
        if self._wrap_states:
            outputs["state_out"] = self._wrap_states.to_dict(before, after)
        if self._wrap_has_values and _ran(self.legacy_model):
            outputs["embeddings"] = self._wrap_values(lead)
        return outputs

    def compute_values(self, batch: Batch, embeddings: Any = None) -> torch.Tensor:
        """Return state values: float[B] or float[B, T]; see WrappedModel.

        Zeros for a policy without a torch model, which learns nothing, because RLlib's learner
        connectors ask all modules of a multi-agent setup.
        """
        if self.legacy_model is None:
            encoded = self._wrap_encoder(batch["obs"])
            return torch.zeros(encoded.lead, device=encoded.flat.device)
        return super().compute_values(batch, embeddings)

    def _wrap_rebuild(self) -> tuple[type, dict[str, Any]]:
        _, arguments = self.get_ctor_args_and_kwargs()  # type: ignore[operator]
        return type(self), arguments

    def __reduce__(self) -> tuple[Any, ...]:
        # Policies hold locks and optimizers; a copy is built anew and given the weights.
        return _rebuild, (*self._wrap_rebuild(), self.state_dict(), self.training)

    def __deepcopy__(self, memo: dict[int, Any]) -> WrappedPolicy:
        twin = _rebuild(*self._wrap_rebuild(), self.state_dict(), self.training)
        memo[id(self)] = twin
        return twin


def _rebuild(
    cls: type, arguments: dict[str, Any], state: Mapping[str, Any], training: bool
) -> WrappedPolicy:
    made: Any = cls(**arguments)
    made.load_state_dict(state)
    twin: WrappedPolicy = made.train(training)
    return twin


def _numpy(value: Any) -> Any:
    if value is None:
        return None
    return tree.map_structure(
        lambda leaf: leaf.cpu().numpy() if isinstance(leaf, torch.Tensor) else leaf, value
    )


def _own_methods(policy_class: type) -> set[str]:
    """Name the methods that the user's classes bring, RLlib's own left out."""
    return {
        name
        for base in policy_class.__mro__
        if not base.__module__.startswith(("ray.rllib.", "rlmigrate.legacy."))
        for name in vars(base)
    }


def _takes_input_dict(policy_class: type) -> bool:
    """Say whether the last class that overrides how actions come does so for an input dict.

    Where one class overrides both methods, RLlib's sampler asked this one.
    """
    for base in policy_class.__mro__:
        if base.__module__.startswith(("ray.rllib.", "rlmigrate.legacy.")):
            continue
        if "compute_actions_from_input_dict" in vars(base):
            return True
        if "compute_actions" in vars(base):
            return False
    return False


def _ran(model: Any) -> bool:
    return getattr(model, "_last_output", None) is not None
