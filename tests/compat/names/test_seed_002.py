"""Code as the document on RL Modules of Ray 2.40 shows it, rewritten for Ray 2.60."""

from __future__ import annotations

import gymnasium as gym
import torch

torch.set_num_threads(1)
FLAT, TWO = gym.spaces.Box(-1, 1, (4,)), gym.spaces.Discrete(2)
SPEC = "from ray.rllib.core.rl_module.rl_module import RLModuleSpec\n"
MULTI = "from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec\n"
BC = "from ray.rllib.core.testing.torch.bc_module import DiscreteBCTorchModule\n"
DEFAULT_BC = (
    "from ray.rllib.algorithms.bc.torch.default_bc_torch_rl_module import DefaultBCTorchRLModule\n"
)
CONFIG = "from ray.rllib.core.testing.bc_algorithm import BCConfigTest\n"
AGENTS = "from ray.rllib.examples.envs.classes.multi_agent import MultiAgentCartPole\n"
STACK = (
    "    .api_stack(\n        enable_rl_module_and_learner=True,\n"
    "        enable_env_runner_and_connector_v2=True,\n    )\n"
)


def test_switching_the_api_stack(on_ray):
    done = on_ray(
        "from ray.rllib.algorithms.algorithm_config import AlgorithmConfig\n"
        "config = (\n    AlgorithmConfig()\n" + STACK + ")\n"
    )
    assert done["config"].enable_rl_module_and_learner
    assert done["config"].enable_env_runner_and_connector_v2


def test_constructing_through_the_constructor(on_ray):
    code = (
        "import gymnasium as gym\n" + DEFAULT_BC + "env = gym.make('CartPole-v1')\n"
        "module = DefaultBCTorchRLModule(\n    observation_space=env.observation_space,\n"
        "    action_space=env.action_space,\n    # A custom dict.\n"
        "    model_config={'fcnet_hiddens': [64]},\n)\n"
    )
    assert on_ray(code).text == code  # it speaks the target release already


def test_constructing_through_a_spec(on_ray):
    code = (
        "import gymnasium as gym\n" + DEFAULT_BC + SPEC + "env = gym.make('CartPole-v1')\n"
        "spec = RLModuleSpec(\n    module_class=DefaultBCTorchRLModule,\n"
        "    observation_space=env.observation_space,\n    action_space=env.action_space,\n"
        "    model_config={'fcnet_hiddens': [64]},\n)\nmodule = spec.build()\n"
    )
    done = on_ray(code)
    assert done.text == code
    assert done["module"].observation_space == done["env"].observation_space


def test_constructing_a_multi_module(on_ray):
    done = on_ray(
        "import gymnasium as gym\n"
        + DEFAULT_BC
        + SPEC
        + MULTI
        + BC
        + "def one(cls, size, hidden):\n    return RLModuleSpec(\n        module_class=cls,\n"
        "        observation_space=gym.spaces.Box(low=-1, high=1, shape=(size,)),\n"
        "        action_space=gym.spaces.Discrete(2),\n"
        "        model_config={'fcnet_hiddens': [hidden]},\n    )\n"
        "spec = MultiRLModuleSpec(\n    module_specs={\n"
        "        'module_1': one(DefaultBCTorchRLModule, 10, 32),\n"
        "        'module_2': one(DiscreteBCTorchModule, 5, 16),\n    },\n)\n"
        "module = spec.build()\n"
    )
    assert done["module"]["module_2"].policy[0].weight.shape == (16, 5)


def test_passing_a_spec_to_a_configuration(on_ray):
    code = (
        SPEC
        + BC
        + CONFIG
        + "config = (\n    BCConfigTest()\n"
        + STACK
        + "    .environment('CartPole-v1')\n    .rl_module(\n        rl_module_spec=RLModuleSpec(\n"
        "            module_class=DiscreteBCTorchModule,\n"
        "            model_config={'fcnet_hiddens': [32, 32]},\n        ),\n    )\n)\n"
    )
    config = on_ray(code)["config"]
    config.validate()
    module = config.get_rl_module_spec(spaces={"default_policy": (FLAT, TWO)}).build()
    assert module.policy[0].out_features == 32


