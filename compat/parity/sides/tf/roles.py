"""DQN's and SAC's models in TF, asked as their algorithms asked them, and their modules.

role_of_instance   the role that a built model was made for
build_in_role      a model of a class, with the heads that its algorithm put on it
role_of_module     how a TfRLModule is asked, by the APIs that it has
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import tensorflow as tf

from rlmigrate.compat.parity.role_settings import DQN_SETTINGS, SETTINGS, RoleName
from rlmigrate.compat.parity.sides.legacy_roles import (
    DqnRole,
    LegacyRole,
    PolicyRole,
    SacRole,
    algorithm_config,
)
from rlmigrate.compat.parity.sides.module_roles import DqnModule, ModuleRole, SacModule
from rlmigrate.compat.wrap.building import registering_after
from rlmigrate.errors import UsageError
from rlmigrate.new_stack.layers.q_settings import SAC_NET

_RAYS = {
    "dqn": "ray.rllib.algorithms.dqn.dqn_tf_policy",
    "sac": "ray.rllib.algorithms.sac.sac_tf_policy",
}


# ---- old models


class SacTfRole(SacRole):
    """What SAC's model says, in TF."""

    def _log_softmax(self, logits: Any) -> Any:
        return tf.nn.log_softmax(logits)

    def _smaller(self, one: Any, other: Any) -> Any:
        return tf.minimum(one, other)

    def _flat(self, value: Any) -> Any:
        return tf.squeeze(value, axis=-1)


def role_of_instance(model: Any, stack: str, config: Mapping[str, Any] | None) -> LegacyRole:
    """Tell for which algorithm a model was built; `config` is its policy's."""
    if hasattr(model, "get_action_model_outputs"):
        return SacTfRole()
    if hasattr(model, "get_q_value_distributions"):
        told = {
            "num_atoms": getattr(model, "num_atoms", 1),
            "dueling": hasattr(model, "state_value_head"),
        }
        given = {key: (config or {}).get(key, value) for key, value in told.items()}
        return _dqn_role(stack, given)
    return PolicyRole()


def build_in_role(
    cls: type,
    role: RoleName,
    *,
    stack: str,
    observation_space: gym.Space[Any],
    preprocessed: gym.Space[Any],
    action_space: gym.Space[Any],
    model_config: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> tuple[Any, Any, LegacyRole]:
    """Build a model as the old DQN or SAC did; give it, its distribution class and its role.

    By Ray's own functions, or as wrap_model does, where the model is rlmigrate's.
    """
    if role == "dqn" and not isinstance(action_space, gym.spaces.Discrete):
        raise UsageError(f"DQN needs a Discrete action space, not {action_space}")
    if stack == "ray":
        built = _as_ray(cls, role, preprocessed, action_space, model_config, settings)
    else:
        built = _as_wrapped(cls, role, observation_space, action_space, model_config, settings)
    return (*built, SacTfRole() if role == "sac" else _dqn_role(stack, settings))


def _as_ray(
    cls: type,
    role: RoleName,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    model_config: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> tuple[Any, Any]:
    home = importlib.import_module(_RAYS[role])
    whole = {**algorithm_config(role, "ray"), **SETTINGS[role], **settings, "framework": "tf2"}
    plain = {**model_config, **SAC_NET, "custom_model": None, "custom_model_config": {}}
    for name in ("policy_model_config", "q_model_config"):
        if name in SETTINGS[role]:
            whole[name] = {**plain, **whole[name]}
    whole["model"] = {**model_config, "custom_model": cls}
    policy = SimpleNamespace(config=whole, framework="tf2")
    build = home.build_q_model if role == "dqn" else home.build_sac_model
    with registering_after():
        model = build(policy, observation_space, action_space, whole)
    return model, None if role == "dqn" else home._get_dist_class(policy, whole, action_space)


def _as_wrapped(
    cls: type,
    role: RoleName,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    model_config: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> tuple[Any, Any]:
    from rlmigrate.compat.wrap import wrap_model

    config = {k: v for k, v in model_config.items() if k != "custom_model"} | dict(settings)
    made: Any = wrap_model(cls, stack="builtin", role="sac" if role == "sac" else "dqn")(
        observation_space=observation_space, action_space=action_space, model_config=config
    )
    distribution = made.get_inference_action_dist_cls()
    return made.legacy_model, None if role == "dqn" else distribution.old_class


def _dqn_role(stack: str, settings: Mapping[str, Any]) -> DqnRole:
    compute = importlib.import_module(_RAYS["dqn"]).compute_q_values if stack == "ray" else q_values
    return DqnRole(compute, {**DQN_SETTINGS, **settings})


def q_values(
    policy: Any, model: Any, batch: Any, state: Sequence[Any], lengths: Any
) -> tuple[Any, None, Any, Sequence[Any]]:
    """Compute what the old DQN did with a model and its heads: Q-values, probabilities, state."""
    from rlmigrate.legacy.policies.tf.losses import reduce_mean_ignore_inf

    features, after = model(batch, list(state), lengths)
    values, *heads = model.get_q_value_distributions(features)
    probabilities = heads[-1]
    if not policy.config["dueling"]:
        return values, None, probabilities, after
    worth = model.get_state_value(features)
    if policy.config["num_atoms"] == 1:
        centred = values - tf.expand_dims(reduce_mean_ignore_inf(values, 1), 1)
        return worth + centred, None, probabilities, after
    support, logits = heads[:2]
    centred = logits - tf.reduce_mean(logits, axis=1, keepdims=True)
    probabilities = tf.nn.softmax(tf.expand_dims(worth, 1) + centred)
    return tf.reduce_sum(support * probabilities, axis=-1), None, probabilities, after


# ---- modules


class _TfTargets:
    """Target networks whose variables follow the networks'."""

    module: Any
    _pairs: Sequence[tuple[Any, Any]]

    def _copied(self) -> set[str]:
        return set()  # told by their names

    def own(self, name: str) -> bool:
        """Leave the targets out, which are kept under `_target` or `target_...`."""
        return not name.startswith(("_target", "target_"))

    def refresh(self) -> None:
        """Copy the networks' variables into their targets'."""
        for net, target in self._pairs:
            for mine, theirs in zip(_variables(net), _variables(target), strict=True):
                theirs.assign(mine)

    @staticmethod
    def _turned(leaf: Any) -> Any:
        return tf.reverse(leaf, [0])


class DqnTfModule(_TfTargets, DqnModule):
    """Q-values of a TF module."""

    @property
    def _noisy(self) -> bool:
        config = self.module.model_config
        return bool((config if isinstance(config, Mapping) else vars(config)).get("noisy"))


class SacTfModule(_TfTargets, SacModule):
    """SAC's nets of a TF module."""


def role_of_module(module: Any, *, built: bool) -> ModuleRole:
    """Tell how a module is asked; `built` says that it may be changed."""
    if not hasattr(module, "compute_q_values"):
        return ModuleRole(module)
    return (SacTfModule if hasattr(module, "qf") else DqnTfModule)(module, built=built)


def _variables(net: Any) -> Sequence[Any]:
    found: Any = net.variables  # a method of models, a property of Keras
    given: Any = found() if callable(found) else found
    return list(given)
