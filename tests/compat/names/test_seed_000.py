"""Code as the document on RL Modules of Ray 2.39 shows it, rewritten for Ray 2.60.

Most of its blocks are the same as those of 2.38 and 2.40: see test_seed_002.py, test_seed_003.py.
"""

from __future__ import annotations

import gymnasium as gym
import torch

torch.set_num_threads(1)
FLAT, TWO = gym.spaces.Box(-1, 1, (4,)), gym.spaces.Discrete(2)


def test_returning_actions_and_returning_none(on_ray):
    done = on_ray(
        "import torch\nfrom ray.rllib.core.columns import Columns\n"
        "from ray.rllib.core.rl_module.torch_rl_module import TorchRLModule\n"
        "class Acting(TorchRLModule):\n    def _forward_inference(self, batch):\n"
        "        return {\n"
        "            Columns.ACTIONS: torch.zeros(len(batch[Columns.OBS]))  # used as they are\n"
        "        }\n"
        "class Drawing(TorchRLModule):\n    def _forward_inference(self, batch):\n"
        "        return {Columns.ACTION_DIST_INPUTS: torch.zeros(len(batch[Columns.OBS]), 2)}\n"
    )
    assert "# used as they are" in done.text
    batch = {"obs": torch.zeros(3, 4)}
    made = {
        name: set(done[name](observation_space=FLAT, action_space=TWO).forward_inference(batch))
        for name in ("Acting", "Drawing")
    }
    assert made == {"Acting": {"actions"}, "Drawing": {"action_dist_inputs"}}


def test_passing_fields_of_the_document_to_a_spec(on_ray):
    done = on_ray(
        "import gymnasium as gym\nfrom ray.rllib.core.rl_module.rl_module import RLModuleSpec\n"
        "from ray.rllib.core.testing.torch.bc_module import DiscreteBCTorchModule\n"
        "spec = RLModuleSpec(\n    module_class=DiscreteBCTorchModule,\n"
        "    observation_space=gym.spaces.Box(-1, 1, (4,)),\n"
        "    action_space=gym.spaces.Discrete(2),\n"
        "    model_config_dict={'fcnet_hiddens': [64]},\n)\n"
        "spec.model_config_dict['fcnet_hiddens'] = [16]\nmodule = spec.build()\n"
    )
    assert done["module"].policy[0].out_features == 16


def test_the_equivalent_module_imports_its_distribution_from_today(on_ray):
    done = on_ray(
        "import torch\nfrom ray.rllib.core.columns import Columns\n"
        "from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule\n"
        "from ray.rllib.models.torch.torch_distributions import TorchCategorical\n"
        "class Mine(TorchRLModule):\n    def setup(self):\n"
        "        self.net = torch.nn.Linear(4, 2)\n"
        "        self.action_dist_cls = TorchCategorical\n"
        "    def _forward(self, batch, **kwargs):\n"
        "        return {Columns.ACTION_DIST_INPUTS: self.net(batch[Columns.OBS])}\n"
    )
    assert "ray.rllib.core.distribution" in done.text
    module = done["Mine"](observation_space=FLAT, action_space=TWO)
    assert module.get_inference_action_dist_cls().__module__.startswith("ray.rllib.core")


def test_a_catalog_of_ones_own(on_ray):
    done = on_ray(
        "from ray.rllib.algorithms.ppo import PPOConfig\n"
        "from ray.rllib.algorithms.ppo.ppo_catalog import PPOCatalog\n"
        "from ray.rllib.core.rl_module.rl_module import RLModuleSpec\n"
        "class Mine(PPOCatalog):\n    def build_actor_critic_encoder(self, framework):\n"
        "        return super().build_actor_critic_encoder(framework)\n"
        "config = PPOConfig().environment('CartPole-v1').rl_module(\n"
        "    rl_module_spec=RLModuleSpec(catalog_class=Mine)\n)\n"
    )
    spec = done["config"].get_rl_module_spec(spaces={"default_policy": (FLAT, TWO)})
    assert type(spec.build().catalog) is done["Mine"]
