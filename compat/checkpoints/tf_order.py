"""Weights of TF policies of DQN and SAC, in the order in which TF lists a net's variables.

TF2 saves a list, a static graph names that tell little; both keep this order. The layers are those
of the old stack's torch net for the policy's config, which is built, walked and compared.

in_torch_terms    names and layouts as torch's net has them
in_torch_layout   one layer
target_entropy    the number that SAC's TF model keeps outside of its variables
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.compat.checkpoints.building import build_module
from rlmigrate.compat.checkpoints.off_policy import is_dqn, is_sac, wrapped_dqn, wrapped_sac
from rlmigrate.compat.checkpoints.reading import OldPolicy
from rlmigrate.compat.checkpoints.tf_layers import Misfit, dqn_layers, leaves, sac_layers

Array = np.ndarray[Any, Any]
_NOISY = ("sigma_w", "sigma_b", "w", "b")


def in_torch_terms(policy: OldPolicy) -> dict[str, Array] | None:
    """Return the weights of a default net of DQN or SAC under torch's names.

    Value heads, which neither uses and which are others in torch's nets, come out as zeros where
    they do not fit. None if the policy is neither algorithm's. Raises Misfit.
    """
    if policy.observation_space is None or not (is_dqn(policy) or is_sac(policy)):
        return None
    sac = is_sac(policy)
    arrays = _Arrays(policy.weights, sac)
    if not sac and _folds(policy):
        found = _folded(policy, arrays)
    else:
        model = _torch_model(policy)
        layers = sac_layers(model) if sac else dqn_layers(model)
        found = _taken(arrays, layers, model.state_dict(keep_vars=True))
        if sac:
            found["log_alpha"] = arrays.take("log_alpha", 1).reshape(1)
            found["target_entropy"] = target_entropy(policy)
    arrays.check_all_taken()
    return found


def target_entropy(policy: OldPolicy) -> Array:
    """Give the target entropy that the config names, or SAC's own for the action space."""
    given: Any = policy.config.get("target_entropy")
    actions: Any = policy.action_space
    if given is None or given == "auto":
        discrete = isinstance(actions, gym.spaces.Discrete)
        given = 0.98 * math.log(int(actions.n)) if discrete else -math.prod(actions.shape or ())
    return np.array([given], np.float32)


def in_torch_layout(kernel: Array, bias: Array, name: str) -> dict[str, Array]:
    """Return a dense or convolutional layer as torch has it."""
    axes = (3, 2, 0, 1) if kernel.ndim == 4 else (1, 0)
    weight = np.ascontiguousarray(kernel.transpose(axes))
    return {f"{name}.weight": weight, f"{name}.bias": bias}


class _Arrays:
    """The arrays of a policy, to be taken one after the other."""

    def __init__(self, weights: Mapping[str, Array], sac: bool) -> None:
        self._arrays = list(weights.values())
        half = self._arrays[: len(self._arrays) // 2]
        # Ray 1.x wrote the target nets behind the others. SAC's nets end in alpha.
        repeats = [each.shape for each in self._arrays] == [each.shape for each in half] * 2
        if repeats and (not sac or half[-1].size == 1):
            self._arrays = half
        self._at = 0

    def take(self, layer: str, ndim: int) -> Array:
        """Return the next array; of `ndim` dimensions, or a scalar for 1."""
        if self._at == len(self._arrays):
            raise Misfit(f"there are {self._at} arrays of weights, and none for {layer}")
        found = self._arrays[self._at]
        if found.ndim != ndim and not (ndim == 1 and found.size == 1):
            raise Misfit(f"array {self._at} has shape {found.shape}, which does not fit {layer}")
        self._at += 1
        return found

    def check_all_taken(self) -> None:
        if left := len(self._arrays) - self._at:
            raise Misfit(f"{left} of {len(self._arrays)} arrays of weights belong to no layer")


def _torch_model(policy: OldPolicy) -> Any:
    plan = wrapped_sac(policy, "") if is_sac(policy) else wrapped_dqn(policy, "")
    if plan.kind != "wrapped":
        raise Misfit("; ".join(plan.notes))
    module: Any = build_module(policy, plan, None)
    return module.legacy_model


def _taken(arrays: _Arrays, layers: list[str], state: Mapping[str, Any]) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for layer in layers:
        if f"{layer}.sigma_w" in state:
            new = {
                f"{layer}.{part}": arrays.take(layer, 2 - at % 2) for at, part in enumerate(_NOISY)
            }
        elif f"{layer}.weight" in state:
            rank = state[f"{layer}.weight"].ndim
            unused = "_value_branch" in layer
            kernel = arrays.take(layer, rank)
            new = in_torch_layout(kernel, arrays.take(layer, 1), layer)
            weight = new[f"{layer}.weight"]
            if unused and weight.shape != state[f"{layer}.weight"].shape:
                new[f"{layer}.weight"] = np.zeros(state[f"{layer}.weight"].shape, np.float32)
        else:
            raise Misfit(f"{layer} has no known layout")
        for name, value in new.items():
            if value.shape != tuple(state[name].shape):
                raise Misfit(
                    f"{layer} has shape {tuple(state[name].shape)} in the net of the config, and "
                    f"{value.shape} in the checkpoint"
                )
        found |= new
    owners = {value.data_ptr(): name for name, value in state.items() if name in found}
    for name, value in state.items():  # parts that stand under two names
        if name not in found and value.data_ptr() in owners:
            found[name] = found[owners[value.data_ptr()]]
    return found


# ---- DQN's heads without hidden layers


def _folds(policy: OldPolicy) -> bool:
    config = policy.config
    return bool(config["dueling"] and not config["hiddens"] and not config.get("noisy"))


def _folded(policy: OldPolicy, arrays: _Arrays) -> dict[str, Array]:
    """Fold TF's state value, a layer behind the advantages, into one beside them.

    Torch's old net takes the advantages themselves for the state value.
    """
    plain = replace(policy, config={**policy.config, "dueling": False})
    model = _torch_model(plain)
    found = _taken(arrays, dqn_layers(model), model.state_dict(keep_vars=True))
    kernel, bias = arrays.take("the state value", 2), arrays.take("the state value", 1)
    scores = next(iter(leaves(model, "_logits")), "")
    weight, offset = found.pop(f"{scores}.weight", None), found.pop(f"{scores}.bias", None)
    if weight is None or offset is None or weight.ndim != 2 or kernel.shape != (len(weight), 1):
        raise Misfit("behind images, the state value of hiddens=[] has no counterpart in torch")
    head = "value_module.V._model.0"
    return {
        **found,
        "advantage_module.A._model.0.weight": weight,
        "advantage_module.A._model.0.bias": offset,
        f"{head}.weight": kernel.T @ weight,
        f"{head}.bias": offset @ kernel + bias,
    }
