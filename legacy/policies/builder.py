"""Policies put together from functions: build_policy_class and build_torch_policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import torch

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.catalog.catalog import ModelCatalog
from rlmigrate.legacy.catalog.defaults import MODEL_DEFAULTS
from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2
from rlmigrate.legacy.policies.torch_learning import LEARNER_STATS_KEY
from rlmigrate.legacy.policies.torch_policy import TorchPolicy
from rlmigrate.legacy.utils.numpy import convert_to_numpy

Fn = Callable[..., Any]


def add_mixins(base: type, mixins: list[type] | None) -> type:
    """Put mixins before a base class; the last one comes first."""
    for mixin in mixins or []:
        base = type("MixinBase", (mixin, base), {})
    return base


def build_policy_class(
    name: str,
    framework: str,
    *,
    loss_fn: Fn | None,
    get_default_config: Fn | None = None,
    stats_fn: Fn | None = None,
    postprocess_fn: Fn | None = None,
    extra_action_out_fn: Fn | None = None,
    extra_grad_process_fn: Fn | None = None,
    extra_learn_fetches_fn: Fn | None = None,
    optimizer_fn: Fn | None = None,
    validate_spaces: Fn | None = None,
    before_init: Fn | None = None,
    before_loss_init: Fn | None = None,
    after_init: Fn | None = None,
    _after_loss_init: Fn | None = None,
    action_sampler_fn: Fn | None = None,
    action_distribution_fn: Fn | None = None,
    make_model: Fn | None = None,
    make_model_and_action_dist: Fn | None = None,
    compute_gradients_fn: Fn | None = None,
    apply_gradients_fn: Fn | None = None,
    mixins: list[type] | None = None,
    get_batch_divisibility_req: Any = None,
) -> Any:
    """Build a TorchPolicy subclass; each function gets the policy as its first argument.

    The class has `with_updates(**functions)`, which builds another one with some replaced.
    Raises LegacyError for another framework than torch.
    """
    given = dict(locals())
    if framework != "torch":
        raise LegacyError(
            f"build_policy_class({name!r}): framework is {framework!r}, expected 'torch'"
        )
    if make_model and make_model_and_action_dist:
        raise LegacyError(
            f"build_policy_class({name!r}): give make_model or make_model_and_action_dist, not both"
        )
    base: Any = add_mixins(TorchPolicy, mixins)

    class BuiltPolicy(base):  # type: ignore[misc]
        """A policy put together from functions."""

        def __init__(
            self, obs_space: gym.Space[Any], action_space: gym.Space[Any], config: dict[str, Any]
        ) -> None:
            self.config = config = completed_config(config, get_default_config)
            self.framework = config["framework"] = framework
            spaces = (obs_space, action_space)
            for prepare in (validate_spaces, before_init):
                if prepare:
                    prepare(self, *spaces, config)
            self.model, dist_class = self._build(*spaces, config)
            evaluating = config.get("in_evaluation")
            TorchPolicy.__init__(
                self,
                *spaces,
                config,
                model=self.model,
                loss=None if evaluating else loss_fn,
                action_distribution_class=dist_class,
                action_sampler_fn=action_sampler_fn,
                action_distribution_fn=action_distribution_fn,
                max_seq_len=config["model"]["max_seq_len"],
                get_batch_divisibility_req=get_batch_divisibility_req,
            )
            prepare = before_loss_init or after_init
            if prepare:
                prepare(self, *spaces, config)
            self._initialize_loss_from_dummy_batch(stats_fn=None if evaluating else stats_fn)
            if _after_loss_init:
                _after_loss_init(self, *spaces, config)
            self.global_timestep = 0

        def _build(
            self, obs_space: gym.Space[Any], action_space: gym.Space[Any], config: dict[str, Any]
        ) -> tuple[Any, Any]:
            if make_model_and_action_dist:
                model, dist_class = make_model_and_action_dist(
                    self, obs_space, action_space, config
                )
            else:
                dist_class, size = ModelCatalog.get_action_dist(
                    action_space, config["model"], framework=framework
                )
                if make_model:
                    model = make_model(self, obs_space, action_space, config)
                else:
                    model = ModelCatalog.get_model_v2(
                        obs_space, action_space, size, config["model"], framework=framework
                    )
            if not isinstance(model, TorchModelV2):
                raise LegacyError(
                    f"{name}: the model is a {type(model).__name__}, expected a TorchModelV2"
                )
            return model, dist_class

        def postprocess_trajectory(
            self, sample_batch: Any, other_agent_batches: Any = None, episode: Any = None
        ) -> Any:
            """Run the mixins' postprocessing, then the function's."""
            args = (other_agent_batches, episode)
            with torch.no_grad():
                sample_batch = super().postprocess_trajectory(sample_batch, *args)
                if postprocess_fn:
                    return postprocess_fn(self, sample_batch, *args)
                return sample_batch

        def extra_grad_process(self, optimizer: Any, loss: Any) -> Any:
            """Run the function, or nothing."""
            if extra_grad_process_fn:
                return extra_grad_process_fn(self, optimizer, loss)
            return TorchPolicy.extra_grad_process(self, optimizer, loss)

        def extra_compute_grad_fetches(self) -> dict[str, Any]:
            """Add what the function gives."""
            if not extra_learn_fetches_fn:
                return TorchPolicy.extra_compute_grad_fetches(self)
            return {LEARNER_STATS_KEY: {}, **convert_to_numpy(extra_learn_fetches_fn(self))}

        def compute_gradients(self, postprocessed_batch: Any) -> Any:
            """Run the function, or compute the loss's gradients."""
            if compute_gradients_fn:
                return compute_gradients_fn(self, postprocessed_batch)
            return TorchPolicy.compute_gradients(self, postprocessed_batch)

        def apply_gradients(self, gradients: Any) -> None:
            """Run the function, or let the optimizers step."""
            if apply_gradients_fn:
                apply_gradients_fn(self, gradients)
            else:
                TorchPolicy.apply_gradients(self, gradients)

        def extra_action_out(
            self, input_dict: Any, state_batches: Any, model: Any, action_dist: Any
        ) -> dict[str, Any]:
            """Run the function, or give nothing."""
            if not extra_action_out_fn:
                return {}
            with torch.no_grad():
                out = extra_action_out_fn(self, input_dict, state_batches, model, action_dist)
                return convert_to_numpy(out)  # type: ignore[no-any-return]

        def optimizer(self) -> Any:
            """Run the function, or make Adam."""
            if optimizer_fn:
                return optimizer_fn(self, self.config)
            return TorchPolicy.optimizer(self)

        def extra_grad_info(self, train_batch: Any) -> dict[str, Any]:
            """Run the function for statistics."""
            if not stats_fn:
                return {}
            with torch.no_grad():
                return convert_to_numpy(stats_fn(self, train_batch))  # type: ignore[no-any-return]

    def with_updates(**overrides: Any) -> Any:
        return build_policy_class(**{**given, **overrides})

    BuiltPolicy.with_updates = staticmethod(with_updates)
    BuiltPolicy.__name__ = BuiltPolicy.__qualname__ = name
    return BuiltPolicy


def build_torch_policy(name: str, *, loss_fn: Fn | None, **functions: Any) -> Any:
    """Build a torch policy class; see `build_policy_class` (the name of Ray 0.8 to 1.x)."""
    return build_policy_class(name, "torch", loss_fn=loss_fn, **functions)


def completed_config(config: dict[str, Any], get_default_config: Fn | None) -> dict[str, Any]:
    """Fill a config up with a policy's own defaults, the model's and those of exploration."""
    defaults: Any = get_default_config() if get_default_config else {}
    defaults = defaults.to_dict() if hasattr(defaults, "to_dict") else dict(defaults)
    model = {**MODEL_DEFAULTS, **(defaults.get("model") or {}), **(config.get("model") or {})}
    merged = {**defaults, **config, "model": model}
    if not merged.get("exploration_config"):
        merged["exploration_config"] = defaults.get("_prior_exploration_config") or {
            "type": "StochasticSampling"
        }
    return merged
