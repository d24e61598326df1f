"""TF policies' weights: lists without names, and TensorFlow's names for default nets."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import replace

import torch

from rlmigrate.compat.checkpoints.defaults import plain_config
from rlmigrate.compat.checkpoints.reading import OldPolicy
from rlmigrate.compat.checkpoints.tf_graphs import of_graph
from rlmigrate.compat.checkpoints.tf_layers import Misfit
from rlmigrate.compat.checkpoints.tf_order import in_torch_terms as in_order
from rlmigrate.compat.weights.layouts import rearrange
from rlmigrate.compat.weights.tf_names import looks_like_tf, torch_view, unused_in_tf

_ADVICE = (
    "to go on with this net, wrap its TF model (wrap_model, stack='builtin') and set its variables "
    "from the written state, which keeps their order; or name a migrated class and a mapping"
)


def in_tf_order(names: Iterable[str]) -> bool:
    """Tell the weights of a TF policy, a list or a graph's, before they get torch's names."""
    found = list(names)
    return looks_like_tf(found) or (bool(found) and all(name.isdigit() for name in found))


def with_names(policy: OldPolicy) -> OldPolicy:
    """Name the weights of a TF2 policy, which saved a list, as its default net's variables.

    Those of DQN and SAC get torch's names, static graphs' too. Left as they are where TensorFlow
    is missing, the model is custom, or number or shapes differ.
    """
    if policy.action_space is None or policy.model_config.get("custom_model"):
        return policy
    if not in_tf_order(policy.weights):
        return policy
    graph = looks_like_tf(policy.weights)
    try:
        named = in_order(policy)
    except Misfit as misfit:
        hint = f"{misfit}: {_ADVICE}"
        policy = replace(policy, problem=f"{policy.problem}; {hint}" if policy.problem else hint)
        return of_graph(policy) if graph else policy
    if named is not None:
        return replace(policy, weights=named, problem="")
    if graph:
        return of_graph(policy)
    if importlib.util.find_spec("tensorflow") is None:
        return replace(policy, problem=f"{policy.problem}; install tensorflow to have them named")
    from rlmigrate.legacy.catalog import MODEL_DEFAULTS, ModelCatalog

    config = {**MODEL_DEFAULTS, **plain_config(policy.model_config)}
    space, actions = policy.observation_space, policy.action_space
    assert space is not None
    assert actions is not None
    _, size = ModelCatalog.get_action_dist(actions, config, framework="tf")
    model = ModelCatalog.get_model_v2(space, actions, size, config, framework="tf2")
    variables, arrays = model.variables(), list(policy.weights.values())
    if [tuple(each.shape) for each in variables] != [each.shape for each in arrays]:
        return policy
    names = [str(getattr(each, "path", each.name)).removesuffix(":0") for each in variables]
    if len(set(names)) < len(names):
        return policy
    return replace(policy, weights=dict(zip(names, arrays, strict=True)), problem="")


def in_torch_terms(policy: OldPolicy) -> OldPolicy:
    """Name and lay out TF weights as torch's default nets do, to see what the net is."""
    if not looks_like_tf(policy.weights):
        return policy
    view = torch_view({name: value.ndim for name, value in policy.weights.items()})
    left = set(policy.weights) - {name for name, _ in view.values()}
    weights = {name: policy.weights[name] for name in left - unused_in_tf(policy.weights)}
    for name, (source, layouts) in view.items():
        weights[name] = rearrange(torch.from_numpy(policy.weights[source].copy()), layouts).numpy()
    return replace(policy, weights=weights)
