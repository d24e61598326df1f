"""TorchPolicyV2: a policy whose parts are methods to be overridden."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.catalog.catalog import ModelCatalog
from rlmigrate.legacy.catalog.defaults import MODEL_DEFAULTS
from rlmigrate.legacy.policies.policy import Policy, PolicyConfig
from rlmigrate.legacy.policies.torch_base import TorchPolicyBase
from rlmigrate.legacy.types import Tensor, TensorStruct
from rlmigrate.legacy.utils.annotations import overridden_in


class TorchPolicyV2(TorchPolicyBase):
    """Override `make_model`, `loss` and the other hooks.

    A hook counts as overridden if the subclass brings a method of that name, decorated or not;
    RLlib ignores overrides of `make_model` and others that carry
    `@OverrideToImplementCustomLogic`.
    """

    def __init__(
        self,
        observation_space: gym.Space[Any],
        action_space: gym.Space[Any],
        config: PolicyConfig,
        *,
        max_seq_len: int = 20,
    ) -> None:
        self.framework = config["framework"] = "torch"
        config["model"] = {**MODEL_DEFAULTS, **(config.get("model") or {})}
        for key, default in (("explore", True), ("normalize_actions", True), ("lr", 0.001)):
            # Not setdefault(): Ray's own AlgorithmConfig, which may be given, has none.
            if key not in config:
                config[key] = default
        self._loss_initialized = False
        # Not super(): a mixin that follows in the bases is set up by the user's constructor.
        Policy.__init__(self, observation_space, action_space, config)
        model, dist_class = self._init_model_and_dist_class()
        self._setup(model, dist_class, max_seq_len)

    def _overrides(self, name: str) -> bool:
        return name in self.__dict__ or overridden_in(type(self), TorchPolicyV2, name)

    def loss_initialized(self) -> bool:
        """Tell whether the loss ran on a dummy batch."""
        return self._loss_initialized

    # Hooks.

    def make_model(self) -> Any:
        """Build the model; the distribution comes from the catalog."""
        return None

    def make_model_and_action_dist(self) -> tuple[Any, Any]:
        """Build the model, and give the distribution class for it."""
        return None, None

    def make_rl_module(self) -> Any:
        """Build an RLModule instead of a model, as in Ray 2.5 to 2.9."""
        return None

    def action_sampler_fn(
        self, model: Any, *, obs_batch: TensorStruct, state_batches: TensorStruct, **kwargs: Any
    ) -> tuple[Any, Any, Any, Any]:
        """Give actions, log-probabilities, distribution inputs and new states.

        kwargs: explore, timestep. The exploration is not used.
        """
        return None, None, None, None

    def action_distribution_fn(
        self, model: Any, *, obs_batch: TensorStruct, state_batches: TensorStruct, **kwargs: Any
    ) -> tuple[Any, Any, Any]:
        """Give distribution inputs, the distribution class and new states.

        obs_batch: the whole input dict. kwargs: seq_lens, explore, timestep, is_training.
        """
        return None, None, None

    def get_batch_divisibility_req(self) -> int:
        """Give the number by which batch sizes must be divisible."""
        return 1

    def stats_fn(self, train_batch: Any) -> dict[str, Tensor]:
        """Give statistics of a learning step."""
        return {}

    def loss(self, model: Any, dist_class: Any, train_batch: Any) -> Any:
        """Compute the loss, or one per optimizer."""
        raise NotImplementedError(f"{type(self).__name__} must implement loss()")

    def _init_model_and_dist_class(self) -> tuple[Any, Any]:
        own_model = self._overrides("make_model")
        own_both = self._overrides("make_model_and_action_dist")
        if own_model and own_both:
            raise LegacyError(
                f"{type(self).__name__} overrides make_model and make_model_and_action_dist; "
                "only one of them can be used"
            )
        module = self.make_rl_module() or _module_from_config(self)
        if module is not None:
            return module, None
        if own_both:
            return self.make_model_and_action_dist()
        dist_class, size = ModelCatalog.get_action_dist(
            self.action_space, self.config["model"], framework="torch"
        )
        if own_model:
            return self.make_model(), dist_class
        model = ModelCatalog.get_model_v2(
            obs_space=self.observation_space,
            action_space=self.action_space,
            num_outputs=size,
            model_config=self.config["model"],
            framework="torch",
        )
        return model, dist_class

    # What the base asks for.

    def _sampler(self) -> Any:
        return self.action_sampler_fn if self._overrides("action_sampler_fn") else None

    def _distribution(
        self, input_dict: Any, states: list[Any], seq_lens: Tensor, **kwargs: Any
    ) -> tuple[Tensor, Any, list[Any]] | None:
        if not self._overrides("action_distribution_fn"):
            return None
        return self.action_distribution_fn(
            self.model, obs_batch=input_dict, state_batches=states, seq_lens=seq_lens, **kwargs
        )

    def _batch_divisibility(self) -> int:
        return self.get_batch_divisibility_req()

    def _stats(self, train_batch: Any) -> dict[str, Any]:
        return self.stats_fn(train_batch)

    def _dummy_loss(self) -> Any:
        if not overridden_in(type(self), TorchPolicyV2, "loss"):
            return None
        return lambda batch: self.loss(self.model, self.dist_class, batch)

    def _dummy_stats(self) -> Any:
        return None if self.config.get("in_evaluation") else self.stats_fn


def _module_from_config(policy: Policy) -> Any:
    """Build the module of `config["rl_module_spec"]` if the config enables RLModules."""
    config = policy.config
    spec = config.get("_rl_module_spec") or config.get("rl_module_spec")
    switches = ("_enable_rl_module_api", "_enable_new_api_stack", "enable_rl_module_and_learner")
    if spec is None or not any(config.get(key) is True for key in switches):
        return None
    if getattr(spec, "observation_space", None) is None:
        spec.observation_space = policy.observation_space
    if getattr(spec, "action_space", None) is None:
        spec.action_space = policy.action_space
    return spec.build()
