"""Dicts with RLlib's config keys that stand alone, and assignments to such keys.

Key, Loose     one key with its value; a dict or an assignment
loose_dicts    the dicts of a file
strangers      how many keys of a dict no config of RLlib ever had
loose_keys     the assignments `config["key"] = ...`
STRONG         keys that hardly any dict but RLlib's has
NESTED         keys whose value needs a person, with what they are today
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rlmigrate.migrate.configs.keys import HOME, OLD
from rlmigrate.migrate.configs.replay_keys import REPLAY
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.reading.nodes import Nodes
from rlmigrate.migrate.source import Span

#: Keys that hardly any dict but RLlib's has.
STRONG = frozenset(
    {"num_workers", "num_envs_per_worker", "num_cpus_per_worker", "num_gpus_per_worker"}
    | {"rollout_fragment_length", "sgd_minibatch_size", "num_sgd_iter", "multiagent", "env_config"}
    | {"train_batch_size", "evaluation_num_workers", "evaluation_interval", "batch_mode"}
    | {"observation_filter", "num_cpus_for_driver", "num_rollout_workers", "custom_model_config"}
    | {"exploration_config", "policy_mapping_fn", "policies_to_train", "custom_model"}
    | {"custom_resources_per_worker", "evaluation_num_episodes", "evaluation_config"}
    | {"num_env_runners", "num_envs_per_env_runner"}
)
#: Keys whose value is a dict, so that a text or a number under them is somebody else's.
DICTS = frozenset({"multiagent", "env_config", "evaluation_config", "exploration_config"})
#: Of these, keys that data loaders and models of other libraries have too.
SHARED = frozenset({"num_workers", "batch_mode"})
#: Keys that say by themselves that a dict is RLlib's.
ALONE = (STRONG - SHARED) | {name for name in OLD if name.count("_") > 1}
#: Keys of old configs and models that the tables of today's names need not know.
FORMER = REPLAY | {
    *("callbacks", "custom_eval_function", "eager", "input", "use_pytorch", "use_exec_api"),
    *("create_env_on_driver", "policy_graphs", "sgd_momentum", "smooth_target_policy", "mixer"),
    *("actor_hiddens", "actor_hidden_activation", "critic_hiddens", "critic_hidden_activation"),
    *("custom_options", "no_final_linear", "fcnet_hiddens", "fcnet_activation", "conv_filters"),
    *("conv_activation", "post_fcnet_hiddens", "post_fcnet_activation", "max_seq_len", "dim"),
    *("lstm_cell_size", "use_attention", "framestack", "grayscale", "zero_mean", "num_cpus"),
    *("good_policy", "adv_policy", "zero_init_states", "env", "run", "stop", "config"),
}
#: Functions of RLlib that merge a config into its defaults: own keys are new keys of the config.
MERGING = ("merge_dicts", "with_common_config", "deep_update", "with_updates", "with_base_config")
NESTED = {
    "custom_model": "rl_module(rl_module_spec=RLModuleSpec(module_class=...))",
    "custom_model_config": "RLModuleSpec(model_config={...})",
    "policies": "multi_agent(policies=), with RLModules in a MultiRLModuleSpec",
    "policy_mapping_fn": "multi_agent(policy_mapping_fn=), a function of (agent_id, episode, **kw)",
    "multiagent": "multi_agent(...), with RLModules in a MultiRLModuleSpec",
    "model": "rl_module(...)",
    "exploration_config": "part of the RLModule's _forward_exploration()",
    "observation_filter": "env_runners(env_to_module_connector=)",
    "lr_schedule": "training(lr=), which takes the schedule",
    "entropy_coeff_schedule": "training(entropy_coeff=), which takes the schedule",
    "replay_buffer_config": "training(replay_buffer_config=) with a buffer of episodes",
    "remote_worker_envs": 'env_runners(gym_env_vectorize_mode="ASYNC")',
    "num_gpus": "learners(num_learners=, num_gpus_per_learner=1)",
    "framework": '"torch"',
    "_enable_new_api_stack": "the default",
}


@dataclass(frozen=True)
class Key:
    """One key, where it stands, and its value."""

    name: str
    node: ast.Constant
    value: ast.expr | None


@dataclass(frozen=True)
class Loose:
    """A dict, or an assignment to one key.

    `own` are settings of the project: RLlib's names among others, which it reads itself.
    """

    node: ast.expr
    keys: tuple[Key, ...]
    own: bool = False


def loose_dicts(nodes: Nodes) -> Iterator[Loose]:
    """Outermost dicts with two keys of RLlib's, one of them its own."""
    outer: list[Span] = []
    for node in nodes.of(ast.Dict):
        keys = _keys(node)
        known = [key for key in keys if key.name in STRONG or key.name in OLD or key.name in HOME]
        own = [key.name for key in keys if key.name in STRONG]
        if len(own) == 1 and own[0] in SHARED:
            continue
        if not own or (len(known) < 2 and own != ["custom_model"] and "multiagent" not in own):
            continue
        place = Span(node.lineno * 10_000 + node.col_offset, (node.end_lineno or 0) * 10_000)
        if any(other.start <= place.start <= other.end for other in outer):
            continue
        if _is_builder_argument(nodes, node) or _assigned(nodes, node) == "multiagent":
            continue
        outer.append(place)
        found = _of_configs(keys)
        yield Loose(node, found, own=strangers(node) > 2 and not _is_merged(nodes, node))
        for key in keys:
            if key.name == "evaluation_config" and isinstance(key.value, ast.Dict):
                within = _of_configs(_keys(key.value))
                if within:
                    yield Loose(key.value, within)


