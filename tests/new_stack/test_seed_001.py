"""The code blocks of the document "RL Modules (Alpha)", of 2.3 and 2.4, as it writes them.

Its blocks about configs build an Algorithm, which needs Ray: "Enabling RL Modules", "pass specs to
the algorithm" (both), "Inheriting existing RLModules" and "Extending RLModule Catalog" hand a spec
to `algo_config`; here that spec is built. The blocks of the section on migrating old policies are
of the old stack. What a block leaves out ("...") is filled in and marked. Blocks
that build an Algorithm run in tests/e2e/test_seed_blocks_on_ray.py.
"""

from __future__ import annotations

import textwrap

import pytest
import torch

from rlmigrate import ray_names
from rlmigrate.errors import SpecViolation
from rlmigrate.new_stack import DEFAULT_MODULE_ID
from rlmigrate.new_stack.multi_rl_module import MultiRLModule

OBS = {"obs": torch.rand(3, 4)}

CONSTRUCTING = """
    import gymnasium as gym
    from ray.rllib.core.rl_module.rl_module import SingleAgentRLModuleSpec
    from ray.rllib.core.testing.torch.bc_module import DiscreteBCTorchModule

    env = gym.make("CartPole-v1")

    spec = SingleAgentRLModuleSpec(
        module_class=DiscreteBCTorchModule,
        observation_space=env.observation_space,
        action_space=env.action_space,
        model_config_dict={"fcnet_hiddens": [64]},
    )

    module = spec.build()
"""

CONSTRUCTING_MULTI = """
    import gymnasium as gym
    from ray.rllib.core.rl_module.rl_module import SingleAgentRLModuleSpec
    from ray.rllib.core.rl_module.marl_module import MultiAgentRLModuleSpec
    from ray.rllib.core.testing.torch.bc_module import DiscreteBCTorchModule

    spec = MultiAgentRLModuleSpec(
        module_specs = {
            "module_1": SingleAgentRLModuleSpec(
                module_class=DiscreteBCTorchModule,
                observation_space=gym.spaces.Box(low=-1, high=1, shape=(10,)),
                action_space=gym.spaces.Discrete(2),
                model_config_dict={"fcnet_hiddens": [32]}
            ),
            "module_2": SingleAgentRLModuleSpec(
                module_class=DiscreteBCTorchModule,
                observation_space=gym.spaces.Box(low=-1, high=1, shape=(5,)),
                action_space=gym.spaces.Discrete(2),
                model_config_dict={"fcnet_hiddens": [16]}
            )
        },
    )

    marl_module = spec.build()
"""

CUSTOM = """
    from typing import Mapping, Any
    from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
    from ray.rllib.core.rl_module.rl_module import RLModuleConfig
    from ray.rllib.utils.nested_dict import NestedDict

    import torch
    import torch.nn as nn

    class DiscreteBCTorchModule(TorchRLModule):

        def __init__(self, config: RLModuleConfig) -> None:
            super().__init__(config)

            input_dim = self.config.observation_space.shape[0]
            hidden_dim = self.config.model_config_dict["fcnet_hiddens"][0]
            output_dim = self.config.action_space.n

            self.policy = nn.Sequential(
                nn.Linear(input_dim, hidden_dim),
                nn.ReLU(),
                nn.Linear(hidden_dim, output_dim),
            )

            self.input_dim = input_dim

        def _forward_inference(self, batch: NestedDict) -> Mapping[str, Any]:
            with torch.no_grad():
                return self._forward_train(batch)

        def _forward_exploration(self, batch: NestedDict) -> Mapping[str, Any]:
            with torch.no_grad():
                return self._forward_train(batch)

        def _forward_train(self, batch: NestedDict) -> Mapping[str, Any]:
            action_logits = self.policy(batch["obs"])
            return {"action_dist": torch.distributions.Categorical(logits=action_logits)}
"""

BUILD_CUSTOM = """
    import gymnasium as gym
    from ray.rllib.core.rl_module.rl_module import SingleAgentRLModuleSpec

    env = gym.make("CartPole-v1")
    module = SingleAgentRLModuleSpec(
        module_class=DiscreteBCTorchModule,
        observation_space=env.observation_space,
        action_space=env.action_space,
        model_config_dict={"fcnet_hiddens": [8]},
    ).build()
"""

