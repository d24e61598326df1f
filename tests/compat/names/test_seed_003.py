"""Code as the document on RL Modules of Ray 2.38 shows it, rewritten for Ray 2.60.

Blocks that this document shares with that of 2.40 are in test_seed_002.py.
"""

from __future__ import annotations

import gymnasium as gym
import torch

torch.set_num_threads(1)
FLAT, TWO = gym.spaces.Box(-1, 1, (4,)), gym.spaces.Discrete(2)
HEAD = """
from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
from ray.rllib.core.rl_module.rl_module import RLModuleConfig
import torch
from torch import nn
"""


def test_writing_a_module_with_constructor_and_setup(on_ray):
    done = on_ray(
        HEAD
        + """
class Cloning(TorchRLModule):
    def __init__(self, config: RLModuleConfig) -> None:
        super().__init__(config)

    def setup(self):
        hidden = self.model_config["fcnet_hiddens"][0]
        self.policy = nn.Sequential(
            nn.Linear(self.observation_space.shape[0], hidden),
            nn.Linear(hidden, self.action_space.n),
        )

    def _forward_train(self, batch):
        logits = self.policy(batch["obs"])
        return {"action_dist": torch.distributions.Categorical(logits=logits)}
"""
    )
    assert "__init__" not in done.text
    module = done["Cloning"](
        observation_space=FLAT, action_space=TWO, model_config={"fcnet_hiddens": [8]}
    )
    out = module.forward_train({"obs": torch.zeros(3, 4)})
    assert out["action_dist_inputs"].shape == (3, 2)


def test_the_multi_agent_form_of_a_module(on_ray):
    done = on_ray(
        "import gymnasium as gym\nfrom ray.rllib.core.rl_module.rl_module import RLModuleSpec\n"
        "from ray.rllib.core.testing.torch.bc_module import DiscreteBCTorchModule\n"
        "env = gym.make('CartPole-v1')\nspec = RLModuleSpec(\n"
        "    module_class=DiscreteBCTorchModule,\n    observation_space=env.observation_space,\n"
        "    action_space=env.action_space,\n    model_config={'fcnet_hiddens': [64]},\n)\n"
        "module = spec.build()\nmulti_rl_module = module.as_multi_rl_module()\n"
    )
    assert "default_policy" in done["multi_rl_module"]


def test_a_model_config_beside_a_multi_spec(on_ray):
    done = on_ray(
        "from ray.rllib.core.rl_module.rl_module import RLModuleSpec\n"
        "from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec\n"
        "from ray.rllib.core.testing.torch.bc_module import DiscreteBCTorchModule\n"
        "from ray.rllib.core.testing.bc_algorithm import BCConfigTest\n"
        "from ray.rllib.examples.envs.classes.multi_agent import MultiAgentCartPole\n"
        "config = (\n    BCConfigTest()\n"
        "    .environment(MultiAgentCartPole, env_config={'num_agents': 2})\n"
        "    .multi_agent(policies={'p0'}, policy_mapping_fn=lambda *a, **k: 'p0')\n"
        "    .rl_module(\n        model_config={'fcnet_hiddens': [32, 32]},\n"
        "        rl_module_spec=MultiRLModuleSpec(\n"
        "            rl_module_specs={'p0': RLModuleSpec(module_class=DiscreteBCTorchModule)},\n"
        "        ),\n    )\n)\n"
    )
    done["config"].validate()
    module = done["config"].get_multi_rl_module_spec(spaces={"p0": (FLAT, TWO)}).build()
    assert module["p0"].policy[0].out_features == 32


