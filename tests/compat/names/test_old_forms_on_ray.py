"""An installed Ray's own classes take constructor forms of older releases in ray_names()."""

from __future__ import annotations

import importlib.util
from typing import Any

import gymnasium as gym
import pytest
import torch

from rlmigrate import ray_names
from rlmigrate.new_stack.old_forms import OldFormError

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray")

FLAT, TWO = gym.spaces.Box(-1, 1, (4,)), gym.spaces.Discrete(2)
SETTINGS = {"observation_space": FLAT, "action_space": TWO, "model_config_dict": {"hidden": 3}}


def module_class() -> Any:
    """A module as files of Ray 2.3 to 2.38 have it."""
    from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule

    class Old(TorchRLModule):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            hidden = self.config.model_config_dict["hidden"]
            self.body = torch.nn.Linear(self.config.observation_space.shape[0], hidden)
            self.head = torch.nn.Linear(hidden, self.config.action_space.n)

        def _forward(self, batch: Any, **kwargs: Any) -> Any:
            return {"action_dist_inputs": self.head(self.body(batch["obs"]))}

    return Old


def check(module: Any) -> None:
    assert type(module).__mro__[1].__module__.startswith("ray.rllib.")
    x = torch.arange(8.0).reshape(2, 4)
    expected = module.head(module.body(x))
    assert torch.equal(module.forward_inference({"obs": x})["action_dist_inputs"], expected)
    assert module.observation_space == FLAT
    assert module.model_config == {"hidden": 3}
    assert module.body.weight.shape == (3, 4)


def test_today_s_forms_are_as_they_were():
    with ray_names():
        from ray.rllib.core.rl_module.rl_module import RLModuleSpec
        from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule

        class New(TorchRLModule):
            def setup(self) -> None:
                self.net = torch.nn.Linear(4, self.model_config["hidden"])

        config = {"hidden": 5}
        spec = RLModuleSpec(New, observation_space=FLAT, action_space=TWO, model_config=config)
        direct: Any = New(observation_space=FLAT, action_space=TWO, model_config=config)
        for module in (spec.build(), direct):
            assert module.net.out_features == 5
            assert module.model_config == config
        with pytest.raises(ValueError, match="not set"):
            RLModuleSpec().build()


def test_a_module_is_built_from_its_config():
    with ray_names():
        from ray.rllib.core.rl_module.rl_module import RLModuleConfig

        config = RLModuleConfig(**SETTINGS)
        check(module_class()(config))
        check(module_class()(config=config))


def test_a_spec_builds_a_class_that_takes_a_config():
    with ray_names():
        from ray.rllib.core.rl_module.rl_module import SingleAgentRLModuleSpec

        check(SingleAgentRLModuleSpec(module_class=module_class(), **SETTINGS).build())


def test_several_modules_by_their_old_names():
    with ray_names():
        from ray.rllib.core.rl_module.marl_module import (
            MultiAgentRLModule,
            MultiAgentRLModuleConfig,
            MultiAgentRLModuleSpec,
        )
        from ray.rllib.core.rl_module.rl_module import SingleAgentRLModuleSpec

        one = SingleAgentRLModuleSpec(module_class=module_class(), **SETTINGS)
        spec = MultiAgentRLModuleSpec(
            marl_module_class=MultiAgentRLModule, module_specs={"a": one, "b": one}
        )
        both = spec.build()
        assert sorted(both.keys()) == ["a", "b"]
        check(both["a"])
        check(MultiAgentRLModule(MultiAgentRLModuleConfig(modules={"a": one}))["a"])


def test_switching_the_stack_on_by_the_names_of_2_3():
    with ray_names():
        from ray.rllib.algorithms.ppo import PPOConfig

        for on in (True, False):
            config = PPOConfig().rl_module(_enable_rl_module_api=on)
            config = config.training(_enable_learner_api=on, lr=0.5)
            assert config.enable_rl_module_and_learner is on
            assert config.lr == 0.5


def test_an_era_without_a_form_names_the_rule():
    with ray_names(era="2.60"):
        from ray.rllib.core.rl_module.rl_module import RLModuleConfig, RLModuleSpec

        with pytest.raises(OldFormError, match="RLM602"):
            module_class()(RLModuleConfig(**SETTINGS))
        with pytest.raises(OldFormError, match="RLM603"):
            RLModuleSpec(module_class=module_class(), **SETTINGS)  # type: ignore[arg-type]


def test_outside_ray_refuses_as_before():
    from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule, MultiRLModuleSpec
    from ray.rllib.core.rl_module.rl_module import RLModule, RLModuleConfig, RLModuleSpec

    classes = (RLModule, RLModuleSpec, MultiRLModule, MultiRLModuleSpec)
    before = [cls.__init__ for cls in classes]
    with ray_names():
        assert [cls.__init__ for cls in classes] != before
    assert [cls.__init__ for cls in classes] == before
    with pytest.raises(ValueError, match="deprecated"):
        module_class()(RLModuleConfig(**SETTINGS))
