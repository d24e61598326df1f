"""What both torch policies share: devices, the forward pass to actions, log-likelihoods."""

from __future__ import annotations

import functools
import math
import operator
import threading
from typing import Any

import numpy as np
import torch
import tree

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.batches import SampleBatch, ViewRequirement
from rlmigrate.legacy.policies.dummy_batch import dummy_batch, initialize_loss_from_dummy_batch
from rlmigrate.legacy.policies.policy import ActionsOut
from rlmigrate.legacy.policies.rl_module_actions import actions_from_module, is_rl_module
from rlmigrate.legacy.policies.torch_learning import TorchLearning
from rlmigrate.legacy.policies.torch_state import TorchState
from rlmigrate.legacy.types import Tensor, TensorStruct
from rlmigrate.legacy.utils.numpy import convert_to_numpy
from rlmigrate.legacy.utils.spaces import normalize_action
from rlmigrate.legacy.utils.torch_utils import convert_to_torch_tensor

_TRAINING = operator.itemgetter("training")


class TorchPolicyBase(TorchLearning, TorchState):
    """A policy around a torch model; see `TorchPolicyV2` and `TorchPolicy`."""

    target_model: Any

    def _setup(self, model: Any, dist_class: Any, max_seq_len: int) -> None:
        """Take over the model; the order of steps is RLlib's, hooks may rely on it."""
        num_gpus = self.config.get("num_gpus") or 0
        use_gpu = num_gpus > 0 and torch.cuda.is_available() and not self.config.get("_fake_gpus")
        if math.ceil(num_gpus) > 1:
            raise LegacyError(
                f"num_gpus is {num_gpus}: a policy without Ray runs on one device; set it to 0 or 1"
            )
        self.device = torch.device("cuda:0" if use_gpu else "cpu")
        self.devices = [self.device]
        self._to_tensor = functools.partial(convert_to_torch_tensor, device=self.device)
        self.model = model.to(self.device)
        self.model_gpu_towers = [self.model]
        if hasattr(self, "target_model"):
            self.target_model = self.target_model.to(self.device)
            self.target_models = {self.model: self.target_model}
        self.unwrapped_model = model
        self.dist_class = dist_class
        self._lock = threading.RLock()
        self._state_inputs = self.model.get_initial_state()
        self._is_recurrent = len(tree.flatten(self._state_inputs)) > 0
        self._module_fields = [module.__dict__ for module in self.model.modules()]
        if is_rl_module(self.model):
            self._model_views: dict[str, ViewRequirement] = {
                SampleBatch.OBS: ViewRequirement(space=self.observation_space)
            }
        else:
            if not hasattr(self.model, "view_requirements"):
                self.model.view_requirements = {
                    SampleBatch.OBS: ViewRequirement(space=self.observation_space)
                }
            self._update_model_view_requirements_from_init_state()
            self.view_requirements.update(self.model.view_requirements)
        self.exploration = self._create_exploration()
        self._setup_learning(max_seq_len)

    # Hooks that the two kinds of policies serve in their own ways.

    def _sampler(self) -> Any:
        """Give the function that samples actions itself, or None."""
        raise NotImplementedError

    def _distribution(
        self, input_dict: SampleBatch, states: list[Any], seq_lens: Tensor, **kwargs: Any
    ) -> tuple[Tensor, Any, list[Any]] | None:
        """Give what action_distribution_fn gives, or None if there is no such function."""
        raise NotImplementedError

    def extra_action_out(
        self, input_dict: Any, state_batches: list[Any], model: Any, action_dist: Any
    ) -> dict[str, Any]:
        """Give more outputs of compute_actions, to be stored in the batch."""
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
        """Choose actions for observations [B, ...], in the order that the model wants them.

        Gives actions, new states and `action_dist_inputs`, `action_prob`, `action_logp` and
        what `extra_action_out` adds, all as arrays. Actions are neither clipped nor unsquashed.
        """
        with torch.no_grad():
            batch = self._lazy_tensor_dict(SampleBatch(obs=obs_batch, _is_training=False))
            if prev_action_batch is not None:
                batch[SampleBatch.PREV_ACTIONS] = _as_array(prev_action_batch)
            if prev_reward_batch is not None:
                batch[SampleBatch.PREV_REWARDS] = _as_array(prev_reward_batch)
            states = [self._to_tensor(state) for state in state_batches or []]
            seq_lens = torch.ones(_rows(obs_batch), dtype=torch.int32)
            return self._compute_action_helper(batch, states, seq_lens, explore, timestep)

    def compute_actions_from_input_dict(
        self,
        input_dict: Any,
        explore: bool | None = None,
        timestep: int | None = None,
        episodes: Any = None,
        **kwargs: Any,
    ) -> ActionsOut:
        """Choose actions for a whole input dict; its `state_in_*` are taken in their order."""
        with torch.no_grad():
            batch = self._lazy_tensor_dict(input_dict)
            # RLlib sets True, and its models read False: ModelV2.__call__ loses the flag there.
            batch.set_training(False)
            states = [batch[key] for key in batch if key.startswith("state_in")]
            seq_lens = None
            if states:
                seq_lens = torch.ones(len(states[0]), dtype=torch.long, device=states[0].device)
            return self._compute_action_helper(batch, states, seq_lens, explore, timestep)

    def _compute_action_helper(
        self,
        input_dict: SampleBatch,
        state_batches: list[Any],
        seq_lens: Tensor,
        explore: bool | None,
        timestep: int | None,
    ) -> ActionsOut:
        with self._lock:
            sampled: bool = self.config["explore"] if explore is None else explore
            now: int = self.global_timestep if timestep is None else timestep
            self._eval_mode()
            if is_rl_module(self.model):
                out = actions_from_module(self.model, input_dict, state_batches, sampled)
            else:
                out = self._actions_from_model(input_dict, state_batches, seq_lens, sampled, now)
            self.global_timestep += _rows(dict.__getitem__(input_dict, SampleBatch.OBS))
            actions, state_out, extra = out
            if "action_logp" in extra:
                extra[SampleBatch.ACTION_PROB] = torch.exp(extra["action_logp"].float())
            return (
                _numpy(actions),
                convert_to_numpy(state_out) if state_out else state_out,
                {key: _numpy(value) for key, value in extra.items()},
            )

    def _actions_from_model(
        self,
        input_dict: SampleBatch,
        states: list[Any],
        seq_lens: Tensor,
        explore: bool,
        timestep: int,
    ) -> ActionsOut:
        sampler = self._sampler()
        action_dist: Any = None
        if sampler is not None:
            # No seq_lens: RLlib does not pass them here, and users' functions may not take them.
            actions, logp, *inputs, state_out = sampler(
                self.model,
                obs_batch=input_dict,
                state_batches=states,
                explore=explore,
                timestep=timestep,
            )
            # Up to Ray 2.2 samplers gave three values, without the distribution's inputs.
            dist_inputs = inputs[0] if inputs else None
        else:
            assert self.exploration is not None
            self.exploration.before_compute_actions(explore=explore, timestep=timestep)
            given = self._distribution(
                input_dict, states, seq_lens, explore=explore, timestep=timestep, is_training=False
            )
            if given is None:
                dist_class = self.dist_class
                dist_inputs, state_out = self.model(input_dict, states, seq_lens)
            else:
                dist_inputs, dist_class, state_out = given
            action_dist = dist_class(dist_inputs, self.model)
            actions, logp = self.exploration.get_exploration_action(
                action_distribution=action_dist, timestep=timestep, explore=explore
            )
        extra = dict(self.extra_action_out(input_dict, states, self.model, action_dist))
        if dist_inputs is not None:
            extra[SampleBatch.ACTION_DIST_INPUTS] = dist_inputs
        if logp is not None:
            extra[SampleBatch.ACTION_LOGP] = logp
        return actions, state_out, extra

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
        """Give the log-probabilities [B] of the actions, as a tensor.

        actions_normalized: False if they lie within the action space's own bounds.
        Raises LegacyError if the policy samples by a function and names no distribution.
        """
        with self._lock, torch.no_grad():
            batch = self._lazy_tensor_dict(SampleBatch(obs=obs_batch, actions=actions))
            if prev_action_batch is not None:
                batch[SampleBatch.PREV_ACTIONS] = _as_array(prev_action_batch)
            if prev_reward_batch is not None:
                batch[SampleBatch.PREV_REWARDS] = _as_array(prev_reward_batch)
            states = [self._to_tensor(state) for state in state_batches or []]
            seq_lens = torch.ones(_rows(obs_batch), dtype=torch.int32)
            if self.exploration:
                self.exploration.before_compute_actions(explore=False)
            given = self._distribution(batch, states, seq_lens, explore=False, is_training=False)
            if given is not None:
                dist_inputs, dist_class, _ = given
            elif self._sampler() is not None:
                raise LegacyError(
                    f"{type(self).__name__}: action_sampler_fn gives no distribution; "
                    "implement action_distribution_fn, too, to get log-likelihoods"
                )
            else:
                dist_class = self.dist_class
                dist_inputs, _ = self.model(batch, states, seq_lens)
            chosen = batch[SampleBatch.ACTIONS]
            if not actions_normalized and self.config["normalize_actions"]:
                chosen = normalize_action(chosen, self.action_space_struct)
            logp: Tensor = dist_class(dist_inputs, self.model).logp(chosen)
            return logp

    def _eval_mode(self) -> None:
        # eval() walks all modules and costs as much as a small net; it is rarely needed.
        if any(map(_TRAINING, self._module_fields)):
            self.model.eval()

    def _lazy_tensor_dict(self, postprocessed_batch: Any, device: Any = None) -> SampleBatch:
        """Let a batch turn its columns into tensors when they are read."""
        batch = postprocessed_batch
        if not isinstance(batch, SampleBatch):
            batch = SampleBatch(batch)
        same = device is None or device == self.device
        convert = functools.partial(convert_to_torch_tensor, device=device)
        batch.set_get_interceptor(self._to_tensor if same else convert)
        return batch

    def _initialize_loss_from_dummy_batch(
        self, auto_remove_unneeded_view_reqs: bool = True, stats_fn: Any = None
    ) -> None:
        """Run once on zeros, and keep the views only that were touched."""
        evaluating = self.config.get("in_evaluation")
        stats = None if evaluating or stats_fn is None else functools.partial(stats_fn, self)
        initialize_loss_from_dummy_batch(
            self,
            loss=None if evaluating else self._dummy_loss(),
            stats=stats or self._dummy_stats(),
            prune=auto_remove_unneeded_view_reqs,
        )

    def _get_dummy_batch_from_view_requirements(self, batch_size: int = 1) -> SampleBatch:
        return dummy_batch(self, batch_size)

    def _dummy_loss(self) -> Any:
        raise NotImplementedError

    def _dummy_stats(self) -> Any:
        return None


def _rows(obs: TensorStruct) -> int:
    # RLlib counts the keys of dict observations here.
    if isinstance(obs, dict | tuple):
        return len(tree.flatten(obs)[0])
    return len(obs)


def _numpy(value: Any) -> Any:
    # The usual case without the detour through structures.
    if type(value) is torch.Tensor and value.dtype is torch.float32 and value.dim() > 0:
        return value.detach().cpu().numpy().copy()
    return convert_to_numpy(value)


def _as_array(values: Any) -> Any:
    return np.asarray(values) if isinstance(values, list) else values
