"""Code as the document on RL Modules (Alpha) of Ray 2.3 shows it, rewritten for Ray 2.60."""

from __future__ import annotations

import gymnasium as gym
import torch

torch.set_num_threads(1)
FLAT, TWO = gym.spaces.Box(-1, 1, (4,)), gym.spaces.Discrete(2)
SPEC = "from ray.rllib.core.rl_module.rl_module import SingleAgentRLModuleSpec\n"
MULTI = "from ray.rllib.core.rl_module.marl_module import MultiAgentRLModuleSpec\n"
BC = "from ray.rllib.core.testing.torch.bc_module import DiscreteBCTorchModule\n"
CONFIG = "from ray.rllib.core.testing.bc_algorithm import BCConfigTest\n"
MODULE = "from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule\n"
RL_CONFIG = "from ray.rllib.core.rl_module.rl_module import RLModuleConfig\n"
NESTED = "from ray.rllib.utils.nested_dict import NestedDict\n"


def built_spec(config):
    config.validate()
    return config.get_rl_module_spec(spaces={"default_policy": (FLAT, TWO)}).build()


def test_enabling_in_the_configuration(on_ray):
    done = on_ray(
        "from ray.rllib.algorithms.ppo import PPOConfig\n"
        "config = (\n    PPOConfig()\n    .framework('torch')\n    .environment('CartPole-v1')\n"
        "    .rl_module(_enable_rl_module_api=True)\n)\n"
    )
    assert "_enable_rl_module_api" not in done.text
    assert "PPOTorchRLModule" in type(built_spec(done["config"])).__name__


def test_constructing_a_single_agent_module_and_its_multi_agent_form(on_ray):
    done = on_ray(
        "import gymnasium as gym\n" + SPEC + BC + "env = gym.make('CartPole-v1')\n"
        "spec = SingleAgentRLModuleSpec(\n    module_class=DiscreteBCTorchModule,\n"
        "    observation_space=env.observation_space,\n    action_space=env.action_space,\n"
        "    model_config_dict={'fcnet_hiddens': [64]},\n)\n"
        "module = spec.build()\nmarl_module = module.as_multi_agent()\n"
    )
    assert done["module"].policy[0].out_features == 64
    assert list(done["marl_module"].keys()) == ["default_policy"]


def test_constructing_a_multi_agent_module(on_ray):
    done = on_ray(
        "import gymnasium as gym\n" + SPEC + MULTI + BC + "spec = MultiAgentRLModuleSpec(\n"
        "    module_specs = {\n        name: SingleAgentRLModuleSpec(\n"
        "            module_class=DiscreteBCTorchModule,\n"
        "            observation_space=gym.spaces.Box(low=-1, high=1, shape=(size,)),\n"
        "            action_space=gym.spaces.Discrete(2),\n"
        "            model_config_dict={'fcnet_hiddens': [hidden]}\n        )\n"
        "        for name, size, hidden in [('module_1', 10, 32), ('module_2', 5, 16)]\n    },\n)\n"
        "module = spec.build()\n"
    )
    sizes = {name: module.policy[0].weight.shape for name, module in done["module"].items()}
    assert sizes == {"module_1": (32, 10), "module_2": (16, 5)}


def test_passing_a_spec_to_a_configuration(on_ray):
    done = on_ray(
        SPEC + BC + CONFIG + "config = (\n    BCConfigTest()\n    .environment('CartPole-v1')\n"
        "    .rl_module(\n        _enable_rl_module_api=True,\n"
        "        rl_module_spec=SingleAgentRLModuleSpec(module_class=DiscreteBCTorchModule),\n"
        "    )\n"
        "    .training(model={'fcnet_hiddens': [32, 32]})\n)\n"
    )
    assert built_spec(done["config"]).policy[0].out_features == 32