SHARED = """
    from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
    from ray.rllib.core.rl_module.marl_module import (
        MultiAgentRLModuleConfig, MultiAgentRLModule
    )
    from ray.rllib.utils.nested_dict import NestedDict

    import torch
    import torch.nn as nn


    class BCTorchRLModuleWithSharedGlobalEncoder(TorchRLModule):

        def __init__(
            self, encoder: nn.Module, local_dim: int, hidden_dim: int, action_dim: int
        ) -> None:
            super().__init__(config=None)

            self.encoder = encoder
            self.policy_head = nn.Sequential(
                nn.Linear(hidden_dim + local_dim, hidden_dim),
                nn.ReLU(),
                nn.Linear(hidden_dim, action_dim),
            )

        def _forward_inference(self, batch):
            with torch.no_grad():
                return self._common_forward(batch)

        def _forward_exploration(self, batch):
            with torch.no_grad():
                return self._common_forward(batch)

        def _forward_train(self, batch):
            return self._common_forward(batch)

        def _common_forward(self, batch):
            obs = batch["obs"]
            global_enc = self.encoder(obs["global"])
            policy_in = torch.cat([global_enc, obs["local"]], dim=-1)
            action_logits = self.policy_head(policy_in)

            return {"action_dist": torch.distributions.Categorical(logits=action_logits)}


    class BCTorchMultiAgentModuleWithSharedEncoder(MultiAgentRLModule):
        def __init__(self, config: MultiAgentRLModuleConfig) -> None:
            super().__init__(config)

        def build(self):

            module_specs = self.config.modules
            module_spec = next(iter(module_specs.values()))
            global_dim = module_spec.observation_space["global"].shape[0]
            hidden_dim = module_spec.model_config_dict["fcnet_hiddens"][0]
            shared_encoder = nn.Sequential(
                nn.Linear(global_dim, hidden_dim),
                nn.ReLU(),
                nn.Linear(hidden_dim, hidden_dim),
            )

            rl_modules = {}
            for module_id, module_spec in module_specs.items():
                rl_modules[module_id] = BCTorchRLModuleWithSharedGlobalEncoder(
                    encoder=shared_encoder,
                    local_dim=module_spec.observation_space["local"].shape[0],
                    hidden_dim=hidden_dim,
                    action_dim=module_spec.action_space.n,
                )

            self._rl_modules = rl_modules
"""

SHARED_SPEC = """
    import gymnasium as gym
    from ray.rllib.core.rl_module.rl_module import SingleAgentRLModuleSpec
    from ray.rllib.core.rl_module.marl_module import MultiAgentRLModuleSpec

    spec = MultiAgentRLModuleSpec(
        marl_module_class=BCTorchMultiAgentModuleWithSharedEncoder,
        module_specs={
            "local_2d": SingleAgentRLModuleSpec(
                observation_space=gym.spaces.Dict({
                    "global": gym.spaces.Box(low=-1, high=1, shape=(2,)),
                    "local": gym.spaces.Box(low=-1, high=1, shape=(2,)),
                }),
                action_space=gym.spaces.Discrete(2),
                model_config_dict={"fcnet_hiddens": [64]},
            ),
            "local_5d": SingleAgentRLModuleSpec(
                observation_space=gym.spaces.Dict({
                    "global": gym.spaces.Box(low=-1, high=1, shape=(2,)),
                    "local": gym.spaces.Box(low=-1, high=1, shape=(5,)),
                }),
                action_space=gym.spaces.Discrete(5),
                model_config_dict={"fcnet_hiddens": [64]},
            ),
        },
    )

    module = spec.build()
"""


def test_constructing_rl_modules_single_agent(run):
    module = run(CONSTRUCTING)["module"]
    assert module.forward_inference(OBS)["action_dist_inputs"].shape == (3, 2)
    assert module.policy[0].out_features == 64


