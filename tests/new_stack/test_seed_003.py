"""The code blocks of the document of about 2.38, whose lost indentation is put in again.

Blocks that train an Algorithm need Ray; of those, the part that builds modules runs here. The block
in TensorFlow is with the TensorFlow tests. What the document leaves out is filled in. Blocks
that build an Algorithm run in tests/e2e/test_seed_blocks_on_ray.py.
"""

from __future__ import annotations

import pytest
import torch

from rlmigrate import ray_names
from rlmigrate.new_stack import DEFAULT_MODULE_ID, Columns, actions_from_outputs
from rlmigrate.new_stack.defaults.ppo import DefaultPPOTorchRLModule

OBS = {"obs": torch.rand(3, 4)}

CONSTRUCTING = """
    import gymnasium as gym
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec
    from ray.rllib.core.testing.torch.bc_module import DiscreteBCTorchModule
    env = gym.make("CartPole-v1")
    spec = RLModuleSpec(
        module_class=DiscreteBCTorchModule,
        observation_space=env.observation_space,
        action_space=env.action_space,
        model_config={"fcnet_hiddens": [64]},
    )
    module = spec.build()
"""

CUSTOM = """
    from typing import Any, Dict
    from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
    from ray.rllib.core.rl_module.rl_module import RLModuleConfig
    import torch
    import torch.nn as nn
    class DiscreteBCTorchModule(TorchRLModule):
        def __init__(self, config: RLModuleConfig) -> None:
            super().__init__(config)
        def setup(self):
            input_dim = self.observation_space.shape[0]
            hidden_dim = self.model_config["fcnet_hiddens"][0]
            output_dim = self.action_space.n
            self.policy = nn.Sequential(
                nn.Linear(input_dim, hidden_dim),
                nn.ReLU(),
                nn.Linear(hidden_dim, output_dim),
            )
            self.input_dim = input_dim
        def _forward_inference(self, batch: Dict[str, Any]) -> Dict[str, Any]:
            with torch.no_grad():
                return self._forward_train(batch)
        def _forward_exploration(self, batch: Dict[str, Any]) -> Dict[str, Any]:
            with torch.no_grad():
                return self._forward_train(batch)
        def _forward_train(self, batch: Dict[str, Any]) -> Dict[str, Any]:
            action_logits = self.policy(batch["obs"])
            return {"action_dist": torch.distributions.Categorical(logits=action_logits)}
"""

SHARED = """
    from typing import Any, Dict
    from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
    from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleConfig, MultiRLModule
    import torch
    import torch.nn as nn
    class BCTorchRLModuleWithSharedGlobalEncoder(TorchRLModule):
        def setup(self):
            self.encoder = self.model_config["encoder"]
            self.policy_head = nn.Sequential(
                nn.Linear(
                    self.model_config["hidden_dim"] + self.model_config["local_dim"],
                    self.model_config["hidden_dim"],
                ),
                nn.ReLU(),
                nn.Linear(self.model_config["hidden_dim"], self.model_config["action_dim"]),
            )
        def _forward_inference(self, batch: Dict[str, Any]) -> Dict[str, Any]:
            with torch.no_grad():
                return self._common_forward(batch)
        def _forward_exploration(self, batch: Dict[str, Any]) -> Dict[str, Any]:
            with torch.no_grad():
                return self._common_forward(batch)
        def _forward_train(self, batch: Dict[str, Any]) -> Dict[str, Any]:
            return self._common_forward(batch)
        def _common_forward(self, batch):
            obs = batch["obs"]
            global_enc = self.encoder(obs["global"])
            policy_in = torch.cat([global_enc, obs["local"]], dim=-1)
            action_logits = self.policy_head(policy_in)
            return {"action_dist": torch.distributions.Categorical(logits=action_logits)}
    class BCTorchMultiAgentModuleWithSharedEncoder(MultiRLModule):
        def setup(self):
            module_specs = self.rl_module_specs
            module_spec = next(iter(module_specs.values()))
            global_dim = module_spec.observation_space["global"].shape[0]
            hidden_dim = module_spec.model_config["fcnet_hiddens"][0]
            shared_encoder = nn.Sequential(
                nn.Linear(global_dim, hidden_dim),
                nn.ReLU(),
                nn.Linear(hidden_dim, hidden_dim),
            )
            rl_modules = {}
            for module_id, module_spec in module_specs.items():
                rl_modules[module_id] = BCTorchRLModuleWithSharedGlobalEncoder(
                    observation_space=module_spec.observation_space,
                    action_space=module_spec.action_space,
                    model_config={
                        "local_dim": module_spec.observation_space["local"].shape[0],
                        "hidden_dim": hidden_dim,
                        "action_dim": module_spec.action_space.n,
                        "encoder": shared_encoder,
                    },
                )
            self._rl_modules = rl_modules
"""