def test_passing_one_spec_for_all_agents_to_a_configuration(on_ray):
    done = on_ray(
        SPEC
        + MULTI
        + BC
        + CONFIG
        + "from ray.rllib.examples.env.multi_agent import MultiAgentCartPole\n"
        "config = (\n    BCConfigTest()\n"
        "    .environment(MultiAgentCartPole, env_config={'num_agents': 2})\n"
        "    .rl_module(\n        _enable_rl_module_api=True,\n"
        "        rl_module_spec=MultiAgentRLModuleSpec(\n"
        "            module_specs=SingleAgentRLModuleSpec(module_class=DiscreteBCTorchModule)\n"
        "        )\n    )\n    .training(model={'fcnet_hiddens': [32, 32]})\n)\n"
    )
    assert "MultiRLModuleSpec" not in done.text
    assert built_spec(done["config"]).policy[0].out_features == 32


WRITTEN = (
    MODULE
    + RL_CONFIG
    + NESTED
    + """
import torch
from torch import nn

class Cloning(TorchRLModule):
    def __init__(self, config: RLModuleConfig) -> None:
        super().__init__(config)

        sizes = [
            self.config.observation_space.shape[0],
            self.config.model_config_dict["fcnet_hiddens"][0],
            self.config.action_space.n,
        ]
        self.policy = nn.Sequential(
            nn.Linear(sizes[0], sizes[1]), nn.ReLU(), nn.Linear(sizes[1], sizes[2])
        )

    def _forward_inference(self, batch: NestedDict):
        with torch.no_grad():
            return self._forward_train(batch)

    def _forward_exploration(self, batch: NestedDict):
        with torch.no_grad():
            return self._forward_train(batch)

    def _forward_train(self, batch: NestedDict):
        logits = self.policy(batch["obs"])
        return {"action_dist": torch.distributions.Categorical(logits=logits)}
"""
)


def test_writing_a_torch_module(on_ray):
    done = on_ray(WRITTEN)
    assert done.manual == []
    assert "RLModuleConfig" not in done.text
    module = done["Cloning"](
        observation_space=FLAT, action_space=TWO, model_config={"fcnet_hiddens": [8]}
    )
    obs = torch.randn(3, 4)
    out = module.forward_train({"obs": obs})
    assert torch.equal(out["action_dist_inputs"], module.policy(obs))
    dist = module.get_train_action_dist_cls().from_logits(out["action_dist_inputs"])
    assert dist.logp(torch.tensor([0, 1, 0])).shape == (3,)


def test_writing_a_tf_module_is_left_to_do(on_ray):
    done = on_ray(
        "from ray.rllib.core.rl_module.tf.tf_rl_module import TfRLModule\n"
        + RL_CONFIG
        + "class Cloning(TfRLModule):\n    def __init__(self, config: RLModuleConfig) -> None:\n"
        "        super().__init__(config)\n        self.input_dim = 1\n",
        execute=False,
    )
    assert done.manual == ["RLM608"]
    assert "write" in done.text
    assert "torch" in done.text


def test_declaring_specs_of_every_kind(on_ray):
    done = on_ray(
        "import torch\n" + BC + "from ray.rllib.models.specs.typing import SpecType\n"
        "from ray.rllib.models.specs.torch_spec import TorchTensorSpec\n"
        "class Keys(DiscreteBCTorchModule):\n"
        "    def input_specs_exploration(self) -> SpecType:\n        return ['obs']\n"
        "    def output_specs_exploration(self) -> SpecType:\n        return ['action_dist']\n"
        "class Nested(DiscreteBCTorchModule):\n"
        "    def input_specs_exploration(self) -> SpecType:\n"
        "        return [('obs', 'global'), ('obs', 'local'), 'action_mask']\n"
        "class Shape(DiscreteBCTorchModule):\n"
        "    def input_specs_exploration(self) -> SpecType:\n"
        "        return {'obs': TorchTensorSpec('b, h', h=10)}\n"
        "class Kind(DiscreteBCTorchModule):\n"
        "    def output_specs_exploration(self) -> SpecType:\n"
        "        return {'action_dist': torch.distributions.Categorical}\n"
    )
    assert done.manual == []
    for name in ("Keys", "Nested", "Shape", "Kind"):
        module = done[name](
            observation_space=FLAT, action_space=TWO, model_config={"fcnet_hiddens": [8]}
        )
        assert "action_dist_inputs" in module.forward_exploration({"obs": torch.zeros(2, 4)})


