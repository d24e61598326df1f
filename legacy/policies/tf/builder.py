"""build_tf_policy: TF policies put together from functions; they run eagerly."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import gymnasium as gym

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.policies.builder import add_mixins, completed_config
from rlmigrate.legacy.policies.tf.eager_tf_policy_v2 import EagerTFPolicyV2

Fn = Callable[..., Any]

# Functions that get the policy first, and the hook that each of them becomes.
_HOOKS = {
    "stats_fn": "stats_fn",
    "grad_stats_fn": "grad_stats_fn",
    "extra_action_out_fn": "extra_action_out_fn",
    "extra_learn_fetches_fn": "extra_learn_fetches_fn",
    "validate_spaces": "validate_spaces",
    "action_sampler_fn": "action_sampler_fn",
    "action_distribution_fn": "action_distribution_fn",
    "get_batch_divisibility_req": "get_batch_divisibility_req",
    "loss_fn": "loss",
    "postprocess_fn": "postprocess_trajectory",
}
# Hooks whose function takes the policy and its config, or spaces too.
_OTHERS = (
    "get_default_config",
    "optimizer_fn",
    "compute_gradients_fn",
    "apply_gradients_fn",
    "before_init",
    "before_loss_init",
    "after_init",
    "make_model",
)
# What releases before 1.4 called two of them.
_RENAMED = {
    "extra_action_fetches_fn": "extra_action_out_fn",
    "gradients_fn": "compute_gradients_fn",
}


def build_tf_policy(
    name: str, *, loss_fn: Fn | None = None, mixins: list[type] | None = None, **functions: Any
) -> Any:
    """Build an EagerTFPolicyV2 subclass; each function gets the policy as its first argument.

    The class has `with_updates(**functions)`, and `as_eager()` gives the class itself, as there is
    no static graph. `obs_include_prev_action_reward` is ignored: models say what they see.
    Raises LegacyError for an unknown function.
    """
    given: dict[str, Any] = {"loss_fn": loss_fn}
    given |= {_RENAMED.get(argument, argument): it for argument, it in functions.items()}
    given.pop("obs_include_prev_action_reward", None)
    unknown = sorted(given.keys() - _HOOKS.keys() - set(_OTHERS))
    if unknown:
        raise LegacyError(
            f"build_tf_policy({name!r}): {unknown} not known; expected some of "
            f"{sorted([*_HOOKS, *_OTHERS])}"
        )
    get = given.get
    base: Any = add_mixins(EagerTFPolicyV2, mixins)

    def construct(
        self: Any, obs_space: gym.Space[Any], action_space: gym.Space[Any], config: dict[str, Any]
    ) -> None:
        config = completed_config(config, get("get_default_config"))
        config["framework"] = "tf2"
        self.config = config
        arguments = (obs_space, action_space, config)
        _call(get("before_init"), self, *arguments)
        EagerTFPolicyV2.__init__(self, *arguments)
        _call(get("before_loss_init"), self, *arguments)
        self.maybe_initialize_optimizer_and_loss()
        _call(get("after_init"), self, *arguments)
        self.global_timestep = 0

    body: dict[str, Any] = {
        "__doc__": "A policy put together from functions.",
        "__module__": __name__,
        "__init__": construct,
    }
    for argument, hook in _HOOKS.items():
        if get(argument) is not None:
            body[hook] = _method(get(argument))
    if takes_input_dict(get("action_distribution_fn")):
        body["distribution_takes_input_dict"] = True
    if get("make_model"):
        body["make_model"] = lambda self: given["make_model"](
            self, self.observation_space, self.action_space, self.config
        )
    if get("optimizer_fn"):
        body["optimizer"] = lambda self: given["optimizer_fn"](self, self.config)
    for hook in ("compute_gradients_fn", "apply_gradients_fn"):
        if get(hook):
            body[hook] = _method(given[hook])
    built: Any = type(name, (base,), body)
    built.with_updates = staticmethod(
        lambda **changes: build_tf_policy(**{"name": name, "mixins": mixins, **given, **changes})
    )
    built.as_eager = classmethod(lambda cls: cls)
    return built


def takes_input_dict(function: Fn | None) -> bool:
    """Tell an action_distribution_fn that gets the whole input and not its observations only."""
    return function is not None and "input_dict" in inspect.signature(function).parameters


def _method(function: Any) -> Any:
    # Not the function itself: hooks are told apart from the base's by their identity.
    if not callable(function):
        return lambda self: function
    return lambda self, *args, **kwargs: function(self, *args, **kwargs)


def _call(function: Fn | None, *arguments: Any) -> None:
    if function is not None:
        function(*arguments)