def test_one_net_for_all_agents(on_ray):
    done = on_ray(
        SPEC
        + MULTI
        + BC
        + CONFIG
        + AGENTS
        + "config = (\n    BCConfigTest()\n"
        + STACK
        + "    .environment(MultiAgentCartPole, env_config={'num_agents': 2})\n    .rl_module(\n"
        "        rl_module_spec=MultiRLModuleSpec(\n            # All agents share one net.\n"
        "            rl_module_specs=RLModuleSpec(\n"
        "                module_class=DiscreteBCTorchModule,\n"
        "                model_config={'fcnet_hiddens': [32, 32]},\n            )\n        ),\n"
        "    )\n)\n"
    )
    assert "# All agents share one net." in done.text
    done["config"].validate()
    spec = done["config"].get_rl_module_spec(spaces={"default_policy": (FLAT, TWO)})
    assert spec.build().policy[0].out_features == 32


def test_two_nets_for_two_agents(on_ray):
    done = on_ray(
        SPEC
        + MULTI
        + BC
        + CONFIG
        + AGENTS
        + "config = (\n    BCConfigTest()\n"
        + STACK
        + "    .environment(MultiAgentCartPole, env_config={'num_agents': 2})\n"
        "    .multi_agent(\n        policies={'p0', 'p1'},\n"
        "        policy_mapping_fn=lambda agent_id, episode, **kw: f'p{agent_id}',\n    )\n"
        "    .rl_module(\n        rl_module_spec=MultiRLModuleSpec(\n"
        "            rl_module_specs={\n                f'p{i}': RLModuleSpec(\n"
        "                    module_class=DiscreteBCTorchModule,\n"
        "                    model_config={'fcnet_hiddens': [size, size]},\n                )\n"
        "                for i, size in enumerate((32, 128))\n"
        "            },\n        ),\n    )\n)\n"
    )
    done["config"].validate()
    spaces = {f"p{i}": (FLAT, TWO) for i in range(2)}
    module = done["config"].get_multi_rl_module_spec(spaces=spaces).build()
    assert [module[f"p{i}"].policy[0].out_features for i in range(2)] == [32, 128]


CUSTOM = """
import torch
from torch import nn
from ray.rllib.core import Columns, TorchRLModule

class Mine(TorchRLModule):
    def setup(self) -> None:
        hidden = self.model_config["fcnet_hiddens"][0]
        self._pi_head = nn.Sequential(
            nn.Linear(self.observation_space.shape[0], hidden),
            nn.ReLU(),
            nn.Linear(hidden, self.action_space.n),
        )

    def _forward_train(self, batch) -> dict:
        return {Columns.ACTION_DIST_INPUTS: self._pi_head(batch[Columns.OBS])}

    def _forward_inference(self, batch) -> dict:
        with torch.no_grad():
            return self._forward_train(batch)
"""


def test_writing_a_module_with_the_imports_of_the_document(on_ray):
    done = on_ray(CUSTOM)
    module = done["Mine"](
        observation_space=FLAT, action_space=TWO, model_config={"fcnet_hiddens": [8]}
    )
    assert module.forward_inference({"obs": torch.zeros(3, 4)})["action_dist_inputs"].shape == (
        3,
        2,
    )


def test_returning_actions_with_the_imports_of_the_document(on_ray):
    done = on_ray(
        "import torch\nfrom ray.rllib.core import Columns, TorchRLModule\n"
        "class Mine(TorchRLModule):\n    def _forward(self, batch, **kwargs):\n"
        "        logits = torch.zeros(len(batch[Columns.OBS]), 2)\n"
        "        return {Columns.ACTIONS: logits.argmax(-1), Columns.ACTION_DIST_INPUTS: logits}\n"
    )
    module = done["Mine"](observation_space=FLAT, action_space=TWO)
    assert set(module.forward_exploration({"obs": torch.zeros(3, 4)})) == {
        "actions",
        "action_dist_inputs",
    }


