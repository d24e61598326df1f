"""Weights of DQN's default net as a TF2 policy saved them: a list, in the order of the net.

dqn_in_torch_terms   name and lay them out as torch's net does
in_torch_layout      the same for any dense layers
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.compat.checkpoints.reading import OldPolicy

Array = np.ndarray[Any, Any]


def dqn_in_torch_terms(policy: OldPolicy) -> dict[str, Array] | None:
    """Return the weights of a dense DQN net under torch's names, kernels transposed.

    The value head, which DQN does not use and which is another in torch's net, comes out as zeros.
    None where the policy is no DQN's, or has other layers than its config says.
    """
    config, model = policy.config, policy.model_config
    if not {"hiddens", "dueling", "num_atoms"} <= set(config) or config.get("noisy"):
        return None
    space, actions = policy.observation_space, policy.action_space
    if not isinstance(actions, gym.spaces.Discrete) or space is None:
        return None
    found = in_torch_layout(list(_layers(config, model)), list(policy.weights.values()))
    if found is None or not _fits(found, policy):
        return None
    # TF's value head reads another layer than torch's. DQN never used either.
    width = found["advantage_module.A._model.0.weight"].shape[1]
    if config["hiddens"]:
        width = found["advantage_module.dueling_A_0._model.0.weight"].shape[1]
    found["_value_branch._model.0.weight"] = np.zeros((1, width), np.float32)
    return found


def in_torch_layout(names: Sequence[str], arrays: Sequence[Array]) -> dict[str, Array] | None:
    """Return kernels (transposed) and biases of dense layers under torch's names.

    None where there are more or fewer arrays, or others, than the layers have.
    """
    if len(arrays) != 2 * len(names):
        return None
    found: dict[str, Array] = {}
    for name, kernel, bias in zip(names, arrays[::2], arrays[1::2], strict=True):
        if kernel.ndim != 2 or bias.shape != kernel.shape[1:]:
            return None
        found[f"{name}._model.0.weight"] = np.ascontiguousarray(kernel.T)
        found[f"{name}._model.0.bias"] = bias
    return found


def _layers(config: Mapping[str, Any], model: Mapping[str, Any]) -> Iterator[str]:
    """Name the layers in the order in which TF's net makes them: features, value, heads."""
    for number in range(len(model.get("fcnet_hiddens", ()))):
        yield f"_hidden_layers.{number}"
    yield "_value_branch"
    heads = [("advantage_module", "A")]
    heads += [("value_module", "V")] if config["dueling"] else []
    for module, letter in heads:
        for number in range(len(config["hiddens"])):
            yield f"{module}.dueling_{letter}_{number}"
        yield f"{module}.{letter}"


def _fits(found: Mapping[str, Array], policy: OldPolicy) -> bool:
    """Say whether the sizes of all layers are those of the config, from first to last."""
    config, atoms = policy.config, int(policy.config["num_atoms"])
    space: Any = policy.observation_space
    width = int(np.prod(space.shape))
    for number, size in enumerate(policy.model_config.get("fcnet_hiddens", ())):
        if found[f"_hidden_layers.{number}._model.0.weight"].shape != (size, width):
            return False
        width = int(size)
    actions: Any = policy.action_space
    sizes = {"A": int(actions.n) * atoms, "V": atoms}
    for module, letter in (("advantage_module", "A"), ("value_module", "V")):
        if letter == "V" and not config["dueling"]:
            continue
        before = width
        for number, size in enumerate(config["hiddens"]):
            name = f"{module}.dueling_{letter}_{number}._model.0.weight"
            if found[name].shape != (size, before):
                return False
            before = int(size)
        if found[f"{module}.{letter}._model.0.weight"].shape != (sizes[letter], before):
            return False
    return True
