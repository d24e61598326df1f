"""The methods that old policies override, and where their code goes on the new stack.

Hook      one method
HOOKS     all of them, by name
BUILDER   the arguments of `build_policy_class` and `with_updates`
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Hook:
    """One method of a policy; `acts` tells that `wrap_policy` runs it inside an RLModule."""

    name: str
    home: str
    acts: bool = False


_FORWARD = "_forward_exploration() and _forward_inference() of the RLModule"
_LEARNER = "a Learner subclass"

_ALL = (
    Hook("make_model", "setup() of the RLModule", acts=True),
    Hook(
        "make_model_and_action_dist", "setup() and self.action_dist_cls of the RLModule", acts=True
    ),
    Hook("action_distribution_fn", f"{_FORWARD}, returning ACTION_DIST_INPUTS", acts=True),
    Hook("action_sampler_fn", f"{_FORWARD}, returning ACTIONS and ACTION_LOGP", acts=True),
    Hook("compute_actions", f"{_FORWARD}, returning ACTIONS and ACTION_LOGP", acts=True),
    Hook("compute_actions_from_input_dict", f"{_FORWARD}, returning ACTIONS", acts=True),
    Hook("compute_single_action", f"{_FORWARD}, returning ACTIONS", acts=True),
    Hook("compute_log_likelihoods", "_forward_train() and the action distribution", acts=True),
    Hook("extra_action_out", "extra keys returned by _forward_exploration()", acts=True),
    Hook("get_initial_state", "get_initial_state() of the RLModule, as a dict", acts=True),
    Hook("is_recurrent", "is_stateful() of the RLModule", acts=True),
    Hook("num_state_tensors", "get_initial_state() of the RLModule", acts=True),
    Hook("loss", f"compute_loss_for_module() of {_LEARNER}"),
    Hook(
        "postprocess_trajectory", "a learner ConnectorV2 (config.learners(learner_connector=...))"
    ),
    Hook("optimizer", f"configure_optimizers_for_module() of {_LEARNER}"),
    Hook("compute_gradients", f"compute_gradients() of {_LEARNER}"),
    Hook("compute_gradients_fn", f"compute_gradients() of {_LEARNER}"),
    Hook("apply_gradients", f"apply_gradients() of {_LEARNER}"),
    Hook("apply_gradients_fn", f"apply_gradients() of {_LEARNER}"),
    Hook("extra_grad_process", f"postprocess_gradients_for_module() of {_LEARNER}"),
    Hook("learn_on_batch", f"update() of {_LEARNER}"),
    Hook("learn_on_loaded_batch", f"update() of {_LEARNER}"),
    Hook("stats_fn", f"self.metrics.log_dict() in {_LEARNER}"),
    Hook("grad_stats_fn", f"self.metrics.log_dict() in {_LEARNER}"),
    Hook("extra_learn_fetches_fn", f"self.metrics.log_dict() in {_LEARNER}"),
    Hook("extra_grad_info", f"self.metrics.log_dict() in {_LEARNER}"),
    Hook("on_global_var_update", f"after_gradient_based_update() of {_LEARNER}"),
    Hook("get_batch_divisibility_req", "nothing: batches are cut by the Learner"),
)
HOOKS: Mapping[str, Hook] = MappingProxyType({hook.name: hook for hook in _ALL})

#: What a policy without a network defines only because the old base class asks for it.
NO_MEANING = frozenset(
    {"get_weights", "set_weights", "get_state", "set_state", "learn_on_batch", "export_checkpoint"}
    | {"export_model", "import_model_from_h5", "update_target", "is_recurrent", "num_state_tensors"}
)

BUILDER: Mapping[str, str] = MappingProxyType(
    {
        "loss_fn": HOOKS["loss"].home,
        "postprocess_fn": HOOKS["postprocess_trajectory"].home,
        "optimizer_fn": HOOKS["optimizer"].home,
        "stats_fn": HOOKS["stats_fn"].home,
        "grad_stats_fn": HOOKS["stats_fn"].home,
        "extra_learn_fetches_fn": HOOKS["stats_fn"].home,
        "extra_grad_process_fn": HOOKS["extra_grad_process"].home,
        "extra_grad_process_and_td_error_fn": HOOKS["extra_grad_process"].home,
        "gradients_fn": HOOKS["compute_gradients"].home,
        "compute_gradients_fn": HOOKS["compute_gradients"].home,
        "apply_gradients_fn": HOOKS["apply_gradients"].home,
        "extra_action_out_fn": HOOKS["extra_action_out"].home,
        "extra_action_fetches_fn": HOOKS["extra_action_out"].home,
        "action_sampler_fn": HOOKS["action_sampler_fn"].home,
        "action_distribution_fn": HOOKS["action_distribution_fn"].home,
        "make_model": HOOKS["make_model"].home,
        "make_model_and_action_dist": HOOKS["make_model_and_action_dist"].home,
        "before_init": "setup() of the RLModule, or build() of the Learner",
        "before_loss_init": f"build() of {_LEARNER}",
        "after_init": f"build() of {_LEARNER}",
        "mixins": f"methods of {_LEARNER}",
        "get_default_config": "an AlgorithmConfig subclass",
        "view_requirements_fn": "env-to-module and learner connectors",
    }
)
