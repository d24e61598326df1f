"""Ray's own torch example models, rewritten, build from an RLModuleSpec on real Ray and act."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

rllib = pytest.importorskip("ray.rllib")
EXAMPLES = Path(rllib.__file__).parent / "examples" / "_old_api_stack"

#: Class: module, observation space, action space, model config, outcome.
MODELS = {
    "TorchActionMaskModel": (
        "action_mask_model",
        "Dict({'action_mask': Box(0.0, 1.0, (5,)), 'observations': Box(-1.0, 1.0, (6,))})",
        "Discrete(5)",
        "{}",
        "native",
    ),
    "TorchFastModel": ("fast_model", "Box(-1.0, 1.0, (4,))", "Discrete(3)", "{}", "native"),
    "TorchSharedWeightsModel": (
        "shared_weights_model",
        "Box(-1.0, 1.0, (4,))",
        "Discrete(2)",
        "{}",
        "native",
    ),
    "TorchCentralizedCriticModel": (
        "centralized_critic_models",
        "Box(-1.0, 1.0, (4,))",
        "Discrete(2)",
        "{}",
        "native",
    ),
    "TorchParametricActionsModel": (
        "parametric_actions_model",
        "Dict({'action_mask': Box(0, 1, (10,), np.int8),"
        " 'avail_actions': Box(-10.0, 10.0, (10, 2)), 'cart': Box(-1.0, 1.0, (4,))})",
        "Discrete(10)",
        "{'hiddens': [], 'dueling': False}",  # as DQN needs them for this model, old and new
        "native",
    ),
    "TorchCustomLossModel": (
        "custom_loss_model",
        "Box(-1.0, 1.0, (4,))",
        "Discrete(2)",
        "{'custom_model_config': {'input_files': 'demo.json'}}",
        "bridged",
    ),
    "TorchAutoregressiveActionModel": (
        "autoregressive_action_model",
        "Box(-1.0, 1.0, (4,))",
        "Tuple([Discrete(2), Discrete(2)])",
        "{}",
        "native",
    ),
    "YetAnotherTorchCentralizedCriticModel": (
        "centralized_critic_models",
        "Dict({'own_obs': Discrete(6), 'opponent_obs': Discrete(6),"
        " 'opponent_action': Discrete(2)})",
        "Discrete(2)",
        "{}",
        "native",
    ),
}

BUILD = """
import json, sys
import numpy as np, torch
from gymnasium.spaces import Box, Dict, Discrete, Tuple
from ray.rllib.core.rl_module import RLModule
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

sys.path.insert(0, ".")
import importlib

def batch(space, size=3):
    if isinstance(space, Dict):
        return {key: batch(part, size) for key, part in space.spaces.items()}
    space.seed(1)
    return torch.as_tensor(np.stack([space.sample() for _ in range(size)]))

built = {}
for name, (stem, obs, act, config, _) in json.loads(sys.argv[1]).items():
    try:
        observation_space, action_space = eval(obs), eval(act)
        module = RLModuleSpec(
            module_class=getattr(importlib.import_module("models." + stem), name),
            observation_space=observation_space,
            action_space=action_space,
            model_config=eval(config),
        ).build()
        assert isinstance(module, RLModule)
        out = module.forward_inference({"obs": batch(observation_space)})
        # Modules of DQN choose the action themselves.
        built[name] = list(out.get("action_dist_inputs", out.get("actions")).shape)
    except Exception as error:
        built[name] = f"{type(error).__name__}: {error}"
print(json.dumps(built))
"""


@pytest.fixture(scope="module")
def rewritten(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("examples")
    shutil.copytree(
        EXAMPLES / "models", root / "models", ignore=shutil.ignore_patterns("__pycache__")
    )
    (root / "models" / "__init__.py").touch()
    (root / "demo.json").touch()
    subprocess.run(
        [sys.executable, "-m", "rlmigrate", "rewrite", ".", "--write", "--report", "report.json"],
        cwd=root,
        capture_output=True,
        check=False,
    )
    return root


@pytest.fixture(scope="module")
def built(rewritten: Path) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BUILD, json.dumps(MODELS)],
        cwd=rewritten,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    shapes: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return shapes


@pytest.mark.parametrize("name", sorted(MODELS))
def test_outcome_is_what_it_can_be(rewritten: Path, name: str) -> None:
    report = json.loads((rewritten / "report.json").read_text(encoding="utf-8"))
    outcomes = {item["name"]: item for item in report["items"] if item["kind"] == "model"}
    assert outcomes[name]["outcome"] == MODELS[name][-1]
    assert MODELS[name][-1] == "native" or "because it" in outcomes[name]["message"]


@pytest.mark.parametrize("name", sorted(MODELS))
def test_module_builds_and_acts_on_ray(built: dict[str, object], name: str) -> None:
    shape = built[name]
    assert isinstance(shape, list), shape
    assert shape[0] == 3
