"""Import, build and compare one migrated class; run by model_outcomes.py in a process of its own.

python benchmarks/model_probe.py OLD_ROOT NEW_ROOT MODULE CLASS ray|builtin
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from typing import Any, NoReturn

import gymnasium as gym
import numpy as np
import torch
import tree

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
Box, Dict, Discrete = gym.spaces.Box, gym.spaces.Dict, gym.spaces.Discrete
RESULT: dict[str, object] = {}


def report(**more: object) -> NoReturn:
    """Print what was found, and end."""
    print("RESULT" + json.dumps({**RESULT, **more}))
    sys.exit(0)


def said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:120]


def vector(size: int) -> gym.Space[Any]:
    return Box(-1, 1, (size,), np.float32)


MASK = Box(0, 1, (3,), np.float32)
OBSERVATIONS = [
    vector(4),
    Box(0, 255, (84, 84, 3), np.uint8),
    Box(0, 255, (64, 64, 3), np.uint8),
    Dict(action_mask=MASK, observations=vector(4)),
    Dict(action_mask=MASK, observation=vector(4)),
    Dict(obs=vector(4), action_mask=MASK),
    Dict(
        avail_actions=Box(-1, 1, (3, 2), np.float32),
        action_mask=MASK,
        cart=vector(4),
    ),
    Dict(obs=vector(4)),
    Discrete(4),
]
ACTIONS = [Discrete(3), vector(2), gym.spaces.Tuple([Discrete(2), Discrete(2)])]


def load(root: str, module: str, name: str) -> Any:
    """Import a class from one of the two trees."""
    sys.path.insert(0, root)
    top = module.split(".")[0]
    for key in list(sys.modules):
        if key.split(".")[0] in {top, "rlmigrate_layers"}:
            del sys.modules[key]
    found = getattr(importlib.import_module(module), name)
    sys.path.remove(root)
    return found


def samples(space: gym.Space[Any], count: int) -> tuple[list[Any], Any]:
    space.seed(0)
    raw = [space.sample() for _ in range(count)]

    def stack(*each: Any) -> torch.Tensor:
        return torch.from_numpy(np.stack([np.asarray(x) for x in each]))

    return raw, tree.map_structure(stack, *raw)


def states(initial: Any) -> Any:
    return tree.map_structure(lambda s: torch.zeros(5, *torch.as_tensor(s).shape), initial)


def answer(old: Any, obs: gym.Space[Any], act: gym.Space[Any]) -> tuple[Any, Any, Any, Any]:
    """Build the original and ask it once."""
    from ray.rllib.models.catalog import MODEL_DEFAULTS, ModelCatalog

    settings = dict(MODEL_DEFAULTS)
    _, size = ModelCatalog.get_action_dist(act, settings, framework="torch")
    prep = ModelCatalog.get_preprocessor_for_space(obs)
    settings["custom_model"] = old
    model = ModelCatalog.get_model_v2(
        prep.observation_space, act, size, settings, framework="torch", name="m"
    )
    model.eval()
    raw, batch = samples(obs, 5)
    flat = torch.from_numpy(np.stack([prep.transform(r) for r in raw]))
    state = states(list(model.get_initial_state()))
    with torch.no_grad():
        given = {"obs": flat, "is_training": False}
        out, _ = model(given, state, torch.ones(5, dtype=torch.int32))
        try:
            values = model.value_function()
        except Exception:
            values = None
    return model, batch, out, values


def main() -> None:
    old_root, new_root, module, name, target = sys.argv[1:6]
    try:
        new = load(new_root, module, name)
    except BaseException as error:
        report(imports=said(error))
    RESULT["imports"] = "yes"
    try:
        old = load(old_root, module, name)
    except BaseException as error:
        report(original=said(error))
    found = None
    for obs, act in [(o, a) for o in OBSERVATIONS for a in ACTIONS]:
        try:
            found = answer(old, obs, act)
            break
        except BaseException as error:
            last = said(error)
    if found is None:
        report(original=f"no guessed space fits ({last})")
    model, batch, out, values = found
    RESULT["spaces"] = f"{obs} -> {act}"[:60]
    core = "ray.rllib.core.rl_module.rl_module" if target == "ray" else "rlmigrate.new_stack"
    spec = importlib.import_module(core).RLModuleSpec
    try:
        built = spec(
            module_class=new, observation_space=obs, action_space=act, model_config={}
        ).build()
    except BaseException as error:
        report(builds=said(error))
    RESULT["builds"] = "yes"
    prefix = getattr(type(built), "legacy_prefix", "")
    mine = {prefix + key: value for key, value in model.state_dict().items()}
    RESULT["parameters"] = f"{len(mine.keys() & built.state_dict().keys())}/{len(mine)}"
    built.load_state_dict(mine, strict=False)
    given: dict[str, Any] = {"obs": batch}
    initial = built.get_initial_state()
    if initial:
        given["obs"] = tree.map_structure(lambda t: t.unsqueeze(1), batch)
        given["state_in"] = states(initial)
    try:
        got = built.forward_inference(given)["action_dist_inputs"].reshape(out.shape)
        worst = float((got - out).abs().nan_to_num(0).max())
        if values is not None and hasattr(built, "compute_values"):
            with torch.no_grad():
                computed = built.compute_values(given).reshape(-1)
            worst = max(worst, float((computed - values.reshape(-1)).abs().max()))
    except BaseException as error:
        report(parity=said(error))
    report(parity=worst)


if __name__ == "__main__":
    main()