def _keys(node: ast.Dict) -> list[Key]:
    return [
        Key(key.value, key, value)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
        if not (key.value in DICTS and isinstance(value, ast.Constant) and value.value)
    ]


def _of_configs(keys: Iterable[Key]) -> tuple[Key, ...]:
    return tuple(k for k in keys if k.name in OLD or k.name in STRONG or k.name in NESTED)


def strangers(node: ast.Dict) -> int:
    """Count the keys that no config of RLlib ever had."""
    keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
    known = (OLD, HOME, STRONG, NESTED, FORMER)
    return sum(not any(key in names for names in known) for key in keys)


def _is_merged(nodes: Nodes, node: ast.expr) -> bool:
    """Whether a dict is given to a function that merges configs."""
    call = nodes.parents.get(node)
    return isinstance(call, ast.Call) and (dotted(call.func) or "").endswith(MERGING)


def _is_builder_argument(nodes: Nodes, node: ast.expr) -> bool:
    """Values of the builder's own arguments, which other rules look at."""
    for around in nodes.up(node):
        if isinstance(around, ast.stmt):
            return False
        if isinstance(around, ast.keyword) and around.arg in BUILDER_ARGUMENTS:
            return True
    return False


def _assigned(nodes: Nodes, node: ast.Dict) -> str | None:
    """The key in `config[KEY] = node`, which is looked at as an assignment."""
    match nodes.parents.get(node):
        case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value=str(key)))]):
            return key
    return None


BUILDER_ARGUMENTS = frozenset(
    {"model", "model_config", "evaluation_config", "env_config", "policies"}
)


def loose_keys(nodes: Nodes) -> Iterator[Loose]:
    """Yield `config["key"] = ...` for keys that are RLlib's alone."""
    for item in nodes.of(ast.Subscript):
        key = item.slice
        if (
            isinstance(item.ctx, ast.Store)
            and isinstance(key, ast.Constant)
            and isinstance(key.value, str)
            and key.value in ALONE
        ):
            parent = nodes.parents.get(item)
            value = parent.value if isinstance(parent, ast.Assign) else None
            yield Loose(item, (Key(key.value, key, value),))