SHARED = """
import torch
from torch import nn
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core import Columns
from ray.rllib.core import MultiRLModuleSpec, RLModuleSpec
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule
from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
from ray.rllib.examples.envs.classes.multi_agent import MultiAgentCartPole

class Head(TorchRLModule):
    def setup(self):
        self._pi_head = nn.Linear(self.model_config["feature_dim"], self.action_space.n)

    def _forward(self, batch, **kwargs):
        return {Columns.ACTION_DIST_INPUTS: self._pi_head(batch["encoder_features"])}

class Sharing(MultiRLModule):
    def setup(self):
        super().setup()
        self._shared_encoder = nn.Linear(
            self.observation_space.shape[0], self.model_config["feature_dim"]
        )

    def _forward_inference(self, batch):
        features = self._shared_encoder(batch[Columns.OBS])
        return {
            mid: module.forward_inference({"encoder_features": features})
            for mid, module in self.items()
        }

config = (
    PPOConfig()
    .environment(MultiAgentCartPole, env_config={"num_agents": 2})
    .multi_agent(
        policies={"p0", "p1"},
        policy_mapping_fn=lambda agent_id, episode, **kw: f"p{agent_id}",
    )
    .rl_module(
        rl_module_spec=MultiRLModuleSpec(
            multi_rl_module_class=Sharing,
            observation_space=None,
            model_config={"feature_dim": 128},
            rl_module_specs={
                name: RLModuleSpec(module_class=Head, model_config={"feature_dim": 128})
                for name in ("p0", "p1")
            },
        ),
    )
)
"""


def test_writing_a_multi_module_with_a_shared_encoder(on_ray):
    done = on_ray(SHARED)
    done["config"].validate()
    spec = done["config"].get_multi_rl_module_spec(spaces=dict.fromkeys(("p0", "p1"), (FLAT, TWO)))
    spec.observation_space = FLAT
    module = spec.build()
    out = module.forward_inference({"obs": torch.zeros(3, 4)})
    assert {name: o["action_dist_inputs"].shape for name, o in out.items()} == {
        "p0": (3, 2),
        "p1": (3, 2),
    }


CHECKPOINT = """
import gymnasium as gym
import tempfile
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.algorithms.ppo.ppo_catalog import PPOCatalog
from ray.rllib.algorithms.ppo.torch.ppo_torch_rl_module import PPOTorchRLModule
from ray.rllib.core.rl_module.rl_module import RLModule, RLModuleSpec

config = PPOConfig().environment("CartPole-v1")
env = gym.make("CartPole-v1")
spec = RLModuleSpec(
    module_class=PPOTorchRLModule,
    observation_space=env.observation_space,
    action_space=env.action_space,
    model_config_dict=config.model_config | {"fcnet_hiddens": [32]},
    catalog_class=PPOCatalog,
)
module = spec.build()
path = tempfile.mkdtemp()
module.save_to_path(path)
loaded = RLModule.from_checkpoint(path)
config.rl_module(model_config_dict=config.model_config | {"fcnet_hiddens": [32]})
"""


def test_checkpointing(on_ray):
    done = on_ray(CHECKPOINT)
    assert "model_config_dict" not in done.text
    ours, theirs = (done[name].state_dict() for name in ("module", "loaded"))
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items())
    assert done["config"].model_config["fcnet_hiddens"] == [32]


def test_extending_a_module(on_ray):
    done = on_ray(
        "import torch\nfrom ray.rllib.algorithms.ppo import PPOConfig\n"
        "from ray.rllib.core import RLModuleSpec, TorchRLModule\nnn = torch.nn\n"
        "class Mine(TorchRLModule):\n    def setup(self):\n"
        "        self._encoder_fcnet = nn.Sequential(nn.Linear(4, 2))\n"
        "config = PPOConfig().environment('CartPole-v1').rl_module(\n"
        "    rl_module_spec=RLModuleSpec(module_class=Mine)\n)\n"
    )
    spec = done["config"].get_rl_module_spec(spaces={"default_policy": (FLAT, TWO)})
    assert type(spec.build()) is done["Mine"]