SHARED = (
    MODULE
    + """from ray.rllib.core.rl_module.marl_module import (
    MultiAgentRLModule, MultiAgentRLModuleConfig, MultiAgentRLModuleSpec
)
"""
    + SPEC
    + """
import gymnasium as gym
import torch
from torch import nn

class Head(TorchRLModule):
    def __init__(self, encoder: nn.Module, local_dim: int, hidden_dim: int, action_dim: int):
        super().__init__(config=None)

        self.encoder = encoder
        self.policy_head = nn.Linear(hidden_dim + local_dim, action_dim)

    def _forward_train(self, batch):
        obs = batch["obs"]
        features = torch.cat([self.encoder(obs["global"]), obs["local"]], dim=-1)
        return {"action_dist": torch.distributions.Categorical(logits=self.policy_head(features))}

class Sharing(MultiAgentRLModule):
    def __init__(self, config: MultiAgentRLModuleConfig) -> None:
        super().__init__(config)

    def build(self):
        specs = self.config.modules
        first = next(iter(specs.values()))
        hidden = first.model_config_dict["fcnet_hiddens"][0]
        encoder = nn.Linear(first.observation_space["global"].shape[0], hidden)
        self._rl_modules = {
            name: Head(
                encoder=encoder,
                local_dim=spec.observation_space["local"].shape[0],
                hidden_dim=hidden,
                action_dim=spec.action_space.n,
            )
            for name, spec in specs.items()
        }

def one(local):
    return SingleAgentRLModuleSpec(
        observation_space=gym.spaces.Dict({
            "global": gym.spaces.Box(low=-1, high=1, shape=(2,)),
            "local": gym.spaces.Box(low=-1, high=1, shape=(local,)),
        }),
        action_space=gym.spaces.Discrete(local),
        model_config_dict={"fcnet_hiddens": [64]},
    )

spec = MultiAgentRLModuleSpec(
    marl_module_class=Sharing, module_specs={"local_2d": one(2), "local_5d": one(5)}
)
module = spec.build()
"""
)


def test_writing_a_multi_agent_module_with_a_shared_encoder(on_ray):
    done = on_ray(SHARED)
    assert done.manual == []
    module = done["module"]
    assert module["local_2d"].encoder is module["local_5d"].encoder
    obs = {"global": torch.zeros(3, 2), "local": torch.zeros(3, 5)}
    out = module["local_5d"].forward_train({"obs": obs})
    assert out["action_dist_inputs"].shape == (3, 5)


def test_extending_a_module_and_a_catalog(on_ray):
    done = on_ray(
        "from ray.rllib.algorithms.ppo import PPOConfig\n"
        "from ray.rllib.algorithms.ppo.ppo_catalog import PPOCatalog\n"
        "from ray.rllib.algorithms.ppo.torch.ppo_torch_rl_module import PPOTorchRLModule\n"
        + RL_CONFIG
        + SPEC
        + "class Mine(PPOTorchRLModule):\n    def __init__(self, config: RLModuleConfig):\n"
        "        super().__init__(config)\n        self.extra = 1\n"
        "class Catalog(PPOCatalog):\n    pass\n"
        "a = PPOConfig().environment('CartPole-v1').rl_module(\n"
        "    rl_module_spec=SingleAgentRLModuleSpec(module_class=Mine)\n)\n"
        "b = PPOConfig().environment('CartPole-v1').rl_module(\n"
        "    rl_module_spec=SingleAgentRLModuleSpec(catalog_class=Catalog)\n)\n"
    )
    mine = built_spec(done["a"])
    assert type(mine) is done["Mine"]
    assert mine.extra == 1
    assert type(built_spec(done["b"]).catalog) is done["Catalog"]