def test_constructing_rl_modules_multi_agent(run):
    module = run(CONSTRUCTING_MULTI)["marl_module"]
    assert module["module_2"].policy[0].in_features == 5


def test_converting_to_multi_agent(run):
    scope = run(CONSTRUCTING)
    scope = run("marl_module = module.as_multi_agent()", before=scope)
    assert isinstance(scope["marl_module"], MultiRLModule)
    assert scope["marl_module"][DEFAULT_MODULE_ID] is scope["module"]


def test_passing_specs_to_the_config_single_agent(run):
    """The spec of the block, completed by what the algorithm fills in."""
    scope = run(CONSTRUCTING)
    scope = run(
        """
        rl_module_spec = SingleAgentRLModuleSpec(module_class=DiscreteBCTorchModule)
        rl_module_spec.update(SingleAgentRLModuleSpec(
            observation_space=env.observation_space,
            action_space=env.action_space,
            model_config_dict={"fcnet_hiddens": [32, 32]},
        ))
        module = rl_module_spec.build()
        """,
        before=scope,
    )
    assert scope["module"].policy[0].out_features == 32


def test_passing_specs_to_the_config_multi_agent(run):
    """One spec for all policies, given where a dict of specs belongs."""
    scope = run(CONSTRUCTING_MULTI)
    scope = run(
        """
        spec = MultiAgentRLModuleSpec(
            module_specs=SingleAgentRLModuleSpec(module_class=DiscreteBCTorchModule)
        )
        """,
        before=scope,
    )
    assert scope["spec"].rl_module_specs.module_class is scope["DiscreteBCTorchModule"]


@pytest.mark.parametrize("era", [None, "2.4"])
def test_writing_a_custom_single_agent_module_in_torch(run, era):
    scope = run(BUILD_CUSTOM, era=era, before=run(CUSTOM, era=era))
    module = scope["module"]
    with ray_names(era=era, ray=False):
        for method in ("forward_inference", "forward_exploration", "forward_train"):
            dist = getattr(module, method)(OBS)["action_dist"]
            assert dist.sample().shape == (3,)
    assert module.config.model_config_dict == {"fcnet_hiddens": [8]}
    assert set(module.get_state()) == {
        f"policy.{i}.{p}" for i in (0, 2) for p in ("weight", "bias")
    }


def test_the_custom_module_is_refused_today_and_the_rule_is_named(run):
    from rlmigrate.new_stack import RLModuleConfig, RLModuleSpec

    cls = run(CUSTOM)["DiscreteBCTorchModule"]
    with pytest.raises(ValueError, match="RLM602"):
        cls(RLModuleConfig())
    spec = RLModuleSpec(cls, observation_space=object())
    with pytest.raises(TypeError, match="RLM602"):
        spec.build()


SPECS = {
    "single level keys": (
        """
        def input_specs_exploration(self) -> SpecType:
            return ["obs"]

        def output_specs_exploration(self) -> SpecType:
            return ["action_dist"]
        """,
        {},
        "'obs' is missing",
    ),
    "nested keys": (
        """
        def input_specs_exploration(self) -> SpecType:
            return [("obs", "global"), ("obs", "local"), "action_mask"]
        """,
        {"obs": {"global": 1}},
        "'obs/local' is missing.*'action_mask' is missing",
    ),
    "tensor shape spec": (
        """
        def input_specs_exploration(self) -> SpecType:
            return {"obs": TorchTensorSpec("b, h", h=10)}
        """,
        OBS,
        r"expected shape \(b, 10\), found \(3, 4\)",
    ),
    "type spec": (
        """
        def output_specs_exploration(self) -> SpecType:
            return {"action_dist": torch.distributions.Normal}
        """,
        OBS,
        "expected .*Normal, found .*Categorical",
    ),
}