def test_a_module_whose_head_gets_its_encoder_by_model_config(on_ray):
    done = on_ray(
        HEAD.replace("RLModuleConfig\n", "RLModuleConfig, RLModuleSpec\n")
        + """
import gymnasium as gym
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule, MultiRLModuleSpec

class Head(TorchRLModule):
    def setup(self):
        self.encoder = self.model_config["encoder"]
        self.policy_head = nn.Linear(self.model_config["hidden_dim"], self.action_space.n)

    def _forward_train(self, batch):
        logits = self.policy_head(self.encoder(batch["obs"]["global"]))
        return {"action_dist": torch.distributions.Categorical(logits=logits)}

class Sharing(MultiRLModule):
    def setup(self):
        specs = self.rl_module_specs
        first = next(iter(specs.values()))
        hidden = first.model_config["fcnet_hiddens"][0]
        encoder = nn.Linear(first.observation_space["global"].shape[0], hidden)
        self._rl_modules = {
            name: Head(
                observation_space=spec.observation_space,
                action_space=spec.action_space,
                model_config={"encoder": encoder, "hidden_dim": hidden},
            )
            for name, spec in specs.items()
        }

def one(local):
    return RLModuleSpec(
        observation_space=gym.spaces.Dict(
            {name: gym.spaces.Box(-1, 1, (local,)) for name in ("global", "local")}
        ),
        action_space=gym.spaces.Discrete(local),
        model_config={"fcnet_hiddens": [64]},
    )

module = MultiRLModuleSpec(
    multi_rl_module_class=Sharing, rl_module_specs={"a": one(2), "b": one(2)}
).build()
"""
    )
    module = done["module"]
    assert module["a"].encoder is module["b"].encoder
    out = module["a"].forward_train({"obs": {"global": torch.zeros(3, 2)}})
    assert out["action_dist_inputs"].shape == (3, 2)


def test_extending_by_constructor(on_ray):
    done = on_ray(
        "from ray.rllib.algorithms.ppo.torch.ppo_torch_rl_module import PPOTorchRLModule\n"
        "from ray.rllib.algorithms.ppo import PPOConfig\n"
        "from ray.rllib.core.rl_module.rl_module import RLModuleConfig, RLModuleSpec\n"
        "class Mine(PPOTorchRLModule):\n    def __init__(self, config: RLModuleConfig):\n"
        "        super().__init__(config)\n"
        "config = PPOConfig().environment('CartPole-v1').rl_module(\n"
        "    rl_module_spec=RLModuleSpec(module_class=Mine)\n)\n"
    )
    spec = done["config"].get_rl_module_spec(spaces={"default_policy": (FLAT, TWO)})
    assert type(spec.build()) is done["Mine"]


def test_an_encoder_that_later_releases_lack_is_named(on_ray):
    done = on_ray(
        "from ray.rllib.examples._old_api_stack.models.mobilenet_v2_encoder import (\n"
        "    MobileNetV2EncoderConfig,\n    MOBILENET_INPUT_SHAPE,\n)\n"
        "print(MobileNetV2EncoderConfig(), MOBILENET_INPUT_SHAPE)\n",
        execute=False,
    )
    assert done.manual == ["RLM608", "RLM608"]
    assert "rlmigrate.compat.names.examples.mobilenet" in done.text


MOBILENET = """
import gymnasium as gym
import torch
from ray.rllib.algorithms.ppo.torch.ppo_torch_rl_module import PPOTorchRLModule
from ray.rllib.core.models.base import ENCODER_OUT, Encoder
from ray.rllib.core.models.configs import ActorCriticEncoderConfig, MLPHeadConfig, ModelConfig
from ray.rllib.core.models.torch.base import TorchModel
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.examples.env.random_env import RandomEnv

class Net(TorchModel, Encoder):
    def __init__(self, config):
        super().__init__(config)
        self.net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(1000))

    def _forward(self, inputs, **kwargs):
        return {ENCODER_OUT: self.net(inputs["obs"])}

class NetConfig(ModelConfig):
    output_dims = (1000,)

    def build(self, framework):
        return Net(self)

class Mine(PPOTorchRLModule):
    def setup(self):
        config = NetConfig()
        self.encoder = ActorCriticEncoderConfig(base_encoder_config=config).build(framework="torch")
        dims = config.output_dims
        self.pi = MLPHeadConfig(input_dims=dims, output_layer_dim=2).build(framework="torch")
        self.vf = MLPHeadConfig(input_dims=dims, output_layer_dim=1).build(framework="torch")

env = RandomEnv({"observation_space": gym.spaces.Box(0.0, 1.0, (3, 8, 8))})
module = RLModuleSpec(
    module_class=Mine,
    observation_space=env.observation_space,
    action_space=env.action_space,
).build()
"""


def test_an_encoder_that_bypasses_the_catalog(on_ray):
    done = on_ray(MOBILENET)
    out = done["module"].forward_train({"obs": torch.zeros(2, 3, 8, 8)})
    assert out["action_dist_inputs"].shape == (2, 2)
