"""The code blocks of the document of 2.40 to 2.42, as it writes them, under old names.

Blocks that build an Algorithm need Ray ("Enabling the RLModule API", the three that pass specs to a
config, the end of the checkpointing block); their specs are built here, completed by what the
algorithm fills in. Two blocks are no Python in the document; their fixes are marked. Blocks
that build an Algorithm run in tests/e2e/test_seed_blocks_on_ray.py.
"""

from __future__ import annotations

import gymnasium as gym
import pytest
import torch

from rlmigrate.new_stack import Columns, actions_from_outputs

OBS = {"obs": torch.rand(3, 4)}
ACTS = gym.spaces.Discrete(2)
BOX = gym.spaces.Box(-1, 1, (4,))

MY_POLICY = """
    import torch
    from torch import nn  # the document forgets this line
    from typing import Any, Dict
    from ray.rllib.core import Columns
    from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule

    class MyTorchPolicy(TorchRLModule):
        def setup(self) -> None:
            # You have access here to the following already set attributes:
            # self.observation_space
            # self.action_space
            # self.inference_only
            # self.model_config  # <- a dict with custom settings
            # self.catalog
            input_dim = self.observation_space.shape[0]
            hidden_dim = self.model_config["fcnet_hiddens"][0]
            output_dim = self.action_space.n

            # Build all the layers and subcomponents here you need for the
            # RLModule's forward passes.
            self._pi_head = nn.Sequential(
                nn.Linear(input_dim, hidden_dim),
                nn.ReLU(),
                nn.Linear(hidden_dim, output_dim),
            )

        def _forward_train(self, batch) -> dict:
            # Push the observations from the batch through our pi-head.
            action_logits = self._pi_head(batch[Columns.OBS])

            # Return parameters for the (default) action distribution, which is
            # `TorchCategorical` (due to our action space being `gym.spaces.Discrete`).
            return {
                Columns.ACTION_DIST_INPUTS: action_logits,
            }

        def _forward_inference(self, batch) -> dict:
            with torch.no_grad():
                return self._forward_train(batch)

        def _forward_exploration(self, batch) -> dict:
            with torch.no_grad():
                return self._forward_train(batch)
"""

SHARED = """
    from ray.rllib.core import Columns
    from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
    from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule

    import torch
    import torch.nn as nn


    class PGPolicyUsingSharedEncoder(TorchRLModule):
        def setup(self):
            feature_dim = self.model_config["feature_dim"]
            hidden_dim = self.model_config["hidden_dim"]

            self._pi_head = nn.Sequential(
                nn.Linear(feature_dim, hidden_dim),
                nn.ReLU(),
                nn.Linear(hidden_dim, self.action_space.n),
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
            features = batch["encoder_features"]
            logits = self._pi_head(features)

            return {Columns.ACTION_DIST_INPUTS: logits}


    class MultiAgentPGWithSharedEncoder(MultiRLModule):
        def setup(self):
            # Call the super constructor to create all submodules (the policies)
            # first.
            super().setup()

            # Then construct the shared encoder
            obs_dim = self.observation_space.shape[0]
            hidden_dim = self.model_config["encoder_hidden_dim"]
            feature_dim = self.model_config["feature_dim"]
            self._shared_encoder = nn.Sequential(
                nn.Linear(obs_dim, hidden_dim),
                nn.ReLU(),
                nn.Linear(hidden_dim, feature_dim),
            )

        def _forward_inference(self, batch):
            # The document's comprehension is no Python, and passes the features to nobody.
            return {
                mid: self[mid].forward_inference(
                    {"encoder_features": self._shared_encoder(batch[mid][Columns.OBS])}
                )
                for mid in batch
            }

        def _forward_exploration(self, batch):
            return self._forward_inference(batch)

        def _forward_train(self, batch):
            return self._forward_inference(batch)
"""

SHARED_SPEC = """
    from ray.rllib.core import MultiRLModuleSpec, RLModuleSpec

    FEATURE_DIM = 128
    ENCODER_HIDDEN_DIM = 256

    spec = MultiRLModuleSpec(
        # Speficy our custom MultiRLModule class.
        multi_rl_module_class=MultiAgentPGWithSharedEncoder,
        model_config={
            "feature_dim": FEATURE_DIM,
            "encoder_hidden_dim": ENCODER_HIDDEN_DIM,
        },  # the document has a dot here
        # Specify the individual policy RLModules (with different hidden dims).
        rl_module_specs={
            "p0": RLModuleSpec(
                module_class=PGPolicyUsingSharedEncoder,
                # Large policy net.
                model_config={"feature_dim": FEATURE_DIM, "hidden_dim": 1024},
            ),
            "p1": RLModuleSpec(
                module_class=PGPolicyUsingSharedEncoder,
                # Small policy net.
                model_config={"feature_dim": FEATURE_DIM, "hidden_dim": 64},
            ),
        },
    )
    # What the algorithm fills in.
    spec.observation_space = box
    spec.update(RLModuleSpec(observation_space=box, action_space=acts))
    module = spec.build()
"""