@pytest.mark.parametrize("block", SPECS)
def test_enforcing_specs(run, block):
    """The blocks' methods on the module above; `torch.distribution` as written never existed."""
    method, batch, message = SPECS[block]
    code = (
        "from ray.rllib.models.specs.typing import SpecType\n"
        "from ray.rllib.models.specs.torch_spec import TorchTensorSpec\n"
        "Base = DiscreteBCTorchModule\n"
        "class DiscreteBCTorchModule(Base):\n"
    ) + textwrap.indent(textwrap.dedent(method), "    ")
    scope = run(BUILD_CUSTOM, before=run(code, before=run(CUSTOM)))
    with ray_names(ray=False), pytest.raises(SpecViolation, match=message):
        scope["module"].forward_exploration(batch)
    with ray_names(ray=False):
        scope["module"].forward_inference(OBS)


@pytest.mark.parametrize("era", [None, "2.4"])
def test_multi_agent_with_a_shared_encoder(run, era):
    scope = run(SHARED_SPEC, era=era, before=run(SHARED, era=era))
    module = scope["module"]
    assert module["local_2d"].encoder is module["local_5d"].encoder
    batch = {
        "local_5d": {"obs": {"global": torch.rand(3, 2), "local": torch.rand(3, 5)}},
        "local_2d": {"obs": {"global": torch.rand(3, 2), "local": torch.rand(3, 2)}},
    }
    with ray_names(era=era, ray=False):
        out = module.forward_train(batch)
    assert out["local_5d"]["action_dist"].logits.shape == (3, 5)
    state = module.get_state()
    again = run(SHARED_SPEC, era=era, before=run(SHARED, era=era))["module"]
    assert again.set_state(state).complete
    assert torch.equal(again["local_2d"].encoder[0].weight, module["local_2d"].encoder[0].weight)
    assert again["local_2d"].encoder is again["local_5d"].encoder


def test_extending_existing_modules_by_inheritance(run):
    """`PPORLModule` stands for PPOTorchRLModule in the text above the block."""
    scope = run(
        """
        import gymnasium as gym
        from ray.rllib.algorithms.ppo.torch.ppo_torch_rl_module import (
            PPOTorchRLModule as PPORLModule,
        )
        from ray.rllib.algorithms.ppo.ppo_catalog import PPOCatalog
        from ray.rllib.core.rl_module.rl_module import RLModuleConfig, SingleAgentRLModuleSpec

        class MyPPORLModule(PPORLModule):

            def __init__(self, config: RLModuleConfig):
                super().__init__(config)
                ...

        rl_module_spec = SingleAgentRLModuleSpec(module_class=MyPPORLModule)
        rl_module_spec.update(SingleAgentRLModuleSpec(
            observation_space=gym.spaces.Box(-1, 1, (4,)),
            action_space=gym.spaces.Discrete(2),
            model_config_dict={"fcnet_hiddens": [8]},
            catalog_class=PPOCatalog,
        ))
        module = rl_module_spec.build()
        """
    )
    assert scope["module"].forward_inference(OBS)["action_dist_inputs"].shape == (3, 2)
    assert scope["module"].compute_values(OBS).shape == (3,)


def test_extending_the_catalog(run):
    """The hook's name in the document never existed; build_actor_critic_encoder is meant."""
    scope = run(
        """
        import gymnasium as gym
        from ray.rllib.algorithms.ppo.ppo_catalog import PPOCatalog
        from ray.rllib.algorithms.ppo.torch.ppo_torch_rl_module import PPOTorchRLModule
        from ray.rllib.core.models.configs import ActorCriticEncoderConfig, MLPEncoderConfig
        from ray.rllib.core.rl_module.rl_module import SingleAgentRLModuleSpec

        class MyAwesomeCatalog(PPOCatalog):

            def build_actor_critic_encoder(self, framework):
                base = MLPEncoderConfig(input_dims=[4], hidden_layer_dims=[256, 256])
                return ActorCriticEncoderConfig(base_encoder_config=base).build(framework=framework)

        module = SingleAgentRLModuleSpec(
            module_class=PPOTorchRLModule,
            observation_space=gym.spaces.Box(-1, 1, (4,)),
            action_space=gym.spaces.Discrete(2),
            catalog_class=MyAwesomeCatalog,
        ).build()
        """
    )
    assert type(scope["module"].encoder.encoder.net.mlp[1]) is torch.nn.ReLU
