"""Weights of DQN's and SAC's default nets as static graphs of TF saved them: by variable names.

Names like `default_policy/fc_1_3/kernel` tell the kind of a layer and count on through all nets, in
the order in which they were made; Ray 1.x wrote the target nets behind the others.

of_graph   the policy with names, layouts and settings as torch's nets have them
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.compat.checkpoints.reading import OldPolicy
from rlmigrate.compat.checkpoints.tf_order import Array, in_torch_layout, target_entropy

_COUNT = re.compile(r"(_\d+)+$")


@dataclass(frozen=True)
class _Layer:
    """One layer: `kind` is fc, fc_out, value_out, hidden or dense."""

    kind: str
    kernel: Array
    bias: Array


def of_graph(policy: OldPolicy) -> OldPolicy:
    """Name the weights as torch's nets do, and write the layers' sizes into the config.

    Returns the policy as it is where its nets are no dense ones of DQN or SAC.
    """
    parts = _models(policy.weights)
    if parts is None or policy.observation_space is None:
        return policy
    layers, alphas = parts
    return (_sac(policy, layers, alphas) if alphas else _dqn(policy, layers)) or policy


def _models(weights: Mapping[str, Array]) -> tuple[list[_Layer], list[Array]] | None:
    """List all layers and all alphas in order; None if there is anything else."""
    layers: list[_Layer] = []
    alphas: list[Array] = []
    items = iter(weights.items())
    for name, value in items:
        *_, layer, part = ("", *name.split("/"))
        if _COUNT.sub("", part) == "log_alpha" and value.size == 1:
            alphas.append(value)
            continue
        other, bias = next(items, ("", value))
        kind = _COUNT.sub("", layer)
        whole = part == "kernel" and other == f"{name.removesuffix('kernel')}bias"
        if not whole or value.ndim != 2 or bias.shape != value.shape[1:]:
            return None
        layers.append(_Layer(kind, value, bias))
    return layers, alphas


def _dqn(policy: OldPolicy, layers: list[_Layer]) -> OldPolicy | None:
    """Read features, the unused value, the advantages' head and the value's, if there is one."""
    layers = _without_target(layers)
    kinds = [layer.kind for layer in layers]
    actions: Any = policy.action_space
    if "value_out" not in kinds or not isinstance(actions, gym.spaces.Discrete):
        return None
    at = kinds.index("value_out")
    heads = layers[at + 1 :]
    depth = len(list(takewhile(lambda layer: layer.kind == "hidden", heads)))
    dense = [layer.kind for layer in heads[depth:]]
    dueling = len(dense) == depth + 2
    if not depth or set(kinds[:at]) - {"fc", "fc_out"} or set(dense) != {"dense"}:
        return None
    if len(dense) != (depth + 2 if dueling else 1):
        return None
    atoms, rest = divmod(heads[depth].kernel.shape[1], int(actions.n))
    if rest or (dueling and heads[-1].kernel.shape[1] != atoms):
        return None
    names = [f"_hidden_layers.{number}" for number in range(at)] + ["_value_branch"]
    for module, letter in (("advantage_module", "A"), ("value_module", "V"))[: 1 + dueling]:
        names += [f"{module}.dueling_{letter}_{number}" for number in range(depth)]
        names.append(f"{module}.{letter}")
    if len(names) != len(layers):
        return None
    found = _in_torch_layout(names, layers)
    # TF's value head reads another layer than torch's. DQN never used either.
    width = layers[at - 1].kernel.shape[1]
    found["_value_branch._model.0.weight"] = np.zeros((1, width), np.float32)
    sizes = [int(layer.kernel.shape[1]) for layer in layers]
    model = {**policy.model_config, "fcnet_hiddens": sizes[:at]}
    heads_config = {"hiddens": sizes[at + 1 :][:depth], "dueling": dueling, "num_atoms": atoms}
    return replace(
        policy, weights=found, config={**policy.config, **heads_config, "model": model}, problem=""
    )


def _sac(policy: OldPolicy, layers: list[_Layer], alphas: Sequence[Array]) -> OldPolicy | None:
    """Read the policy's net and one or two critics, each of which ends with a value."""
    nets: list[list[_Layer]] = [[]]
    for layer in layers:
        nets[-1].append(layer)
        if layer.kind == "value_out":
            nets.append([])
    if nets.pop() or len(nets) % len(alphas):
        return None
    nets = nets[: len(nets) // len(alphas)]
    if len(nets) not in (2, 3):
        return None
    found: dict[str, Array] = {}
    for net, parts in zip(("action_model", "q_net", "twin_q_net"), nets, strict=False):
        if len(parts) < 2 or {each.kind for each in parts[:-2]} - {"fc"}:
            return None
        names = [f"{net}._hidden_layers.{number}" for number in range(len(parts) - 2)]
        if parts[-2].kind != "fc_out":
            return None
        found |= _in_torch_layout([*names, f"{net}._logits", f"{net}._value_branch"], parts)
    found["log_alpha"] = alphas[0].reshape(1)
    found["target_entropy"] = target_entropy(policy)
    settings: dict[str, Any] = {"twin_q": len(nets) == 3}
    # In 1.x the settings of the nets went by other names.
    old_names = {"policy_model_config": "policy_model", "q_model_config": "Q_model"}
    for (key, old_name), parts in zip(old_names.items(), nets, strict=False):
        given = policy.config.get(key) or policy.config.get(old_name) or {}
        sizes = [int(each.kernel.shape[1]) for each in parts[:-2]]
        settings[key] = {"fcnet_activation": "relu", **given, "fcnet_hiddens": sizes}
    return replace(policy, weights=found, config={**policy.config, **settings}, problem="")


def _without_target(layers: list[_Layer]) -> list[_Layer]:
    """Leave out the second half, where it repeats the shapes of the first."""
    half = len(layers) // 2
    first, second = (
        [each.kernel.shape for each in part] for part in (layers[:half], layers[half:])
    )
    return layers[:half] if first == second else layers


def _in_torch_layout(names: Sequence[str], layers: Sequence[_Layer]) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for name, layer in zip(names, layers, strict=True):
        found |= in_torch_layout(layer.kernel, layer.bias, f"{name}._model.0")
    return found