SHARED_SPEC = """
    import gymnasium as gym
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec
    from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
    spec = MultiRLModuleSpec(
        multi_rl_module_class=BCTorchMultiAgentModuleWithSharedEncoder,
        rl_module_specs={
            "local_2d": RLModuleSpec(
                observation_space=gym.spaces.Dict(
                    {
                        "global": gym.spaces.Box(low=-1, high=1, shape=(2,)),
                        "local": gym.spaces.Box(low=-1, high=1, shape=(2,)),
                    }
                ),
                action_space=gym.spaces.Discrete(2),
                model_config={"fcnet_hiddens": [64]},
            ),
            "local_5d": RLModuleSpec(
                observation_space=gym.spaces.Dict(
                    {
                        "global": gym.spaces.Box(low=-1, high=1, shape=(2,)),
                        "local": gym.spaces.Box(low=-1, high=1, shape=(5,)),
                    }
                ),
                action_space=gym.spaces.Discrete(5),
                model_config={"fcnet_hiddens": [64]},
            ),
        },
    )
    module = spec.build()
"""


def test_constructing_rl_modules_single_agent(run):
    assert run(CONSTRUCTING)["module"].policy[0].out_features == 64


def test_constructing_rl_modules_multi_agent(run):
    module = run(
        """
        import gymnasium as gym
        from ray.rllib.core.rl_module.rl_module import RLModuleSpec
        from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
        from ray.rllib.core.testing.torch.bc_module import DiscreteBCTorchModule
        spec = MultiRLModuleSpec(
            rl_module_specs={
                "module_1": RLModuleSpec(
                    module_class=DiscreteBCTorchModule,
                    observation_space=gym.spaces.Box(low=-1, high=1, shape=(10,)),
                    action_space=gym.spaces.Discrete(2),
                    model_config={"fcnet_hiddens": [32]},
                ),
                "module_2": RLModuleSpec(
                    module_class=DiscreteBCTorchModule,
                    observation_space=gym.spaces.Box(low=-1, high=1, shape=(5,)),
                    action_space=gym.spaces.Discrete(2),
                    model_config={"fcnet_hiddens": [16]},
                ),
            },
        )
        multi_rl_module = spec.build()
        """
    )["multi_rl_module"]
    assert module["module_1"].policy[0].in_features == 10


def test_passing_specs_to_the_config(run):
    """What the algorithm makes of `model_config` and a spec with the class only."""
    scope = run(CONSTRUCTING)
    module = run(
        """
        rl_module_spec = RLModuleSpec(module_class=DiscreteBCTorchModule)
        rl_module_spec.update(RLModuleSpec(
            observation_space=env.observation_space,
            action_space=env.action_space,
            model_config={"fcnet_hiddens": [32, 32]},
        ))
        module = rl_module_spec.build()
        """,
        before=scope,
    )["module"]
    assert module.policy[0].out_features == 32


def test_converting_to_a_multi_rl_module(run):
    scope = run("multi_rl_module = module.as_multi_rl_module()", before=run(CONSTRUCTING))
    assert scope["multi_rl_module"][DEFAULT_MODULE_ID] is scope["module"]


