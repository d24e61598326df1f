"""Cases of the rule."""

from __future__ import annotations

from rlmigrate.migrate.rules.base import Case

HEAD = "from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule\n"
CONFIG = "from ray.rllib.core.rl_module.rl_module import RLModuleConfig\n"

UNCHANGED = (
    Case("setup already", HEAD + "class A(TorchRLModule):\n    def setup(self):\n        pass\n"),
    Case(
        "a constructor that passes everything on",
        HEAD + "class A(TorchRLModule):\n    def __init__(self, *args, **kwargs):\n"
        "        super().__init__(*args, **kwargs)\n        self.x = 1\n",
    ),
    Case(
        "a class that is no RLModule",
        "# rllib\nclass A:\n    def __init__(self, config):\n        super().__init__(config)\n"
        "        self.n = config.action_space.n\n",
    ),
    Case(
        "a config that is not the base's",
        HEAD + "class A(TorchRLModule):\n    def __init__(self, config):\n"
        "        super().__init__()\n        self.n = config.action_space.n\n",
    ),
)

CASES = (
    Case(
        "fields from config and self.config",
        HEAD + CONFIG + "class A(TorchRLModule):\n"
        "    def __init__(self, config: RLModuleConfig) -> None:\n"
        "        super().__init__(config)\n\n"
        "        # sizes\n"
        "        n = self.config.action_space.n\n"
        '        h = config.model_config_dict["fcnet_hiddens"][0]\n',
        HEAD + "class A(TorchRLModule):\n"
        "    def setup(self) -> None:\n"
        "        # sizes\n"
        "        n = self.action_space.n\n"
        '        h = self.model_config["fcnet_hiddens"][0]\n',
    ),
    Case(
        "a base that builds networks",
        "from ray.rllib.algorithms.ppo.torch.ppo_torch_rl_module import PPOTorchRLModule\n"
        "class A(PPOTorchRLModule):\n    def __init__(self, config):\n"
        "        super().__init__(config)\n        self.extra = 1\n",
        "from ray.rllib.algorithms.ppo.torch.ppo_torch_rl_module import PPOTorchRLModule\n"
        "class A(PPOTorchRLModule):\n    def setup(self):\n"
        "        super().setup()\n        self.extra = 1\n",
    ),
    Case(
        "a constructor that does nothing else",
        HEAD + "class A(TorchRLModule):\n    def __init__(self, config):\n"
        "        super().__init__(config)\n\n    def setup(self):\n        self.x = 1\n",
        HEAD + "class A(TorchRLModule):\n    def setup(self):\n        self.x = 1\n",
    ),
    Case(
        "config=None",
        HEAD + "class A(TorchRLModule):\n    def __init__(self, encoder):\n"
        "        super().__init__(config=None)\n        self.encoder = encoder\n",
        HEAD + "class A(TorchRLModule):\n    def __init__(self, encoder):\n"
        "        super().__init__()\n        self.encoder = encoder\n",
    ),
    Case(
        "a module built from a config",
        CONFIG + "m = Mine(RLModuleConfig(action_space=a, model_config_dict={}))\n",
        "m = Mine(action_space=a, model_config={})\n",
    ),
    Case(
        "a use that has no counterpart",
        HEAD + "class A(TorchRLModule):\n    def __init__(self, config):\n"
        "        super().__init__(config)\n        self.kept = config\n",
        HEAD + "class A(TorchRLModule):\n"
        "    # TODO(rlmigrate RLM602): move the constructor into setup(self): `config` is used "
        "otherwise\n    #     than by the fields that setup() has\n"
        "    def __init__(self, config):\n"
        "        super().__init__(config)\n        self.kept = config\n",
    ),
)
