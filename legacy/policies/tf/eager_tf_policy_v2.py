"""EagerTFPolicyV2: a policy around a TF model whose parts are methods to be overridden."""

from __future__ import annotations

import threading
from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf
import tree

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.batches import SampleBatch
from rlmigrate.legacy.catalog.catalog import ModelCatalog
from rlmigrate.legacy.catalog.defaults import MODEL_DEFAULTS
from rlmigrate.legacy.policies.dummy_batch import initialize_loss_from_dummy_batch
from rlmigrate.legacy.policies.policy import ActionsOut, Policy, PolicyConfig
from rlmigrate.legacy.policies.tf.learning import TFLearning
from rlmigrate.legacy.types import Tensor, TensorStruct
from rlmigrate.legacy.utils.annotations import overridden_in
from rlmigrate.legacy.utils.numpy import convert_to_numpy
from rlmigrate.legacy.utils.spaces import normalize_action


class EagerTFPolicyV2(TFLearning):
    """Override `make_model`, `loss` and the other hooks; everything runs eagerly.

    A subclass that learns calls `maybe_initialize_optimizer_and_loss()` at the end of its
    constructor, as with RLlib.
    """

    # Whether action_distribution_fn gets `input_dict`, as build_tf_policy's may.
    distribution_takes_input_dict = False

    def __init__(
        self,
        observation_space: gym.Space[Any],
        action_space: gym.Space[Any],
        config: PolicyConfig,
        **kwargs: Any,
    ) -> None:
        config.setdefault("framework", "tf2")
        config["model"] = {**MODEL_DEFAULTS, **(config.get("model") or {})}
        for key, default in (("explore", True), ("normalize_actions", True), ("lr", 0.001)):
            config.setdefault(key, default)
        Policy.__init__(self, observation_space, action_space, config)
        self.global_timestep = 0
        self._loss_initialized = False
        self.batch_divisibility_req = self.get_batch_divisibility_req()
        self._max_seq_len = config["model"]["max_seq_len"]
        self.validate_spaces(observation_space, action_space, config)
        self.dist_class = None
        if not self._overrides("action_sampler_fn"):
            self.dist_class, self._num_outputs = ModelCatalog.get_action_dist(
                action_space, config["model"], framework="tf2"
            )
        self.model = self.make_model()
        if not hasattr(self.model, "view_requirements"):
            raise LegacyError(
                f"{type(self).__name__}.make_model() gave a {type(self.model).__name__}, expected "
                "a TFModelV2"
            )
        self._update_model_view_requirements_from_init_state()
        self.view_requirements.update(self.model.view_requirements)
        self.exploration = self._create_exploration()
        self._state_inputs = self.model.get_initial_state()
        self._is_recurrent = len(tree.flatten(self._state_inputs)) > 0
        self._lock = threading.RLock()

    @staticmethod
    def enable_eager_execution_if_necessary() -> None:
        """Do nothing: TF executes eagerly."""

    @classmethod
    def with_tracing(cls) -> Any:
        """Give the class itself: nothing is traced into a graph."""
        return cls

    def _overrides(self, name: str) -> bool:
        return name in self.__dict__ or overridden_in(type(self), EagerTFPolicyV2, name)

    # Hooks.

    def validate_spaces(self, obs_space: Any, action_space: Any, config: PolicyConfig) -> None:
        """Raise for spaces that the policy does not serve."""

    def make_model(self) -> Any:
        """Build the model; by default the catalog's."""
        return ModelCatalog.get_model_v2(
            obs_space=self.observation_space,
            action_space=self.action_space,
            num_outputs=self._num_outputs,
            model_config=self.config["model"],
            framework="tf2",
        )

    def action_sampler_fn(
        self, model: Any, *, obs_batch: TensorStruct, state_batches: TensorStruct, **kwargs: Any
    ) -> tuple[Any, Any, Any, Any]:
        """Give actions, log-probabilities, distribution inputs and new states."""
        return None, None, None, None

    def action_distribution_fn(
        self, model: Any, *, obs_batch: TensorStruct, state_batches: TensorStruct, **kwargs: Any
    ) -> tuple[Any, Any, Any]:
        """Give distribution inputs, the distribution class and new states."""
        return None, None, None

    def extra_action_out_fn(self) -> dict[str, Any]:
        """Give more outputs of compute_actions."""
        return {}

    # Actions.

    def compute_actions(
        self,
        obs_batch: TensorStruct,
        state_batches: list[Any] | None = None,
        prev_action_batch: TensorStruct = None,
        prev_reward_batch: TensorStruct = None,
        info_batch: Any = None,
        episodes: Any = None,
        explore: bool | None = None,
        timestep: int | None = None,
        **kwargs: Any,
    ) -> ActionsOut:
        """Choose actions for observations [B, ...]; see TorchPolicyV2.compute_actions.

        RLlib loses the states here; they are passed on.
        """
        columns = {
            SampleBatch.OBS: obs_batch,
            SampleBatch.PREV_ACTIONS: prev_action_batch,
            SampleBatch.PREV_REWARDS: prev_reward_batch,
            **{f"state_in_{i}": state for i, state in enumerate(state_batches or [])},
        }
        given = {key: value for key, value in columns.items() if value is not None}
        batch = SampleBatch(given, _is_training=False)
        return self.compute_actions_from_input_dict(batch, explore=explore, timestep=timestep)

    def compute_actions_from_input_dict(
        self,
        input_dict: Any,
        explore: bool | None = None,
        timestep: int | None = None,
        episodes: Any = None,
        **kwargs: Any,
    ) -> ActionsOut:
        """Choose actions for a whole input dict, whose `state_in_*` are the states."""
        sampled = bool(self.config["explore"] if explore is None else explore)
        now = int(self.global_timestep if timestep is None else timestep)
        with self._lock:
            batch = self._lazy_tensor_dict(input_dict)
            batch.set_training(False)
            states = [batch[key] for key in batch if key.startswith("state_in")]
            assert self.exploration is not None
            self.exploration.before_compute_actions(timestep=now, explore=sampled)
            rows = int(tree.flatten(batch[SampleBatch.OBS])[0].shape[0])
            if SampleBatch.SEQ_LENS in batch:
                seq_lens = batch[SampleBatch.SEQ_LENS]
            else:
                seq_lens = tf.ones(rows, dtype=tf.int32) if states else None
            out = self._act(batch, states, seq_lens, explore=sampled, timestep=now)
            self.global_timestep += rows
            return convert_to_numpy(out)  # type: ignore[no-any-return]

    def _act(
        self, batch: SampleBatch, states: list[Any], seq_lens: Tensor, **when: Any
    ) -> ActionsOut:
        arguments = {
            "obs_batch": batch[SampleBatch.OBS],
            "state_batches": states,
            "seq_lens": seq_lens,
            **when,
        }
        if self._overrides("action_sampler_fn"):
            actions, logp, inputs, state_out = self.action_sampler_fn(
                self.model, **arguments, episodes=None
            )
        else:
            if self._overrides("action_distribution_fn"):
                inputs, self.dist_class, state_out = self._distribution(batch, arguments)
            else:
                inputs, state_out = self.model(batch, states, seq_lens)
            assert self.exploration is not None
            actions, logp = self.exploration.get_exploration_action(
                action_distribution=self.dist_class(inputs, self.model), **_swapped(when)
            )
        extra: dict[str, Any] = {}
        if logp is not None:
            extra[SampleBatch.ACTION_PROB] = tf.exp(logp)
            extra[SampleBatch.ACTION_LOGP] = logp
        if inputs is not None:
            extra[SampleBatch.ACTION_DIST_INPUTS] = inputs
        return actions, state_out, {**extra, **self.extra_action_out_fn()}

    def _distribution(self, batch: SampleBatch, arguments: dict[str, Any]) -> tuple[Any, Any, Any]:
        if self.distribution_takes_input_dict:
            arguments = {**arguments, "input_dict": batch}
            del arguments["obs_batch"]
        return self.action_distribution_fn(self.model, **arguments, is_training=False)

    def compute_log_likelihoods(
        self,
        actions: TensorStruct,
        obs_batch: TensorStruct,
        state_batches: list[Any] | None = None,
        prev_action_batch: TensorStruct = None,
        prev_reward_batch: TensorStruct = None,
        actions_normalized: bool = True,
        in_training: bool = True,
    ) -> Tensor:
        """Give the log-probabilities [B] of the actions.

        Raises LegacyError if the policy samples by a function and names no distribution.
        """
        own = self._overrides("action_distribution_fn")
        if self._overrides("action_sampler_fn") and not own:
            raise LegacyError(
                f"{type(self).__name__}: action_sampler_fn gives no distribution; implement "
                "action_distribution_fn, too, to get log-likelihoods"
            )
        columns = {
            SampleBatch.OBS: obs_batch,
            SampleBatch.ACTIONS: actions,
            SampleBatch.PREV_ACTIONS: prev_action_batch,
            SampleBatch.PREV_REWARDS: prev_reward_batch,
        }
        with self._lock:
            given = {key: value for key, value in columns.items() if value is not None}
            batch = self._lazy_tensor_dict(SampleBatch(given, _is_training=False))
            seq_lens = tf.ones(len(tree.flatten(obs_batch)[0]), dtype=tf.int32)
            states = [tf.convert_to_tensor(state) for state in state_batches or []]
            if own:
                arguments = {"state_batches": states, "seq_lens": seq_lens, "explore": False}
                arguments["obs_batch"] = batch[SampleBatch.OBS]
                inputs, self.dist_class, _ = self._distribution(batch, arguments)
            else:
                inputs, _ = self.model(batch, states, seq_lens)
            chosen = actions
            if not actions_normalized and self.config["normalize_actions"]:
                chosen = normalize_action(chosen, self.action_space_struct)
            return self.dist_class(inputs, self.model).logp(chosen)

    # Loss and state.

    def maybe_initialize_optimizer_and_loss(self) -> None:
        """Make the optimizers, and run once on zeros to learn which views are used."""
        self._make_optimizers()
        learns = self._overrides("loss") and not self.config.get("in_evaluation")
        initialize_loss_from_dummy_batch(
            self,
            loss=(lambda batch: self.loss(self.model, self.dist_class, batch)) if learns else None,
            stats=self.stats_fn if learns else None,
        )
        self._loss_initialized = True

    def loss_initialized(self) -> bool:
        """Tell whether the loss ran on a dummy batch."""
        return self._loss_initialized

    def is_recurrent(self) -> bool:
        """Tell whether the model has states."""
        return self._is_recurrent

    def num_state_tensors(self) -> int:
        """Count the model's states."""
        return len(self._state_inputs)

    def get_initial_state(self) -> list[Any]:
        """Give the model's first states as arrays."""
        return [np.asarray(state) for state in self.model.get_initial_state()]


def _swapped(when: dict[str, Any]) -> dict[str, Any]:
    return {"timestep": when["timestep"], "explore": when["explore"]}
