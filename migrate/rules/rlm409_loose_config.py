"""Config dicts that cannot be followed get today's names, and what is left is listed."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.configs.loose import loose_findings
from rlmigrate.migrate.findings import Kind
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Find dicts with RLlib's keys that no other rule carries over."""
    return loose_findings(context)


RULE = Rule(
    code="RLM409",
    name="loose-config",
    kind=Kind.CONFIG,
    summary="Config dicts that cannot be followed get today's names; what is left is listed.",
    explanation="""
Configs are often put together far from the call that takes them: returned from functions, merged,
loaded from files. Today's configs can still be updated from a dict, and take any key in silence, so
a key under an old name would simply have no effect. A key that has a new name and the same meaning
is renamed where it is written and where it is read, if nothing else in the repository knows it; the
item says where the others belong.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "settings_of_another_library",
            """
import ray.rllib

DEFAULTS = [{"task": "binary"}, {"multiagent": "single"}]
""",
        ),
        Case(
            "settings_of_the_project_itself",
            """
import ray.rllib


def test_training(run):
    run(config_updates={
        "results_dir": "here", "layout": "small", "verbose": False, "sgd_minibatch_size": 8,
        "train_batch_size": 80,
    })
""",
        ),
        Case(
            "key_that_says_that_it_is_no_longer_read",
            """
from ray._common.deprecation import DEPRECATED_VALUE

DEFAULTS = {
    "train_batch_size": 80,
    "rollout_fragment_length": 8,
    "min_time_s_per_iteration": 3,
    "min_iter_time_s": DEPRECATED_VALUE,
}
""",
        ),
        Case(
            "data_loader_settings",
            """
import ray.rllib

LOADER = {"num_workers": 2, "pin_memory": True}
""",
        ),
        Case(
            "keys_of_today",
            """
import ray.rllib

CONFIG = {"num_env_runners": 2, "train_batch_size": 400, "lr": 0.1, "lambda": 0.9}
""",
        ),
        Case(
            "agents_that_a_config_takes_as_they_are",
            """
from ray.rllib.policy.policy import PolicySpec


def agents(obs, act):
    return {
        "num_env_runners": 2,
        "multiagent": {
            "policies": {"a": (None, obs, act, {}), "b": PolicySpec()},
            "policy_mapping_fn": lambda agent_id, *args, **kwargs: "a",
        },
    }
""",
        ),
    ),
    cases=(
        Case(
            "agents_told_by_their_names_alone",
            """
import ray.rllib

CONFIG = {
    "train_batch_size": 40,
    "multiagent": {"policies": {"a"}, "policy_mapping_fn": lambda agent: "a"},
}
""",
            """
import ray.rllib

CONFIG = {
    "train_batch_size": 40,
    "multiagent": {"policies": {"a"}, "policy_mapping_fn": lambda agent, *args, **kwargs: "a"},
}
""",
        ),
        Case(
            "settings_of_evaluation_and_a_model_of_the_file",
            """
from ray.rllib.core.rl_module.torch import TorchRLModule

class Net(TorchRLModule):
    pass


def config(agents):
    settings = {
        "num_workers": 2,
        "num_envs_per_worker": 8,
        "model": {"custom_model": Net},
        "evaluation_config": {"num_envs_per_worker": 1},
    }
    settings["metrics_smoothing_episodes"] = 20
    return settings
""",
            """
from ray.rllib.core.rl_module.torch import TorchRLModule

class Net(TorchRLModule):
    pass


def config(agents):
    # TODO(rlmigrate RLM409): config keys outside of a builder: "model" is
    #     rl_module(rl_module_spec=RLModuleSpec(module_class=Net)) now
    settings = {
        "num_workers": 2,
        "num_envs_per_env_runner": 8,
        "model": {"custom_model": Net},
        "evaluation_config": {"num_envs_per_env_runner": 1},
    }
    settings["metrics_num_episodes_for_smoothing"] = 20
    return settings
""",
        ),
        Case(
            "two_old_names_of_one_key",
            """
import ray.rllib

CONFIG = {"train_batch_size": 40, "min_iter_time_s": 3, "min_time_s_per_reporting": None}
""",
            """
import ray.rllib

# TODO(rlmigrate RLM409): config keys outside of a builder: "min_time_s_per_reporting" is
#     reporting(min_time_s_per_iteration=) now
CONFIG = {"train_batch_size": 40, "min_time_s_per_iteration": 3, "min_time_s_per_reporting": None}
""",
        ),
        Case(
            "agents_with_a_class",
            """
from ray.rllib.policy.policy import PolicySpec

from policies import Mine

AGENTS = {"policies": {"a": PolicySpec(Mine)}, "policy_mapping_fn": lambda agent, *a, **k: "a"}
""",
            """
from ray.rllib.policy.policy import PolicySpec

from policies import Mine

# TODO(rlmigrate RLM409): config keys outside of a builder: "policies": policy 'a' has a class
#     of its own: write it as an RLModule in a MultiRLModuleSpec
AGENTS = {"policies": {"a": PolicySpec(Mine)}, "policy_mapping_fn": lambda agent, *a, **k: "a"}
""",
        ),
        Case(
            "returned_from_a_function",
            """
import ray.rllib


def get_config():
    return {"num_workers": 2, "num_sgd_iter": 3}
""",
            """
import ray.rllib


def get_config():
    return {"num_workers": 2, "num_epochs": 3}
""",
        ),
        Case(
            "a_key_is_read_as_well",
            """
import ray.rllib

CONFIG = {"num_sgd_iter": 3, "train_batch_size": 400}
EPOCHS = CONFIG["num_sgd_iter"]
""",
            """
import ray.rllib

CONFIG = {"num_epochs": 3, "train_batch_size": 400}
EPOCHS = CONFIG["num_epochs"]
""",
        ),
        Case(
            "a_key_that_is_held_in_a_name",
            """
import ray.rllib

CONFIG = {"num_sgd_iter": 3, "train_batch_size": 400}
KEY = "num_sgd_iter"
""",
            """
import ray.rllib

# TODO(rlmigrate RLM409): config keys outside of a builder: "num_sgd_iter" is
#     training(num_epochs=) now; rename it together with num_sgd_iter in snippet.py
CONFIG = {"num_sgd_iter": 3, "train_batch_size": 400}
KEY = "num_sgd_iter"
""",
        ),
    ),
)
