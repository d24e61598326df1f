"""Noise on the model's weights instead of its actions, one draw an episode; in torch."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.batches import SampleBatch
from rlmigrate.legacy.distributions import TorchCategorical, TorchDeterministic
from rlmigrate.legacy.exploration.base import Exploration
from rlmigrate.legacy.types import Tensor, TensorStruct
from rlmigrate.legacy.utils.numpy import SMALL_NUMBER, softmax


class ParameterNoise(Exploration):
    """Act with noisy weights, and adapt the noise so that actions change as much as is wanted.

    sub_exploration: what chooses actions with those weights; by default EpsilonGreedy for Discrete
    and OrnsteinUhlenbeckNoise for Box, both random for the first `random_timesteps`.
    Layer normalisation is left alone.
    """

    def __init__(
        self,
        action_space: gym.Space[Any],
        *,
        framework: str,
        policy_config: dict[str, Any],
        model: Any,
        initial_stddev: float = 1.0,
        random_timesteps: int = 10000,
        sub_exploration: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if framework != "torch":
            raise LegacyError(f"ParameterNoise: framework is {framework!r}, only 'torch' is served")
        super().__init__(
            action_space, framework=framework, policy_config=policy_config, model=model, **kwargs
        )
        from rlmigrate.legacy.exploration.create import create_exploration

        self.stddev = self.stddev_val = initial_stddev
        self.model_variables = [
            variable
            for name, variable in model.trainable_variables(as_dict=True).items()
            if "LayerNorm" not in name
        ]
        self.noise = [torch.zeros_like(v, requires_grad=False) for v in self.model_variables]
        self.weights_are_currently_noisy = False
        self.episode_started = False
        self.sub_exploration = create_exploration(
            sub_exploration or _default_for(action_space, random_timesteps),
            framework=framework,
            action_space=action_space,
            policy_config=policy_config,
            model=model,
            **kwargs,
        )

    def before_compute_actions(
        self, *, timestep: Any = None, explore: Any = None, tf_sess: Any = None, **kwargs: Any
    ) -> None:
        """Draw noise at the start of an episode; put it on the weights, or take it off."""
        noisy: bool = self.policy_config["explore"] if explore is None else explore
        if self.episode_started:
            if noisy and self.weights_are_currently_noisy:
                self._shift(-1)
            self.noise = [
                torch.normal(mean=torch.zeros(noise.size()), std=self.stddev).to(self.device)
                for noise in self.noise
            ]
            if noisy:
                self._shift(1)
            self.episode_started = False
        if noisy != self.weights_are_currently_noisy:
            self._shift(1 if noisy else -1)

    def get_exploration_action(
        self, *, action_distribution: Any, timestep: Any, explore: bool = True
    ) -> tuple[TensorStruct, Tensor]:
        """Let the other exploration choose."""
        return self.sub_exploration.get_exploration_action(
            action_distribution=action_distribution, timestep=timestep, explore=explore
        )

    def on_episode_start(self, policy: Any, **kwargs: Any) -> None:
        """Draw new noise before the next action."""
        self.episode_started = True

    def on_episode_end(self, policy: Any, **kwargs: Any) -> None:
        """Take the noise off."""
        if self.weights_are_currently_noisy:
            self._shift(-1)

    def postprocess_trajectory(self, policy: Any, sample_batch: Any, tf_sess: Any = None) -> Any:
        """Compare the outputs with and without noise, and change the noise by a percent."""
        outputs = {}
        was_noisy = self.weights_are_currently_noisy
        for noisy in (was_noisy, not was_noisy):
            _, _, fetches = policy.compute_actions_from_input_dict(sample_batch, explore=noisy)
            outputs[noisy] = fetches[SampleBatch.ACTION_DIST_INPUTS]
        state = self.sub_exploration.get_state()
        if issubclass(policy.dist_class, TorchCategorical):
            clean, noisy_probs = softmax(outputs[False]), softmax(outputs[True])
            parts = clean * np.log(clean / (noisy_probs + SMALL_NUMBER))
            distance = np.nanmean(np.sum(parts, 1))
            epsilon = state["cur_epsilon"]
            wanted = -np.log(1 - epsilon + epsilon / self.action_space.n)
        elif issubclass(policy.dist_class, TorchDeterministic):
            distance = np.sqrt(np.mean(np.square(outputs[False] - outputs[True])))
            wanted = getattr(self.sub_exploration, "ou_sigma", 0.2) * state["cur_scale"]
        else:
            raise LegacyError(
                f"ParameterNoise: the distribution is a {policy.dist_class.__name__}, expected "
                "TorchCategorical or TorchDeterministic"
            )
        changed = self.stddev_val * 1.01 if distance <= wanted else self.stddev_val / 1.01
        self.set_state({"cur_stddev": changed})
        return sample_batch

    def get_state(self, sess: Any = None) -> dict[str, Any]:
        """Give the noise's standard deviation."""
        return {"cur_stddev": self.stddev_val}

    def set_state(self, state: dict[str, Any], sess: Any = None) -> None:
        """Restore it."""
        self.stddev = self.stddev_val = state["cur_stddev"]

    def _shift(self, sign: int) -> None:
        with torch.no_grad():
            for variable, noise in zip(self.model_variables, self.noise, strict=True):
                variable.add_(sign * noise)
        self.weights_are_currently_noisy = sign > 0


def _default_for(action_space: Any, random_timesteps: int) -> dict[str, Any]:
    if isinstance(action_space, gym.spaces.Discrete):
        points = [(0, 1.0), (random_timesteps + 1, 1.0), (random_timesteps + 2, 0.01)]
        schedule = {"type": "PiecewiseSchedule", "endpoints": points, "outside_value": 0.01}
        return {"type": "EpsilonGreedy", "epsilon_schedule": schedule}
    if isinstance(action_space, gym.spaces.Box):
        return {"type": "OrnsteinUhlenbeckNoise", "random_timesteps": random_timesteps}
    raise LegacyError(f"ParameterNoise: no sub_exploration for {action_space}; give one")
