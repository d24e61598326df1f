"""Policy: chooses actions, postprocesses trajectories, learns from batches."""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import tree

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.batches import SampleBatch, ViewRequirement
from rlmigrate.legacy.batches.arrays import is_torch
from rlmigrate.legacy.exploration import Exploration, create_exploration
from rlmigrate.legacy.policies.callbacks import build_callbacks
from rlmigrate.legacy.policies.outside import PolicyFromOutside
from rlmigrate.legacy.policies.spec import PolicySpec
from rlmigrate.legacy.spaces import base_struct
from rlmigrate.legacy.types import Element, Tensor, TensorStruct
from rlmigrate.legacy.utils.spaces import unbatch

PolicyConfig = dict[str, Any]
ActionsOut = tuple[Any, list[Any], dict[str, Any]]


class Policy(PolicyFromOutside):
    """The base of all policies; a subclass gives `compute_actions` and, to learn, `loss`."""

    exploration: Exploration | None
    view_requirements: dict[str, ViewRequirement]
    model: Any

    def __init__(
        self, observation_space: gym.Space[Any], action_space: gym.Space[Any], config: PolicyConfig
    ) -> None:
        self.observation_space = observation_space
        self.action_space = action_space
        self.observation_space_struct = base_struct(observation_space)
        self.action_space_struct = base_struct(action_space)
        self.config = config
        self.framework = config.get("framework")
        self.callbacks = build_callbacks(config.get("callbacks"))
        self.global_timestep: Any = 0
        self.num_grad_updates = 0
        self.dist_class: Any = None
        self._model_init_state_automatically_added = False
        self.agent_connectors: Any = None
        self.action_connectors: Any = None
        self.init_view_requirements()

    @staticmethod
    def from_state(state: dict[str, Any]) -> Policy:
        """Build the policy that `get_state` described, with its weights."""
        if state.get("policy_spec") is None:
            raise LegacyError("Policy.from_state: the state has no 'policy_spec'")
        spec = PolicySpec.deserialize(state["policy_spec"])
        policy: Policy = spec.policy_class(spec.observation_space, spec.action_space, spec.config)
        policy.set_state(state)
        return policy

    @staticmethod
    def from_checkpoint(checkpoint: Any, policy_ids: Any = None) -> Any:
        """Raise: reading a checkpoint is `rlmigrate.convert_checkpoint`'s work."""
        raise LegacyError(
            f"Policy.from_checkpoint({str(checkpoint)!r}): unpickling a checkpoint can run code; "
            "use rlmigrate.convert_checkpoint, or Policy.from_state with a state that you trust"
        )

    # Views.

    def init_view_requirements(self) -> None:
        """Add the default views to those that a subclass has set."""
        own = getattr(self, "view_requirements", {})
        self.view_requirements = own
        for key, view in self._get_default_view_requirements().items():
            own.setdefault(key, view)

    def _get_default_view_requirements(self) -> dict[str, ViewRequirement]:
        obs, actions = self.observation_space, self.action_space
        unused: Any = {"used_for_compute_actions": False}
        batch = SampleBatch
        return {
            batch.OBS: ViewRequirement(space=obs),
            batch.NEXT_OBS: ViewRequirement(batch.OBS, obs, shift=1, **unused),
            batch.ACTIONS: ViewRequirement(space=actions, **unused),
            batch.PREV_ACTIONS: ViewRequirement(batch.ACTIONS, actions, shift=-1),
            batch.REWARDS: ViewRequirement(),
            batch.PREV_REWARDS: ViewRequirement(batch.REWARDS, shift=-1),
            batch.TERMINATEDS: ViewRequirement(),
            batch.TRUNCATEDS: ViewRequirement(),
            batch.INFOS: ViewRequirement(**unused),
            batch.EPS_ID: ViewRequirement(),
            batch.UNROLL_ID: ViewRequirement(),
            batch.AGENT_INDEX: ViewRequirement(),
            batch.T: ViewRequirement(),
        }

    def _update_model_view_requirements_from_init_state(self) -> None:
        """Add views of `state_in_i` and `state_out_i` for each of the model's states."""
        self._model_init_state_automatically_added = True
        views = [self.model.view_requirements, self.view_requirements]
        steps = self.config.get("model", {}).get("max_seq_len", 1)
        for i, state in enumerate(self.model.get_initial_state()):
            space = state
            if hasattr(state, "shape") and bool((state == 0.0).all()):
                space = gym.spaces.Box(-1.0, 1.0, shape=tuple(state.shape))
            for view in views:
                view.setdefault(
                    f"state_in_{i}",
                    ViewRequirement(
                        f"state_out_{i}", space=space, shift=-1, batch_repeat_value=steps
                    ),
                )
                view.setdefault(f"state_out_{i}", ViewRequirement(space=space))

    # Actions.

    def compute_single_action(
        self,
        obs: Element = None,
        state: list[Any] | None = None,
        *,
        prev_action: Element = None,
        prev_reward: Any = None,
        info: Any = None,
        input_dict: Any = None,
        episode: Any = None,
        explore: bool | None = None,
        timestep: int | None = None,
        **kwargs: Any,
    ) -> tuple[Element, list[Any], dict[str, Any]]:
        """Choose an action for one observation; gives action, new states and extra outputs."""
        if input_dict is None:
            optional = {
                SampleBatch.PREV_ACTIONS: prev_action,
                SampleBatch.PREV_REWARDS: prev_reward,
                SampleBatch.INFOS: info,
            }
            input_dict = {SampleBatch.OBS: obs}
            input_dict |= {f"state_in_{i}": s for i, s in enumerate(state or [])}
            input_dict |= {key: value for key, value in optional.items() if value is not None}
        batched = {
            key: value if key == SampleBatch.SEQ_LENS else tree.map_structure(_with_batch, value)
            for key, value in dict.items(input_dict)
        }
        out = self.compute_actions_from_input_dict(
            SampleBatch(batched),
            episodes=None if episode is None else [episode],
            explore=explore,
            timestep=timestep,
        )
        if not isinstance(out, tuple):
            return _first_row(out), [], {}
        actions, state_out, extra = out
        return (
            unbatch(actions)[0],
            tree.map_structure(_first_row, state_out),
            tree.map_structure(_first_row, extra),
        )

    def compute_actions_from_input_dict(
        self,
        input_dict: Any,
        explore: bool | None = None,
        timestep: int | None = None,
        episodes: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Choose actions for a batch whose states are its `state_in_*` columns."""
        return self.compute_actions(
            input_dict[SampleBatch.OBS],
            [value for key, value in input_dict.items() if key.startswith("state_in")],
            prev_action_batch=input_dict.get(SampleBatch.PREV_ACTIONS),
            prev_reward_batch=input_dict.get(SampleBatch.PREV_REWARDS),
            info_batch=input_dict.get(SampleBatch.INFOS),
            explore=explore,
            timestep=timestep,
            episodes=episodes,
            **kwargs,
        )

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
    ) -> Any:
        """Choose actions; gives actions, new states and extra outputs as arrays."""
        raise NotImplementedError(f"{type(self).__name__} must implement compute_actions()")

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
        """Give the log-probabilities [B] of the actions."""
        raise NotImplementedError(f"{type(self).__name__} has no compute_log_likelihoods()")

    def _create_exploration(self) -> Exploration:
        given: Exploration | None = getattr(self, "exploration", None)
        if given is not None:
            return given
        return create_exploration(
            self.config.get("exploration_config") or {"type": "StochasticSampling"},
            action_space=self.action_space,
            policy_config=self.config,
            model=getattr(self, "model", None),
            num_workers=self.config.get("num_env_runners", 0),
            worker_index=self.config.get("worker_index", 0),
            framework=self.framework or "tf",
        )

    def get_exploration_state(self) -> dict[str, Any]:
        """Give the exploration's state."""
        return self.exploration.get_state() if self.exploration else {}

    # Learning.

    def postprocess_trajectory(
        self, sample_batch: Any, other_agent_batches: Any = None, episode: Any = None
    ) -> Any:
        """Change the batch of one episode before it is learned from; to be overridden."""
        return sample_batch

    def loss(self, model: Any, dist_class: Any, train_batch: Any) -> Any:
        """Compute the loss, or one per optimizer; to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} must implement loss()")

    def learn_on_batch(self, samples: Any) -> dict[str, Any]:
        """Take one step; gives statistics."""
        grads, info = self.compute_gradients(samples)
        self.apply_gradients(grads)
        return info

    def compute_gradients(self, postprocessed_batch: Any) -> tuple[Any, dict[str, Any]]:
        """Give the gradients for a batch, and statistics."""
        raise NotImplementedError(f"{type(self).__name__} has no compute_gradients()")

    def apply_gradients(self, gradients: Any) -> None:
        """Let the optimizer step along the gradients."""
        raise NotImplementedError(f"{type(self).__name__} has no apply_gradients()")

    # State.

    def get_weights(self) -> Any:
        """Give the weights as arrays."""
        raise NotImplementedError(f"{type(self).__name__} has no get_weights()")

    def set_weights(self, weights: Any) -> None:
        """Set the weights that `get_weights` gave."""
        raise NotImplementedError(f"{type(self).__name__} has no set_weights()")

    def is_recurrent(self) -> bool:
        """Tell whether the model has states."""
        return False

    def num_state_tensors(self) -> int:
        """Count the model's states."""
        return 0

    def get_initial_state(self) -> list[Any]:
        """Give the states before the first step."""
        return []

    def get_state(self) -> dict[str, Any]:
        """Give everything that is needed to go on with this policy."""
        spec = PolicySpec(type(self), self.observation_space, self.action_space, self.config)
        return {
            "weights": self.get_weights(),
            "global_timestep": self.global_timestep,
            "num_grad_updates": self.num_grad_updates,
            "policy_spec": spec.serialize(),
            "connector_configs": {},
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what `get_state` gave; a config in the state replaces this one's."""
        config = (state.get("policy_spec") or {}).get("config")
        if config:
            self.config = config
        self.set_weights(state["weights"])

    def on_global_var_update(self, global_vars: dict[str, Any]) -> None:
        """Take over the time step and the number of updates of the whole training."""
        self.global_timestep = global_vars["timestep"]
        updates = global_vars.get("num_grad_updates")
        if updates is not None:
            self.num_grad_updates = updates

    def apply(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call `func` with this policy."""
        return func(self, *args, **kwargs)

    def get_session(self) -> None:
        """Give the TF1 session: there is none."""

    def get_host(self) -> str:
        """Give the name of this machine."""
        return platform.node()

    def __repr__(self) -> str:
        return type(self).__name__


def _with_batch(value: Any) -> Any:
    return value.unsqueeze(0) if is_torch(value) else np.expand_dims(value, 0)


def _first_row(value: Any) -> Any:
    return value[0]