@pytest.mark.parametrize("returns_actions", [True, False])
def test_returning_actions_or_distribution_inputs(run, returns_actions):
    code = """
        import torch
        from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
        class MyRLModule(TorchRLModule):
            def _forward_inference(self, batch):
                return {"actions": torch.zeros(3, dtype=torch.long)}
            def _forward_exploration(self, batch):
                return {
                    "actions": torch.tensor([0, 1, 0]),
                    "action_dist_inputs": torch.tensor([[0.0, 1.0]] * 3),
                }
    """
    if not returns_actions:
        code = (
            code.replace('"actions": torch.zeros(3, dtype=torch.long)', '"x": 0')
            .replace('"actions": torch.tensor([0, 1, 0]),', "")
            .replace('{"x": 0}', '{"action_dist_inputs": torch.tensor([[0.0, 1.0]] * 3)}')
        )
    cls = run(code)["MyRLModule"]
    import gymnasium as gym

    module = cls(observation_space=gym.spaces.Box(-1, 1, (4,)), action_space=gym.spaces.Discrete(2))
    explored = actions_from_outputs(module, module.forward_exploration(OBS), explore=True)
    logps = torch.log_softmax(torch.tensor([0.0, 1.0]), 0)
    assert torch.allclose(explored["action_logp"], logps[explored["actions"]])
    greedy = actions_from_outputs(module, module.forward_inference(OBS), explore=False)
    assert greedy["actions"].tolist() == ([0, 0, 0] if returns_actions else [1, 1, 1])
    if returns_actions:
        assert explored["actions"].tolist() == [0, 1, 0]


@pytest.mark.parametrize("era", [None, "2.38"])
def test_writing_a_custom_module_in_torch(run, era):
    scope = run(
        """
        import gymnasium as gym
        from ray.rllib.core.rl_module.rl_module import RLModuleSpec
        module = RLModuleSpec(
            module_class=DiscreteBCTorchModule,
            observation_space=gym.spaces.Box(-1, 1, (4,)),
            action_space=gym.spaces.Discrete(2),
            model_config={"fcnet_hiddens": [8]},
        ).build()
        """,
        era=era,
        before=run(CUSTOM, era=era),
    )
    with ray_names(era=era, ray=False):
        assert scope["module"].forward_exploration(OBS)["action_dist"].sample().shape == (3,)


def test_the_custom_module_is_refused_in_a_release_that_refused_it(run):
    cls = run(CUSTOM)["DiscreteBCTorchModule"]
    with ray_names(era="2.47", ray=False), pytest.raises(ValueError, match=r"Ray 2\.47.*RLM602"):
        cls(object())


def test_multi_agent_with_a_shared_encoder(run):
    module = run(SHARED_SPEC, before=run(SHARED))["module"]
    batch = {"local_5d": {"obs": {"global": torch.rand(3, 2), "local": torch.rand(3, 5)}}}
    out = module.forward_inference(batch)["local_5d"]["action_dist"]
    assert out.logits.shape == (3, 5)
    assert not out.logits.requires_grad
    again = run(SHARED_SPEC, before=run(SHARED))["module"]
    assert again.set_state(module.get_state()).complete
    assert torch.equal(again["local_2d"].encoder[2].weight, module["local_5d"].encoder[2].weight)


def test_replacing_the_encoder_of_ppo(run):
    """The block on MobileNet, with an encoder of the same make that needs no download."""
    module = run(
        """
        import gymnasium as gym
        import numpy as np
        import torch
        from ray.rllib.algorithms.ppo.torch.ppo_torch_rl_module import PPOTorchRLModule
        from ray.rllib.core.models.base import ENCODER_OUT, Encoder
        from ray.rllib.core.models.configs import MLPHeadConfig, ModelConfig
        from ray.rllib.core.models.torch.base import TorchModel
        from ray.rllib.core.rl_module.rl_module import RLModuleSpec
        from ray.rllib.core.models.configs import ActorCriticEncoderConfig

        MOBILENET_INPUT_SHAPE = (3, 8, 8)

        class MobileNetV2EncoderConfig(ModelConfig):
            output_dims = (6,)
            freeze = True
            def build(self, framework):
                assert framework == "torch", "Unsupported framework `{}`!".format(framework)
                return MobileNetV2Encoder(self)

        class MobileNetV2Encoder(TorchModel, Encoder):
            def __init__(self, config):
                super().__init__(config)
                self.net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 6))
                if config.freeze:
                    for p in self.net.parameters():
                        p.requires_grad = False
            def _forward(self, input_dict, **kwargs):
                return {ENCODER_OUT: (self.net(input_dict["obs"]))}

        class MobileNetTorchPPORLModule(PPOTorchRLModule):
            def setup(self):
                mobilenet_v2_config = MobileNetV2EncoderConfig()
                actor_critic_encoder_config = ActorCriticEncoderConfig(
                    base_encoder_config=mobilenet_v2_config
                )
                self.encoder = actor_critic_encoder_config.build(framework="torch")
                mobilenet_v2_output_dims = mobilenet_v2_config.output_dims
                pi_config = MLPHeadConfig(
                    input_dims=mobilenet_v2_output_dims,
                    output_layer_dim=2,
                )
                vf_config = MLPHeadConfig(
                    input_dims=mobilenet_v2_output_dims, output_layer_dim=1
                )
                self.pi = pi_config.build(framework="torch")
                self.vf = vf_config.build(framework="torch")

        module = RLModuleSpec(
            module_class=MobileNetTorchPPORLModule,
            action_space=gym.spaces.Discrete(2),
            observation_space=gym.spaces.Box(0.0, 1.0, MOBILENET_INPUT_SHAPE, np.float32),
            model_config={},
        ).build()
        """
    )["module"]
    batch = {"obs": torch.rand(2, 3, 8, 8)}
    out = module.forward_train(batch)
    assert out[Columns.ACTION_DIST_INPUTS].shape == (2, 2)
    assert module.compute_values(batch, out[Columns.EMBEDDINGS]).shape == (2,)


