"""Where the source shows that observations are plain Boxes, models read them as they come."""

from __future__ import annotations

import pytest

MODEL = """from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.models import ModelCatalog
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn
{imports}

class Policy(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.pi = nn.Linear(obs_space.shape[0], action_space.n)

    def forward(self, input_dict, state, seq_lens):
        return self.pi(input_dict["obs"]), state


ModelCatalog.register_custom_model("policy", Policy)
{use}
"""
ENVIRONMENT = """import gymnasium as gym
from gymnasium.spaces import Box, Dict, Discrete


class Corridor(gym.Env):
    def __init__(self, config=None):
        self.observation_space = {space}
        self.action_space = Discrete(2)
"""
BOUND = 'PPOConfig().environment({env}).training(model={{"custom_model": "policy"}})'
IMPORTED = "from game import Corridor\n"


def reads(migrate, use: str, space: str = "", imports: str = "") -> str:
    files = {"model.py": MODEL.format(use=use, imports=imports)}
    if space:
        files["game.py"] = ENVIRONMENT.format(space=space)
    text = migrate(files).text("model.py")
    assert ("preprocess(" in text) == ("preprocessed_space(" in text)
    return "preprocessed" if "preprocess(" in text else "plain"


@pytest.mark.parametrize(
    "use",
    [
        "",
        BOUND.format(env="args.env"),
        BOUND.format(env='"FrozenLake-v1"'),
        BOUND.format(env='"ale_py:ALE/Pong-ram-v5"'),
        'PPOConfig().environment("CartPole-v1").environment(env)',
        'A = {"env": "CartPole-v1"}\nB = {"env": unknown}',
        BOUND.format(env='"CartPole-v1"') + "\n" + BOUND.format(env="other"),
    ],
)
def test_unsure_means_preprocessed(migrate, use) -> None:
    assert reads(migrate, use) == "preprocessed"


@pytest.mark.parametrize(
    "space",
    [
        "Discrete(4)",
        'Dict({"a": Box(0, 1, (2,))})',
        "Box(0, 255, (128,))",
        "Box(0, 255, (210, 160, 3))",
        "Box(-bound, bound)",
        "Box(0, 1, shape=shape)",
        "make_space()",
    ],
)
def test_space_of_a_class_that_needs_preprocessing(migrate, space) -> None:
    assert reads(migrate, BOUND.format(env="Corridor"), space, IMPORTED) == "preprocessed"


@pytest.mark.parametrize("space", ["Box(0, 1, (128, 2))", "Box(0, 1, shape=[7])", "Box(LOW, [1])"])
def test_space_of_a_class_that_stays(migrate, space) -> None:
    assert reads(migrate, BOUND.format(env="Corridor"), space, IMPORTED) == "plain"


@pytest.mark.parametrize(
    "use",
    [
        BOUND.format(env='"CartPole-v1"'),
        BOUND.format(env='"CartPole-v1"') + "\nPPOConfig().environment(other)",
        'tune.run("PPO", config={"env": "Pendulum-v0", "model": {"custom_model": "policy"}})',
        'c = PPOConfig()\nc.environment("CartPole-v1")\nc.training(model={"custom_model": Policy})',
        'PPOConfig().experimental(_disable_preprocessor_api=True).environment("FrozenLake-v1")',
    ],
)
def test_known_boxes_stay(migrate, use) -> None:
    assert reads(migrate, use) == "plain"


def test_registered_environment(migrate) -> None:
    use = 'register_env("game", lambda config: Corridor(config))\n' + BOUND.format(env='"game"')
    imports = "from ray.tune import register_env\n" + IMPORTED
    assert reads(migrate, use, "Box(0, 1, (3,))", imports) == "plain"
    assert reads(migrate, use, "Discrete(3)", imports) == "preprocessed"


OFF = "from model import Policy\nc.experimental(_disable_preprocessor_api=True)\n"
USED = '"custom_model": Policy'


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "preprocessed"),
        ({"other.py": "import ray.rllib\nc.experimental(_disable_preprocessor_api=True)"}, None),
        ({"a.py": OFF.replace("True", "False")}, "preprocessed"),
        ({"a.py": OFF + "C = {" + USED + "}"}, "plain"),
        ({"a.py": OFF + 'C = {"custom_model": "policy"}'}, "plain"),
    ],
)
def test_preprocessors_that_are_switched_off(migrate, files, expected) -> None:
    named = {"model.py": MODEL.format(use="", imports=""), **files}
    done = migrate(named)
    text = done.text("model.py")
    assert done.items["Policy"].outcome == "native"
    assert ("preprocess(" in text) == (expected != "plain")


def test_preprocessors_that_are_switched_off_now_and_then(migrate) -> None:
    on = "import ray.rllib\nfrom model import Policy\nC = {" + USED + "}"
    files = {"model.py": MODEL.format(use="", imports=""), "a.py": OFF + "C = {" + USED + "}"}
    done = migrate({**files, "b.py": on})
    assert done.items["Policy"].outcome == "bridged"
    assert "with and without _disable_preprocessor_api" in done.items["Policy"].message