def test_constructing_through_the_constructor(run):
    module = run(
        """
        import gymnasium as gym
        from ray.rllib.algorithms.bc.torch.default_bc_torch_rl_module import DefaultBCTorchRLModule

        # Create an env object to know the spaces.
        env = gym.make("CartPole-v1")

        # Construct the actual RLModule object.
        rl_module = DefaultBCTorchRLModule(
            observation_space=env.observation_space,
            action_space=env.action_space,
            # A custom dict that will be accessible inside your class as `self.model_config`.
            model_config={"fcnet_hiddens": [64]},
        )
        """
    )["rl_module"]
    assert module.forward_inference(OBS)[Columns.ACTION_DIST_INPUTS].shape == (3, 2)


def test_constructing_through_a_spec(run):
    scope = run(
        """
        import gymnasium as gym
        from ray.rllib.algorithms.bc.torch.default_bc_torch_rl_module import DefaultBCTorchRLModule
        from ray.rllib.core.rl_module.rl_module import RLModuleSpec

        # Create an env object to know the spaces.
        env = gym.make("CartPole-v1")

        # First construct the spec.
        spec = RLModuleSpec(
            module_class=DefaultBCTorchRLModule,
            observation_space=env.observation_space,
            action_space=env.action_space,
            # A custom dict that will be accessible inside your class as `self.model_config`.
            model_config={"fcnet_hiddens": [64]},
        )

        # Then, build the RLModule through the spec's `build()` method.
        rl_module = spec.build()
        """
    )
    assert scope["rl_module"]._encoder.net.mlp[0].out_features == 64


def test_constructing_several_through_a_spec(run):
    """The document forgets to import DiscreteBCTorchModule."""
    code = """
        import gymnasium as gym
        from ray.rllib.algorithms.bc.torch.default_bc_torch_rl_module import DefaultBCTorchRLModule
        from ray.rllib.core.rl_module.rl_module import RLModuleSpec
        from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
        from ray.rllib.core.testing.torch.bc_module import DiscreteBCTorchModule

        # First construct the MultiRLModuleSpec.
        spec = MultiRLModuleSpec(
            module_specs={
                "module_1": RLModuleSpec(
                    module_class=DefaultBCTorchRLModule,

                    # Define the spaces for only this sub-module.
                    observation_space=gym.spaces.Box(low=-1, high=1, shape=(10,)),
                    action_space=gym.spaces.Discrete(2),

                    # A custom dict that will be accessible inside your class as
                    # `self.model_config`.
                    model_config={"fcnet_hiddens": [32]},
                ),
                "module_2": RLModuleSpec(
                    module_class=DiscreteBCTorchModule,

                    # Define the spaces for only this sub-module.
                    observation_space=gym.spaces.Box(low=-1, high=1, shape=(5,)),
                    action_space=gym.spaces.Discrete(2),

                    # A custom dict that will be accessible inside your class as
                    # `self.model_config`.
                    model_config={"fcnet_hiddens": [16]},
                ),
            },
        )

        # Construct the actual MultiRLModule instance with .build():
        multi_rl_module = spec.build()
    """
    module = run(code)["multi_rl_module"]
    out = module.forward_inference({"module_2": {"obs": torch.rand(2, 5)}})
    assert out["module_2"][Columns.ACTION_DIST_INPUTS].shape == (2, 2)
    with pytest.raises(ValueError, match="RLM603"):
        run(code, era="2.44")


def test_passing_specs_single_and_shared(run):
    scope = run(
        """
        from ray.rllib.core.rl_module.rl_module import RLModuleSpec
        from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
        from ray.rllib.core.testing.torch.bc_module import DiscreteBCTorchModule

        single = RLModuleSpec(
            module_class=DiscreteBCTorchModule,
            model_config={"fcnet_hiddens": [32, 32]},
        )
        single.update(RLModuleSpec(observation_space=box, action_space=acts))
        module = single.build()

        rl_module_spec=MultiRLModuleSpec(
            # All agents (0 and 1) use the same (single) RLModule.
            rl_module_specs=RLModuleSpec(
                module_class=DiscreteBCTorchModule,
                model_config={"fcnet_hiddens": [32, 32]},
            )
        )
        """,
        before={"box": BOX, "acts": ACTS},
    )
    assert scope["module"].policy[0].out_features == 32
    shared = scope["rl_module_spec"].rl_module_specs
    assert shared.model_config == {"fcnet_hiddens": [32, 32]}


def test_passing_specs_two_policy_nets(run):
    module = run(
        """
        from ray.rllib.core.rl_module.rl_module import RLModuleSpec
        from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
        from ray.rllib.core.testing.torch.bc_module import DiscreteBCTorchModule

        rl_module_spec=MultiRLModuleSpec(
            # Agents (0 and 1) use different (single) RLModules.
            rl_module_specs={
                "p0": RLModuleSpec(
                    module_class=DiscreteBCTorchModule,
                    # Small network.
                    model_config={"fcnet_hiddens": [32, 32]},
                ),
                "p1": RLModuleSpec(
                    module_class=DiscreteBCTorchModule,
                    # Large network.
                    model_config={"fcnet_hiddens": [128, 128]},
                ),
            },
        )
        rl_module_spec.update(RLModuleSpec(observation_space=box, action_space=acts))
        module = rl_module_spec.build()
        """,
        before={"box": BOX, "acts": ACTS},
    )["module"]
    assert module["p1"].policy[0].out_features == 128


