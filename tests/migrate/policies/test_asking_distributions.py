"""Distributions that ask their model for parts of an action, on both stacks."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
import tree

pytest.importorskip("ray.rllib")

TEXT = '''\
import torch
from ray.rllib.models.catalog import ModelCatalog
from ray.rllib.models.torch.torch_action_dist import (
    TorchCategorical,
    TorchDiagGaussian,
    TorchDistributionWrapper,
)
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn


class Chained(TorchDistributionWrapper):
    """First a direction, then how far, given the direction."""

    def deterministic_sample(self):
        first = self._first()
        a = first.deterministic_sample()
        second = self._second(a)
        b = second.deterministic_sample()
        self._logp = first.logp(a) + second.logp(b)
        return a, b

    def sample(self):
        first = self._first()
        a = first.sample()
        second = self._second(a)
        b = second.sample()
        self._logp = first.logp(a) + second.logp(b)
        return a, b

    def logp(self, actions):
        a, b = actions[:, 0], actions[:, 1:]
        return self._first().logp(a.long()) + self._second(a).logp(b)

    def sampled_action_logp(self):
        return self._logp

    def entropy(self):
        first = self._first()
        return first.entropy() + self._second(first.deterministic_sample()).entropy()

    def kl(self, other):
        mine, theirs = self._first(), other._first()
        a = mine.deterministic_sample()
        return mine.kl(theirs) + self._second(a).kl(other._second(a))

    def _first(self):
        return TorchCategorical(self.model.first_head(self.inputs), self.model)

    def _second(self, a):
        given = torch.cat([self.inputs, a.float().unsqueeze(-1)], dim=-1)
        return TorchDiagGaussian(self.model.second_head(given), None)

    @staticmethod
    def required_model_output_shape(action_space, model_config):
        return 12


class Net(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.body = nn.Linear(obs_space.shape[0], num_outputs)
        self.first_head = nn.Linear(num_outputs, 3)
        self.second_head = nn.Linear(num_outputs + 1, 4)
        self.value_head = nn.Linear(num_outputs, 1)

    def forward(self, input_dict, state, seq_lens):
        self._context = torch.tanh(self.body(input_dict["obs"]))
        return self._context, state

    def value_function(self):
        return self.value_head(self._context).squeeze(-1)


ModelCatalog.register_custom_model("net", Net)
ModelCatalog.register_custom_action_dist("chained", Chained)
CONFIG = {"model": {"custom_model": "net", "custom_action_dist": "chained"}}
'''
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
BOX = gym.spaces.Box(-1, 1, (2,), np.float32)
ACTIONS = gym.spaces.Tuple([gym.spaces.Discrete(3), BOX])


def module_of(done: Any, spec: Any) -> Any:
    return spec(module_class=done.new().Net, observation_space=OBS, action_space=ACTIONS).build()


def rays() -> Any:
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec

    return RLModuleSpec


def old_sides(done: Any) -> tuple[Any, Any]:
    from ray.rllib.models.catalog import MODEL_DEFAULTS, ModelCatalog

    config = {**MODEL_DEFAULTS, "custom_model": done.old().Net, "custom_action_dist": "chained"}
    dist, size = ModelCatalog.get_action_dist(ACTIONS, config, framework="torch")
    model = ModelCatalog.get_model_v2(OBS, ACTIONS, size, config, framework="torch", name="m")
    return model, dist


def same(old: Any, new: Any) -> None:
    for mine, theirs in zip(tree.flatten(old), tree.flatten(new), strict=True):
        assert torch.equal(mine, theirs)


def test_samples_inside_the_module_as_the_old_policy_did(migrate):
    done = migrate(TEXT)
    assert {done.items[name].outcome for name in ("Net", "Chained")} == {"native"}
    model, dist_class = old_sides(done)
    module = module_of(done, rays())
    module.load_state_dict(model.state_dict())
    obs, later = torch.randn(7, 4), torch.randn(7, 4)
    old = dist_class(model({"obs": obs})[0], model)
    torch.manual_seed(5)
    actions, logp = old.sample(), old.sampled_action_logp()
    torch.manual_seed(5)
    outs = module.forward_exploration({"obs": obs})
    same((*actions, logp), (*outs["actions"], outs["action_logp"]))
    same(old.inputs, outs["action_dist_inputs"])
    outs = module.forward_inference({"obs": obs})
    same(old.deterministic_sample(), outs["actions"])
    assert not outs["action_logp"].any()  # what RLlib's old exploration said without exploring
    new_class = module.get_train_action_dist_cls()
    new = new_class.from_logits(module.forward_train({"obs": obs})["action_dist_inputs"])
    stored = torch.cat([actions[0].unsqueeze(-1).float(), actions[1]], dim=-1)
    same(old.logp(stored), new.logp(actions))  # nested, as connectors hand them on
    same(old.entropy(), new.entropy())
    others = dist_class(model({"obs": later})[0], model), module.forward_train({"obs": later})
    same(old.kl(others[0]), new.kl(new_class.from_logits(others[1]["action_dist_inputs"])))
    loss = new.logp(actions).sum()
    loss.backward()
    assert module.second_head.weight.grad is not None
    same(module.compute_values({"obs": later}), model.value_function())


def test_a_copy_of_the_module_asks_itself(migrate):
    import copy

    done = migrate(TEXT)
    module = module_of(done, rays())
    twin = copy.deepcopy(module)
    with torch.no_grad():
        module.first_head.weight.zero_()
        module.first_head.bias.zero_()
        module.first_head.bias[2] = 9.0
    obs = torch.randn(5, 4)
    inputs = twin.forward_train({"obs": obs})["action_dist_inputs"]
    first = twin.get_train_action_dist_cls().from_logits(inputs)._first()
    assert torch.equal(first.logits, twin.first_head(inputs))


def test_runs_on_the_built_in_stack_and_does_not_change_again(migrate):
    from rlmigrate.new_stack import RLModuleSpec

    done = migrate(TEXT, target="builtin")
    assert "from ray.rllib.models.torch" not in done.text()
    outs = module_of(done, RLModuleSpec).forward_exploration({"obs": torch.randn(5, 4)})
    assert outs["actions"][1].shape == (5, 2)
    assert migrate(done.text(), target="builtin").text() == done.text()


STAYS = {
    "an attribute that forward sets": TEXT.replace(
        "self.model.first_head(self.inputs)", "self.model.first_head(self.model._context)"
    ),
    "the model's forward": TEXT.replace("self.model.first_head(self.inputs)", "self.model(0)"),
    "a recurrent model": TEXT.replace(
        "    def value_function",
        "    def get_initial_state(self):\n        return []\n\n    def value_function",
    ),
    "another base": TEXT.replace("Net(TorchModelV2, nn.Module)", "Net(Base)").replace(
        "class Net", "class Base(TorchModelV2, nn.Module):\n    pass\n\n\nclass Net"
    ),
}


@pytest.mark.parametrize("text", STAYS.values(), ids=list(STAYS))
def test_stays_where_its_module_could_not_answer(migrate, text):
    done = migrate(text)
    assert done.items["Net"].outcome == "bridged"
    assert "class Chained(TorchDistributionWrapper)" in done.text()


class Walk(gym.Env):
    """Ten steps of noise, paid for the first direction."""

    observation_space, action_space = OBS, ACTIONS

    def __init__(self, config: Any = None) -> None:
        self.left = 0

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.left = 10
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Any:
        self.left -= 1
        return self.observation_space.sample(), float(action[0] == 1), self.left == 0, False, {}


@pytest.mark.slow
def test_trains_with_ppo_on_ray(migrate):
    import ray
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.tune.registry import register_env

    done = migrate(TEXT)
    register_env("asking-walk", Walk)
    config = (
        PPOConfig()
        .environment("asking-walk")
        .env_runners(num_env_runners=0)
        .training(train_batch_size=200, minibatch_size=100, num_epochs=2)
        .rl_module(rl_module_spec=rays()(module_class=done.new().Net))
    )
    algorithm = config.build_algo()
    try:
        before = algorithm.get_module().state_dict()["second_head.weight"].clone()
        result = algorithm.train()["learners"]["default_policy"]
        after = algorithm.get_module().state_dict()["second_head.weight"]
    finally:
        algorithm.stop()
        ray.shutdown()
    assert np.isfinite(result["total_loss"])
    assert result["mean_kl_loss"] >= -1e-3
    assert not torch.equal(before, after)
