"""Actions of a policy that holds an RLModule, as Ray 2.5 to 2.9 computed them."""

from __future__ import annotations

from typing import Any

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.batches import SampleBatch
from rlmigrate.legacy.policies.policy import ActionsOut
from rlmigrate.legacy.types import Tensor


def is_rl_module(model: Any) -> bool:
    """Tell whether the model is an RLModule, of whatever stack."""
    return hasattr(model, "forward_exploration") and hasattr(model, "forward_inference")


def actions_from_module(
    module: Any, batch: SampleBatch, states: list[Any], explore: bool
) -> ActionsOut:
    """Run forward_exploration or forward_inference, and sample if it gives no actions.

    Given `actions` are taken as they are. With a distribution, from `action_dist_inputs` or
    `action_dist` (Ray 2.3 and 2.4), the log-probability of the actions is added; it is the one
    under the deterministic distribution, 0, when not exploring.
    """
    if states and "state_in" not in batch:
        batch["state_in"] = states[0] if len(states) == 1 else states
    forward = module.forward_exploration if explore else module.forward_inference
    out = dict(forward(batch))
    state_out = out.pop("state_out", [])
    dist = _distribution(module, out, explore)
    actions = out.pop("actions", None)
    if actions is None:
        if dist is None:
            raise LegacyError(
                f"{type(module).__name__}.{forward.__name__}() gives {sorted(out)}; "
                "expected 'actions' or 'action_dist_inputs'"
            )
        actions = dist.sample() if explore else _likeliest(dist)
    if dist is not None and SampleBatch.ACTION_LOGP not in out:
        logp = dist.log_prob(actions) if not hasattr(dist, "logp") else dist.logp(actions)
        out[SampleBatch.ACTION_LOGP] = logp if explore else _zeros(logp)
    return actions, state_out, out


def _distribution(module: Any, out: dict[str, Any], explore: bool) -> Any:
    given = out.pop("action_dist", None)
    if given is not None:
        return given
    inputs = out.get(SampleBatch.ACTION_DIST_INPUTS)
    if inputs is None:
        return None
    get = (
        module.get_exploration_action_dist_cls if explore else module.get_inference_action_dist_cls
    )
    return get().from_logits(inputs)


def _likeliest(dist: Any) -> Any:
    if hasattr(dist, "to_deterministic"):
        return dist.to_deterministic().sample()
    # A torch.distributions.Distribution, which the guide of Ray 2.3 returns.
    return dist.mode


def _zeros(logp: Tensor) -> Tensor:
    # [B], whatever the distribution makes of a deterministic action.
    return logp.new_zeros(logp.shape[:1])
