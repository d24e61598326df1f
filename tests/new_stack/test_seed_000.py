"""The code blocks of the document of 2.38 to 2.40, as it writes them, under old names.

Most of its blocks are in a file that the document includes and that is not with it; what their
captions say is in the tests of the other documents (constructing, custom modules, shared encoders,
checkpointing). Those that it holds itself are here; what they leave out ("...") is filled in.
"""

from __future__ import annotations

import gymnasium as gym
import pytest
import torch

from rlmigrate import ray_names
from rlmigrate.errors import SpecViolation
from rlmigrate.new_stack import Columns, actions_from_outputs

BOX, ACTS = gym.spaces.Box(-1, 1, (4,)), gym.spaces.Discrete(2)
OBS = {"obs": torch.rand(3, 4)}


def test_constructing_with_the_names_of_the_text(run):
    """The note on specs names `model_config_dict`."""
    module = run(
        """
        from ray.rllib.core.rl_module.rl_module import RLModuleSpec
        from ray.rllib.core.testing.torch.bc_module import DiscreteBCTorchModule

        module = RLModuleSpec(
            module_class=DiscreteBCTorchModule,
            observation_space=box,
            action_space=acts,
            model_config_dict={"fcnet_hiddens": [64]},
        ).build()
        """,
        before={"box": BOX, "acts": ACTS},
    )["module"]
    assert module.policy[0].out_features == 64


def test_returning_actions(run):
    cls = run(
        """
        import torch
        from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
        from ray.rllib.core.columns import Columns

        class MyRLModule(TorchRLModule):
            ...

            def _forward_inference(self, batch):
                ...
                return {
                    Columns.ACTIONS: torch.ones(3, dtype=torch.long)  # actions will be used as-is
                }

            def _forward_exploration(self, batch):
                ...
                return {
                    Columns.ACTIONS: torch.zeros(3, dtype=torch.long),
                    Columns.ACTION_DIST_INPUTS: torch.tensor([[0.0, 1.0]] * 3),
                }
        """
    )["MyRLModule"]
    module = cls(observation_space=BOX, action_space=ACTS)
    greedy = actions_from_outputs(module, module.forward_inference(OBS), explore=False)
    assert greedy[Columns.ACTIONS].tolist() == [1, 1, 1]
    explored = actions_from_outputs(module, module.forward_exploration(OBS), explore=True)
    assert explored[Columns.ACTIONS].tolist() == [0, 0, 0]
    logp = torch.log_softmax(torch.tensor([0.0, 1.0]), 0)[0]
    assert torch.allclose(explored[Columns.ACTION_LOGP], logp)


def test_not_returning_actions(run):
    cls = run(
        """
        import torch
        from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
        from ray.rllib.core.columns import Columns

        class MyRLModule(TorchRLModule):
            ...

            def _forward_inference(self, batch):
                ...
                return {
                    Columns.ACTION_DIST_INPUTS: torch.tensor([[0.0, 1.0]] * 3)
                }

            def _forward_exploration(self, batch):
                ...
                return {
                    Columns.ACTION_DIST_INPUTS: torch.tensor([[0.0, 1.0]] * 3)
                }
        """
    )["MyRLModule"]
    module = cls(observation_space=BOX, action_space=ACTS)
    greedy = actions_from_outputs(module, module.forward_inference(OBS), explore=False)
    assert greedy[Columns.ACTIONS].tolist() == [1, 1, 1]
    explored = actions_from_outputs(module, module.forward_exploration(OBS), explore=True)
    assert explored[Columns.ACTION_LOGP].shape == (3,)


@pytest.mark.parametrize("phase", ["inference", "exploration", "train"])
def test_the_six_methods_that_describe_specs(run, phase):
    """The commented part of the document: specs of input and output of each method."""
    cls = run(
        f"""
        import torch
        from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
        from ray.rllib.core.models.specs.typing import SpecType
        from ray.rllib.core.models.specs.specs_base import TensorSpec

        class Checked(TorchRLModule):
            def input_specs_{phase}(self) -> SpecType:
                return {{"obs": TensorSpec("b, h", h=4, framework="torch")}}

            def output_specs_{phase}(self) -> SpecType:
                return ["actions"]

            def _forward(self, batch, **kwargs):
                return {{"actions": 1}} if batch["obs"].sum() > 0 else {{}}
        """
    )["Checked"]
    module = cls(observation_space=BOX, action_space=ACTS)
    method = getattr(module, f"forward_{phase}")
    with ray_names(ray=False):
        assert method({"obs": torch.ones(2, 4)}) == {"actions": 1}
        with pytest.raises(SpecViolation, match="input"):
            method({"obs": torch.ones(2, 5)})
        with pytest.raises(SpecViolation, match="'actions' is missing"):
            method({"obs": torch.zeros(2, 4)})
    assert method({"obs": torch.zeros(2, 5)}) == {}


def test_inheriting_existing_modules(run):
    """`MyRLModule` with a setup() that builds the layers it names."""
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
                ...
        """
    )["MyRLModule"]
    assert cls(observation_space=BOX, model_config={"a": 1}).model_config == {"a": 1}


def test_extending_the_catalog(run):
    """The document's method has neither self nor framework; both are passed."""
    module = run(
        """
        from ray.rllib.algorithms.ppo.ppo_catalog import PPOCatalog
        from ray.rllib.algorithms.ppo.torch.ppo_torch_rl_module import PPOTorchRLModule
        from ray.rllib.core.models.configs import ActorCriticEncoderConfig, MLPEncoderConfig
        from ray.rllib.core.rl_module.rl_module import RLModuleSpec

        class MyAwesomeCatalog(PPOCatalog):

            def build_actor_critic_encoder(self, framework):
                # create your awesome graph encoder here and return it
                base = MLPEncoderConfig(input_dims=[4], hidden_layer_dims=[256, 256])
                return ActorCriticEncoderConfig(base_encoder_config=base).build(framework=framework)

        spec = RLModuleSpec(catalog_class=MyAwesomeCatalog)
        spec.update(RLModuleSpec(PPOTorchRLModule, box, acts), override=False)
        module = spec.build()
        """,
        before={"box": BOX, "acts": ACTS},
    )["module"]
    assert module.forward_inference(OBS)[Columns.ACTION_DIST_INPUTS].shape == (3, 2)


def test_the_equivalent_module_of_a_custom_policy(run):
    """The last block; `YOUR_DIST_CLASS` is a placeholder in the document."""
    scope = run(
        """
        import torch
        from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
        from ray.rllib.models.torch.torch_distributions import TorchCategorical as YOUR_DIST_CLASS


        class MyRLModule(TorchRLModule):

            def setup(self):
                # construct any custom networks here using the attributes:
                # self.observation_space, self.action_space, self.model_config,
                # self.inference_only, and self.catalog.
                self.net = torch.nn.Linear(4, 2)

                # Specify an action distribution class here
                self.action_dist_cls = YOUR_DIST_CLASS

            def _forward_inference(self, batch):
                return {"action_dist_inputs": self.net(batch["obs"])}

            def _forward_exploration(self, batch):
                return self._forward_inference(batch)
        """
    )
    module = scope["MyRLModule"](observation_space=BOX, action_space=ACTS)
    assert module.get_train_action_dist_cls() is scope["YOUR_DIST_CLASS"]
    got = actions_from_outputs(module, module.forward_exploration(OBS), explore=True)
    assert got[Columns.ACTION_LOGP].shape == (3,)