def test_writing_custom_modules(run):
    """The block with setup() alone and the whole class are one here."""
    cls = run(MY_POLICY)["MyTorchPolicy"]
    module = cls(observation_space=BOX, action_space=ACTS, model_config={"fcnet_hiddens": [6]})
    out = module.forward_exploration(OBS)
    assert not out[Columns.ACTION_DIST_INPUTS].requires_grad
    assert module.forward_train(OBS)[Columns.ACTION_DIST_INPUTS].requires_grad
    assert actions_from_outputs(module, out, explore=True)[Columns.ACTIONS].shape == (3,)


def test_custom_modules_run_outside_of_old_names_too(run):
    """The document's class body is today's API, but for the place of its imports."""
    from rlmigrate.new_stack import RLModuleSpec

    cls = run(MY_POLICY)["MyTorchPolicy"]
    module = RLModuleSpec(cls, BOX, ACTS, model_config={"fcnet_hiddens": [6]}).build()
    assert module.forward_inference(OBS)[Columns.ACTION_DIST_INPUTS].shape == (3, 2)


@pytest.mark.parametrize("key", ["ACTIONS", "ACTION_DIST_INPUTS"])
def test_returning_actions_or_distribution_inputs(run, key):
    cls = run(
        f"""
        import torch
        from ray.rllib.core import Columns, TorchRLModule

        class MyTorchPolicy(TorchRLModule):
            ...

            def _forward_inference(self, batch):
                return {{Columns.{key}: torch.tensor([[0.0, 1.0]])}}

            def _forward_exploration(self, batch):
                return self._forward_inference(batch)
        """
    )["MyTorchPolicy"]
    module = cls(observation_space=BOX, action_space=ACTS)
    got = actions_from_outputs(module, module.forward_inference(OBS), explore=False)
    wanted = [[0.0, 1.0]] if key == "ACTIONS" else [1]
    assert got[Columns.ACTIONS].tolist() == wanted


def test_several_modules_with_a_shared_encoder(run, tmp_path):
    before = {"box": BOX, "acts": ACTS}
    module = run(SHARED_SPEC, before=run(SHARED, before=before))["module"]
    batch = {"p0": OBS, "p1": OBS}
    out = module.forward_exploration(batch)
    assert out["p1"][Columns.ACTION_DIST_INPUTS].shape == (3, 2)
    module.save_to_path(tmp_path)
    again = run(SHARED_SPEC, before=run(SHARED, before=before))["module"]
    assert again.restore_from_path(tmp_path).complete
    assert all(
        torch.equal(again.forward_inference(batch)[p][k], v)
        for p, part in module.forward_inference(batch).items()
        for k, v in part.items()
    )


def test_subclassing_a_base_class(run):
    """`MyRLModule`, whose setup() names the attributes and whose nets are left out."""
    cls = run(
        """
        import torch
        from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
        nn = torch.nn

        class MyRLModule(TorchRLModule):

            def setup(self):
                # You have access here to the following already set attributes:
                self.observation_space
                self.action_space
                self.inference_only
                self.model_config  # <- a dict with custom settings
                self.catalog
                ...

                # Build all the layers and subcomponents here you need for the
                # RLModule's forward passes.
                # For example:
                self._encoder_fcnet = nn.Sequential(nn.Linear(4, 2))
        """
    )["MyRLModule"]
    assert list(cls(observation_space=BOX).get_state()) == [
        "_encoder_fcnet.0.weight",
        "_encoder_fcnet.0.bias",
    ]


def test_checkpointing(run, tmp_path):
    code = """
        import gymnasium as gym
        from ray.rllib.algorithms.ppo.ppo_catalog import PPOCatalog
        from ray.rllib.algorithms.ppo.torch.ppo_torch_rl_module import PPOTorchRLModule
        from ray.rllib.core.rl_module.rl_module import RLModule, RLModuleSpec

        env = gym.make("CartPole-v1")
        # Create an RL Module that we would like to checkpoint
        module_spec = RLModuleSpec(
            module_class=PPOTorchRLModule,
            observation_space=env.observation_space,
            action_space=env.action_space,
            model_config_dict={"vf_share_layers": False} | {"fcnet_hiddens": [32]},
            catalog_class=PPOCatalog,
        )
        module = module_spec.build()

        # Create the checkpoint.
        module.save_to_path(module_ckpt_path)

        # Create a new RLModule from the checkpoint.
        loaded_module = RLModule.from_checkpoint(module_ckpt_path)
    """
    scope = run(code, before={"module_ckpt_path": str(tmp_path)})
    for name, value in scope["module"].state_dict().items():
        assert torch.equal(value, scope["loaded_module"].state_dict()[name])
    with pytest.raises(ValueError, match="RLM603"):
        run(code, era="2.40", before={"module_ckpt_path": str(tmp_path)})
