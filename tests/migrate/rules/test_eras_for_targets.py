"""What every supported release is written for gets: names that it has, and no newer ones.

The rows are the history of names in Ray's wheels: which release brought a name, which dropped it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rlmigrate.eras.surface import exists
from rlmigrate.migrate.engine.rounds import rewrite
from rlmigrate.migrate.index import ImportTable, RepoIndex
from rlmigrate.migrate.rules.registry import selected
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

TARGETS = ("2.40", "2.47", "2.54", "2.60")
CORE = "ray.rllib.core.rl_module"
ALGORITHMS = "ray.rllib.algorithms"


def default(algorithm: str, old: str, module: str = "") -> tuple[str, list[str]]:
    """A default module: its old name until 2.40, `Default...` from 2.44 on."""
    low = algorithm.lower()
    home = f"{ALGORITHMS}.{low}.torch.{module or low}_torch_rl_module.{old}"
    new = f"{ALGORITHMS}.{low}.torch.default_{low}_torch_rl_module.Default{algorithm}TorchRLModule"
    return home, [home, new, new, new]


OLD_DISTRIBUTION = "ray.rllib.models.torch.torch_distributions.TorchCategorical"
NEW_DISTRIBUTION = "ray.rllib.core.distribution.torch.torch_distribution.TorchCategorical"
OLD_BASE = "ray.rllib.models.distributions.Distribution"
NEW_BASE = "ray.rllib.core.distribution.distribution.Distribution"
OLD_CALLBACKS = f"{ALGORITHMS}.callbacks.DefaultCallbacks"
NEW_CALLBACKS = "ray.rllib.callbacks.callbacks.RLlibCallback"
#: Old name, and what takes its place for each target.
NAMES = dict(
    [
        (f"{CORE}.rl_module.SingleAgentRLModuleSpec", [f"{CORE}.rl_module.RLModuleSpec"] * 4),
        (f"{CORE}.marl_module.MultiAgentRLModule", [f"{CORE}.multi_rl_module.MultiRLModule"] * 4),
        (
            f"{CORE}.marl_module.MultiAgentRLModuleSpec",
            [f"{CORE}.multi_rl_module.MultiRLModuleSpec"] * 4,
        ),
        default("PPO", "PPOTorchRLModule"),
        default("APPO", "APPOTorchRLModule"),
        default("BC", "BCTorchRLModule"),
        default("SAC", "SACTorchRLModule"),
        default("DQN", "DQNRainbowTorchRLModule", "dqn_rainbow"),
        (OLD_DISTRIBUTION, [OLD_DISTRIBUTION] * 2 + [NEW_DISTRIBUTION] * 2),
        (OLD_BASE, [OLD_BASE] * 2 + [NEW_BASE] * 2),
        (OLD_CALLBACKS, [OLD_CALLBACKS] + [NEW_CALLBACKS] * 3),
        ("ray.rllib.agents.callbacks.DefaultCallbacks", [OLD_CALLBACKS] + [NEW_CALLBACKS] * 3),
        ("ray.rllib.agents.ppo.PPOTrainer", [f"{ALGORITHMS}.ppo.PPO"] * 4),
        ("ray.rllib.core.models.base.STATE_IN", ["ray.rllib.core.columns.Columns"] * 4),
        ("ray.rllib.utils.nested_dict.NestedDict", [""] * 4),
    ]
)


def written(text: str, target: str) -> str:
    settings = Settings(ray_version=target)
    index = RepoIndex.of_texts({"module.py": text}, settings)
    source = SourceFile.from_text(text, "module.py")
    done = rewrite(source, index, settings, selected(settings))
    assert done.error is None
    return (done.after or done.before).decode()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("old", NAMES)
def test_name_for_a_target(old: str, target: str) -> None:
    home, _, name = old.rpartition(".")
    text = written(f"from {home} import {name}\n\nUSED = {name}\n", target)
    table = ImportTable.of(SourceFile(Path("module.py"), text.encode()))
    imported = [table.names[local] for local in table.names if local != "USED"]
    expected = NAMES[old][TARGETS.index(target)]
    assert imported == ([expected] if expected else [])
    assert all(exists(each, target) for each in imported)
    assert "TODO" not in text


HEAD = "from ray.rllib.algorithms.ppo import PPOConfig\n\nconfig = PPOConfig()\n"
#: Statement, and what it becomes for each target.
CALLS = {
    "config.rollouts(num_rollout_workers=2)": ["config.env_runners(num_env_runners=2)"] * 4,
    "algo = config.build()": ["algo = config.build()"] + ["algo = config.build_algo()"] * 3,
    "config.build().workers.foreach_worker(print)": [
        "config.build().env_runner_group.foreach_worker(print)",
        *["config.build_algo().env_runner_group.foreach_env_runner(print)"] * 3,
    ],
    "config.build().workers.local_worker()": [
        "config.build().env_runner_group.local_env_runner",
        *["config.build_algo().env_runner_group.local_env_runner"] * 3,
    ],
    "config.rollouts(remote_worker_envs=flag)": [
        "config.env_runners(remote_worker_envs=flag)",
        'config.env_runners(gym_env_vectorize_mode="ASYNC" if flag else "SYNC")',
        *['config.env_runners(gym_env_vectorize_mode="async" if flag else "sync")'] * 2,
    ],
    "config.training(sgd_minibatch_size=5)": ["config.training(minibatch_size=5)"] * 4,
    "config.resources(num_learner_workers=1)": ["config.learners(num_learners=1)"] * 4,
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("call", CALLS)
def test_call_for_a_target(call: str, target: str) -> None:
    text = written(HEAD + call + "\n", target)
    assert text == HEAD + CALLS[call][TARGETS.index(target)] + "\n"


@pytest.mark.parametrize("target", TARGETS)
def test_target_networks_have_an_api(target: str) -> None:
    home = f"{CORE}.rl_module_with_target_networks_interface"
    name = "RLModuleWithTargetNetworksInterface"
    text = written(f"from {home} import {name}\n\n\nclass Mine({name}):\n    pass\n", target)
    flat = " ".join(text.replace("#", " ").split())
    assert "TargetNetworkAPI of ray.rllib.core.rl_module.apis" in flat
    assert exists("ray.rllib.core.rl_module.apis.TargetNetworkAPI", target)
