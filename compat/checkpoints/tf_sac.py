"""Weights of SAC's default nets as a TF2 policy saved them: a list, net after net.

sac_in_torch_terms   name and lay them out as torch's nets do
target_entropy       the number that TF's model keeps outside of its variables
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.compat.checkpoints.reading import OldPolicy
from rlmigrate.compat.checkpoints.tf_dqn import Array, in_torch_layout

_SETTINGS = {"twin_q", "policy_model_config", "q_model_config"}


def sac_in_torch_terms(policy: OldPolicy) -> dict[str, Array] | None:
    """Return the weights of dense SAC nets under torch's names, kernels transposed.

    The target entropy, which TF's model holds as a number, is that of the config. None where the
    policy is no SAC's, or has other layers than its config says.
    """
    if not set(policy.config) >= _SETTINGS or policy.observation_space is None:
        return None
    arrays = list(policy.weights.values())
    layers = list(_layers(policy))
    if len(arrays) != 2 * len(layers) + 1 or arrays[-1].size != 1:
        return None
    found = in_torch_layout([name for name, _, _ in layers], arrays[:-1])
    if found is None:
        return None
    for name, inputs, outputs in layers:
        if found[f"{name}._model.0.weight"].shape != (outputs, inputs):
            return None
    found["log_alpha"] = arrays[-1].reshape(1)
    found["target_entropy"] = target_entropy(policy)
    return found


def _layers(policy: OldPolicy) -> Iterator[tuple[str, int, int]]:
    """Name the layers in the order in which TF makes them, with their sizes in and out."""
    config = policy.config
    actions: Any = policy.action_space
    observed = math.prod(_shape(policy.observation_space))
    n = int(actions.n) if isinstance(actions, gym.spaces.Discrete) else 0
    acted = math.prod(_shape(actions))
    nets = [("action_model", "policy_model_config", observed, n or 2 * acted)]
    critics = ["q_net", "twin_q_net"] if config["twin_q"] else ["q_net"]
    width = observed if n else observed + acted
    nets += [(critic, "q_model_config", width, n or 1) for critic in critics]
    for net, key, inputs, outputs in nets:
        merged: Mapping[str, Any] = {**policy.model_config, **(config[key] or {})}
        for number, size in enumerate(merged.get("fcnet_hiddens", ())):
            yield f"{net}._hidden_layers.{number}", inputs, int(size)
            inputs = int(size)
        yield f"{net}._logits", inputs, outputs
        yield f"{net}._value_branch", inputs, 1


def _shape(space: Any) -> tuple[int, ...]:
    return tuple(space.shape or ())


def target_entropy(policy: OldPolicy) -> Array:
    """Give the target entropy that the config names, or SAC's own for the action space."""
    given: Any = policy.config.get("target_entropy")
    actions: Any = policy.action_space
    if given is None or given == "auto":
        discrete = isinstance(actions, gym.spaces.Discrete)
        given = 0.98 * math.log(int(actions.n)) if discrete else -math.prod(_shape(actions))
    return np.array([given], np.float32)
