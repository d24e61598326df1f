"""The pairs in fixtures/models: what each model becomes, and that it computes the same."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

pytest.importorskip("ray.rllib")
FOLDER = Path(__file__).parents[3] / "fixtures" / "models"
MODELS = json.loads((FOLDER / "models.json").read_text())
Box, Discrete = gym.spaces.Box, gym.spaces.Discrete
VECTOR = Box(-1, 1, (4,), np.float32)
OBSERVATIONS = {
    "box": VECTOR,
    "image": Box(0, 255, (6, 6, 3), np.uint8),
    "picture": Box(0, 255, (10, 10, 3), np.uint8),
    "dict": gym.spaces.Dict(
        {"position": VECTOR, "grid": Box(0, 9, (2, 2), np.int8), "room": Discrete(3)}
    ),
    "tuple": gym.spaces.Tuple([Discrete(3), VECTOR]),
    "number": Discrete(5),
    "number_from": Discrete(4, start=-2),
    "numbers": gym.spaces.MultiDiscrete([2, 4, 3]),
    "table_of_numbers": gym.spaces.MultiDiscrete([[2, 3], [4, 5]]),
    "bits": gym.spaces.MultiBinary(6),
    "bytes": Box(0, 255, (7,), np.uint8),
    "atari_memory": Box(0, 255, (128,), np.uint8),
    "nested": gym.spaces.Dict(
        {
            "a": gym.spaces.Tuple([Discrete(3), Box(0, 255, (128,), np.uint8)]),
            "b": gym.spaces.Dict({"c": gym.spaces.MultiDiscrete([2, 3]), "d": VECTOR}),
            "e": gym.spaces.MultiBinary(4),
        }
    ),
    "masked": gym.spaces.Dict({"action_mask": Box(0, 1, (3,), np.int8), "position": VECTOR}),
}
ACTIONS = {
    "discrete": Discrete(3),
    "gauss": Box(-1, 1, (2,), np.float32),
    "integers": Box(-1, 2, (2,), np.int64),
    "multi": gym.spaces.MultiDiscrete([2, 3]),
    "tuple": gym.spaces.Tuple([Discrete(3), Box(-1, 1, (2,), np.float32)]),
}
NATIVE = sorted(name for name, model in MODELS.items() if model["outcome"] == "native")


def test_every_folder_is_listed() -> None:
    assert sorted(MODELS) == sorted(p.name for p in FOLDER.iterdir() if p.is_dir())


def texts(name: str, side: str) -> dict[str, str]:
    """The files of one side of a pair; a single file is model.py."""
    folder = FOLDER / name / side
    if folder.is_dir():
        return {path.name: path.read_text() for path in sorted(folder.glob("*.py"))}
    return {"model.py": folder.with_suffix(".py").read_text()}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_becomes(migrate, name) -> None:
    done = migrate(texts(name, "before"))
    item = done.items["Policy"]
    assert item.outcome == MODELS[name]["outcome"]
    assert item.message == MODELS[name].get("reason", item.message)
    assert {file: done.text(file) for file in texts(name, "before")} == texts(name, "after")


@pytest.mark.parametrize("name", sorted(MODELS))
def test_does_not_change_again(migrate, name) -> None:
    after = texts(name, "after")
    again = migrate(after)
    assert {file: again.text(file) for file in after} == after


@pytest.mark.parametrize("name", NATIVE)
def test_computes_the_same(migrate, equal, name) -> None:
    model = MODELS[name]
    done = migrate(texts(name, "before"))
    named = model["observations"]
    for place in model.get("classes", ["model.Policy"]):
        file, _, cls = place.partition(".")
        old, new = (getattr(side(f"{file}.py"), cls) for side in (done.old, done.new))
        for space in [named] if isinstance(named, str) else named:
            for custom in model["configs"]:
                equal(old, new, OBSERVATIONS[space], ACTIONS[model["actions"]], custom)


def test_heir_that_stays_behind_runs_on_the_old_form_of_its_base(migrate, build_old) -> None:
    import torch
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec

    done = migrate(texts("one_heir_stays_behind", "before"))
    assert done.items["Running"].outcome == "bridged"
    old, _ = build_old(done.old("other.py").Running, VECTOR, ACTIONS["discrete"])
    spec = RLModuleSpec(
        module_class=done.new("other.py").Running,
        observation_space=VECTOR,
        action_space=ACTIONS["discrete"],
        model_config={},
    )
    module = spec.build()
    module.load_state_dict({f"legacy_model.{k}": v for k, v in old.state_dict().items()})
    module.legacy_model.before = 0.0  # building ran it once
    for _ in range(2):
        obs = torch.randn(3, 4)
        with torch.no_grad():
            out, _ = old({"obs": obs})
        assert torch.equal(module.forward_inference({"obs": obs})["action_dist_inputs"], out)
