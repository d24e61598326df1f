"""TorchPolicy: a policy put together from functions, as Ray had it before TorchPolicyV2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym

from rlmigrate.legacy.batches import SampleBatch
from rlmigrate.legacy.policies.policy import Policy, PolicyConfig
from rlmigrate.legacy.policies.torch_base import TorchPolicyBase
from rlmigrate.legacy.types import Tensor
from rlmigrate.legacy.utils.annotations import overridden_in

Fn = Callable[..., Any]


class TorchPolicy(TorchPolicyBase):
    """A policy with the model, distribution class and functions it is given.

    loss(policy, model, dist_class, train_batch); action_sampler_fn(policy, model, input_dict,
    states, explore, timestep) gives actions, logp, (dist_inputs,) states;
    action_distribution_fn(policy, model, input_dict=..., ...) gives inputs, class, states.
    """

    def __init__(
        self,
        observation_space: gym.Space[Any],
        action_space: gym.Space[Any],
        config: PolicyConfig,
        *,
        model: Any,
        loss: Fn | None = None,
        action_distribution_class: Any = None,
        action_sampler_fn: Fn | None = None,
        action_distribution_fn: Fn | None = None,
        max_seq_len: int = 20,
        get_batch_divisibility_req: Any = None,
    ) -> None:
        self.framework = config["framework"] = "torch"
        for key, default in (("explore", True), ("normalize_actions", True), ("lr", 0.001)):
            # Not setdefault(): Ray's own AlgorithmConfig, which may be given, has none.
            if key not in config:
                config[key] = default
        self.action_sampler_fn = action_sampler_fn
        self.action_distribution_fn = action_distribution_fn
        self._divisibility: Any = get_batch_divisibility_req or 1
        self._given_loss = loss
        # Not super(): a mixin that follows in the bases is set up by its own function.
        Policy.__init__(self, observation_space, action_space, config)
        self._setup(model, action_distribution_class, max_seq_len)
        self._loss = loss

    def extra_grad_info(self, train_batch: Any) -> dict[str, Any]:
        """Give statistics of a learning step."""
        return {}

    def _sampler(self) -> Fn | None:
        sample = self.action_sampler_fn
        if sample is None:
            return None

        def sampled(model: Any, *, obs_batch: Any, state_batches: Any, **kwargs: Any) -> Any:
            out = sample(self, model, obs_batch, state_batches, **kwargs)
            # Three values in Ray 1.x: there are no distribution inputs.
            return out if len(out) == 4 else (out[0], out[1], None, out[2])

        return sampled

    def _distribution(
        self, input_dict: Any, states: list[Any], seq_lens: Tensor, **kwargs: Any
    ) -> tuple[Tensor, Any, list[Any]] | None:
        given: Any = self.action_distribution_fn
        if given is None:
            return None
        try:
            return given(  # type: ignore[no-any-return]
                self,
                self.model,
                input_dict=input_dict,
                state_batches=states,
                seq_lens=seq_lens,
                **kwargs,
            )
        except TypeError as error:
            text = str(error)
            if "positional argument" not in text and "unexpected keyword argument" not in text:
                raise
            # The signature of Ray 0.8: the observations alone.
            return given(self, self.model, input_dict[SampleBatch.OBS], **kwargs)  # type: ignore[no-any-return]

    def _batch_divisibility(self) -> int:
        given: Any = self._divisibility
        req: Any = given(self) if callable(given) else given
        return int(req)

    def _losses(self, model: Any, train_batch: SampleBatch) -> Any:
        if self._loss is not None:
            return self._loss(self, model, self.dist_class, train_batch)
        return self.loss(model, self.dist_class, train_batch)

    def _stats(self, train_batch: Any) -> dict[str, Any]:
        return self.extra_grad_info(train_batch)

    def _dummy_loss(self) -> Any:
        if self._loss is None and not overridden_in(type(self), TorchPolicy, "loss"):
            return None
        return lambda batch: self._losses(self.model, batch)