def test_checkpointing(run, tmp_path):
    """`config.model_config` is an Algorithm's; its defaults are DefaultModelConfig's."""
    scope = run(
        """
        import dataclasses
        import gymnasium as gym
        from ray.rllib.algorithms.ppo.ppo_catalog import PPOCatalog
        from ray.rllib.algorithms.ppo.torch.ppo_torch_rl_module import PPOTorchRLModule
        from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
        from ray.rllib.core.rl_module.rl_module import RLModule, RLModuleSpec
        env = gym.make("CartPole-v1")
        module_spec = RLModuleSpec(
            module_class=PPOTorchRLModule,
            observation_space=env.observation_space,
            action_space=env.action_space,
            model_config=dataclasses.asdict(DefaultModelConfig()) | {"fcnet_hiddens": [32]},
            catalog_class=PPOCatalog,
        )
        module = module_spec.build()
        module.save_to_path(module_ckpt_path)
        loaded_module = RLModule.from_checkpoint(module_ckpt_path)
        """,
        before={"module_ckpt_path": str(tmp_path)},
    )
    module, loaded = scope["module"], scope["loaded_module"]
    assert type(loaded) is DefaultPPOTorchRLModule
    outs = [m.forward_inference(OBS)[Columns.ACTION_DIST_INPUTS] for m in (module, loaded)]
    assert torch.equal(*outs)


def test_restoring_one_component(run, tmp_path):
    """The end of the checkpointing block: one module's state into the multi module of a Learner."""
    module = run(CONSTRUCTING)["module"]
    module.save_to_path(tmp_path)
    other = run(CONSTRUCTING)["module"].as_multi_rl_module()
    other.restore_from_path(tmp_path, component=DEFAULT_MODULE_ID)
    assert torch.equal(other[DEFAULT_MODULE_ID].policy[0].weight, module.policy[0].weight)


def test_the_equivalent_module_of_a_custom_policy(run):
    """The last block; `RLConfig` and `YOUR_DIST_CLASS` are placeholders in the document."""
    scope = run(
        """
        import gymnasium as gym
        import torch
        from ray.rllib.core.rl_module.rl_module import RLModuleConfig as RLConfig, RLModuleSpec
        from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
        from ray.rllib.models.torch.torch_distributions import TorchCategorical as YOUR_DIST_CLASS
        class MyRLModule(TorchRLModule):
            def __init__(self, config: RLConfig):
                super().__init__(config)
                self.net = torch.nn.Linear(4, 2)
                self.action_dist_cls = YOUR_DIST_CLASS
            def _forward_inference(self, batch):
                return {"action_dist_inputs": self.net(batch["obs"])}
            def _forward_exploration(self, batch):
                return self._forward_inference(batch)
        module = RLModuleSpec(
            MyRLModule, gym.spaces.Box(-1, 1, (4,)), gym.spaces.Discrete(2)
        ).build()
        """
    )
    module = scope["module"]
    assert module.get_inference_action_dist_cls() is scope["YOUR_DIST_CLASS"]
    got = actions_from_outputs(module, module.forward_inference(OBS), explore=False)
    assert got["actions"].shape == (3,)
