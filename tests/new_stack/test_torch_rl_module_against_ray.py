"""TorchRLModule against Ray 2.60's: one class body, both bases."""

from __future__ import annotations

import copy
import pickle

import gymnasium as gym
import pytest
import torch
from ray.rllib.core.rl_module import apis as ray_apis
from ray.rllib.core.rl_module.rl_module import RLModuleSpec as RaySpec
from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule as RayModule
from torch import nn

from rlmigrate import new_stack
from rlmigrate.errors import ModuleError
from rlmigrate.new_stack import Columns, RLModuleSpec, TorchRLModule, actions_from_outputs

OBS = gym.spaces.Box(-1, 1, (4,))


def make_class(base, value_api, inference_api):
    class Actor(base, value_api, inference_api):
        def setup(self):
            hidden = self.model_config.get("hidden", 8)
            self.body = nn.Sequential(
                nn.Linear(self.observation_space.shape[0], hidden), nn.Tanh(), nn.Dropout(0.5)
            )
            self.norm = nn.BatchNorm1d(hidden)
            self.pi = nn.Linear(hidden, int(self.action_space.n))
            self.critic = nn.ModuleDict({"vf": nn.Linear(hidden, 1)})
            self.seen = []

        def _forward(self, batch, **kwargs):
            self.seen.append(self.training)
            out = self.norm(self.body(batch[Columns.OBS]))
            return {Columns.ACTION_DIST_INPUTS: self.pi(out)}

        def compute_values(self, batch, embeddings=None):
            return self.critic["vf"](self.body(batch[Columns.OBS])).squeeze(-1)

        def get_non_inference_attributes(self):
            return ["critic", "not_there.at_all"]

    return Actor


Ours = make_class(TorchRLModule, new_stack.ValueFunctionAPI, new_stack.InferenceOnlyAPI)
Rays = make_class(RayModule, ray_apis.ValueFunctionAPI, ray_apis.InferenceOnlyAPI)


@pytest.fixture
def pair():
    arguments = {
        "observation_space": OBS,
        "action_space": gym.spaces.Discrete(3),
        "model_config": {"hidden": 6},
    }
    rays = RaySpec(module_class=Rays, **arguments).build()
    ours = RLModuleSpec(module_class=Ours, **arguments).build()
    assert ours.set_state(rays.get_state()).complete
    return ours, rays


def batch(rows=5):
    torch.manual_seed(5)
    return {Columns.OBS: torch.randn(rows, 4)}


@pytest.mark.parametrize("method", ["forward_inference", "forward_exploration", "forward_train"])
@pytest.mark.parametrize("training", [True, False])
def test_outputs_mode_and_gradients_are_the_same(pair, method, training):
    results = []
    for module in pair:
        module.train(training)
        torch.manual_seed(0)
        out = getattr(module, method)(batch())[Columns.ACTION_DIST_INPUTS]
        modes = [part.training for part in module.modules()]
        results.append((out, out.requires_grad, modes, module.seen[-1]))
    (ours, *mine), (rays, *theirs) = results
    assert torch.equal(ours, rays)
    assert mine == theirs


def test_batch_norm_and_dropout_follow_the_mode(pair):
    for module in pair:
        module.train()
        before = module.norm.running_mean.clone()
        module.forward_inference(batch())
        assert torch.equal(before, module.norm.running_mean)
        module.forward_train(batch())
        assert not torch.equal(before, module.norm.running_mean)
    assert torch.equal(pair[0].norm.running_mean, pair[1].norm.running_mean)


def test_state_is_the_same(pair):
    ours, rays = (module.get_state() for module in pair)
    assert list(ours) == list(rays)
    for name, value in rays.items():
        assert type(ours[name]) is type(value)
        assert getattr(ours[name], "dtype", None) == getattr(value, "dtype", None)


def test_inference_only_state_and_module_are_the_same(pair):
    ours, rays = pair
    acting = ours.get_state(inference_only=True)
    assert list(acting) == list(rays.get_state(inference_only=True))
    assert not any(name.startswith("critic") for name in acting)
    small = RLModuleSpec(Ours, OBS, gym.spaces.Discrete(3), inference_only=True).build()
    ray_small = RaySpec(Rays, OBS, gym.spaces.Discrete(3), inference_only=True).build()
    assert list(small.state_dict()) == list(ray_small.state_dict())
    for module in (small, ray_small):
        with pytest.raises(RuntimeError, match="inference_only"):
            module.forward_train(batch())
        with pytest.raises(ValueError, match=r"body\.0\.weight"):
            module.set_state({})


def test_set_state_tells_what_did_not_match(pair):
    ours, _ = pair
    state = ours.get_state()
    state["new"] = state.pop("pi.bias")
    report = ours.set_state(state)
    assert (report.missing, report.unexpected) == (("pi.bias",), ("new",))
    assert not report.complete


def test_state_does_not_change_with_the_module(pair):
    ours, _ = pair
    state = ours.get_state()
    before = state["pi.weight"].copy()
    with torch.no_grad():
        ours.pi.weight.add_(1)
    assert (state["pi.weight"] == before).all()


def test_float64_weights_keep_their_digits_which_rays_lose(pair):
    for module, keeps in zip(pair, (True, False), strict=True):
        module.double()
        with torch.no_grad():
            module.pi.bias.fill_(1 / 3)
        value = module.get_state()["pi.bias"]
        assert (float(value[0]) == 1 / 3) is keeps


def test_a_changed_tree_is_noticed(pair):
    ours, _ = pair
    ours.forward_inference(batch())
    ours.late = nn.Dropout(0.5)
    ours.body.insert(1, nn.Dropout(0.1))  # does not go through nn.Module.__setattr__
    ours.critic["vf"] = nn.Sequential(nn.Linear(6, 1))
    ours.pi.extra = nn.Dropout()
    modes = []
    ours.pi.register_forward_pre_hook(
        lambda *_: modes.append([part.training for part in ours.modules()])
    )
    ours.forward_inference(batch())
    assert modes[0]
    assert not any(modes[0])
    assert all(part.training for part in ours.modules())


def test_a_submodule_that_overrides_train_is_called():
    calls = []

    class Frozen(nn.BatchNorm1d):
        def train(self, mode=True):
            calls.append(mode)
            return super().train(False)

    class WithFrozen(TorchRLModule):
        def setup(self):
            self.norm = Frozen(4)

        def _forward(self, batch, **kwargs):
            return {Columns.ACTION_DIST_INPUTS: self.norm(batch[Columns.OBS])}

    module = WithFrozen(observation_space=OBS, action_space=gym.spaces.Discrete(4))
    calls.clear()
    module.forward_train(batch())
    assert calls == [True]
    assert not module.norm.training
    module.forward_inference(batch())
    assert calls == [True, False, True]


def test_the_mode_is_put_back_after_an_error(pair):
    for module in pair:
        module.train()
        with pytest.raises(KeyError):
            module.forward_inference({})
        assert all(part.training for part in module.modules())


def test_copies_and_pickles_are_independent(pair):
    ours, _ = pair
    ours.forward_inference(batch())
    twin = copy.deepcopy(ours)
    twin.forward_inference(batch())
    assert all(part.training for part in twin.modules())
    shallow = copy.copy(ours)
    shallow.forward_inference(batch())

    class_body = RLModuleSpec(Plain, OBS, gym.spaces.Discrete(2)).build()
    class_body.forward_inference(batch())
    loaded = pickle.loads(pickle.dumps(class_body))
    assert torch.equal(loaded.pi.weight, class_body.pi.weight)
    loaded.forward_inference(batch())
    assert all(part.training for part in loaded.modules())


class Plain(TorchRLModule):
    def setup(self):
        self.pi = nn.Linear(4, 2)

    def _forward(self, batch, **kwargs):
        return {Columns.ACTION_DIST_INPUTS: self.pi(batch[Columns.OBS])}


@pytest.mark.parametrize("base", [TorchRLModule, RayModule])
def test_a_module_without_arguments_exists(base):
    module = base()
    assert module.forward_inference({}) == {}
    assert module.get_initial_state() == {}
    assert not module.is_stateful()
    with pytest.raises(ValueError, match="action"):
        module.get_inference_action_dist_cls()


@pytest.mark.parametrize("base", [TorchRLModule, RayModule])
def test_setup_cannot_run_twice(base):
    class Twice(base):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            root = new_stack.RLModule if base is TorchRLModule else ray_rl_module()
            root.__init__(self, **kwargs)

    with pytest.raises(RuntimeError, match="twice"):
        Twice(observation_space=OBS, action_space=gym.spaces.Discrete(2))


def ray_rl_module():
    from ray.rllib.core.rl_module.rl_module import RLModule

    return RLModule


@pytest.mark.parametrize("base", [TorchRLModule, RayModule])
def test_a_config_argument_is_refused_today(base):
    from ray.rllib.core.rl_module.rl_module import RLModuleConfig as RayConfig

    config = new_stack.RLModuleConfig if base is TorchRLModule else RayConfig
    with pytest.raises(ValueError, match="RLModule"):
        base(config(observation_space=OBS))


@pytest.mark.parametrize("base", [TorchRLModule, RayModule])
def test_an_initial_state_must_be_a_dict(base):
    class Listed(base):
        def get_initial_state(self):
            return [1]

    with pytest.raises(AssertionError, match="dict"):
        Listed().is_stateful()


@pytest.mark.parametrize("space", [gym.spaces.Discrete(3), gym.spaces.Box(-1, 1, (3,))])
@pytest.mark.parametrize("explore", [True, False])
def test_actions_are_those_of_rays_connector(space, explore):
    from ray.rllib.connectors.module_to_env.get_actions import GetActions

    width = 3 if isinstance(space, gym.spaces.Discrete) else 6
    logits = torch.randn(1, width)
    ours = TorchRLModule(observation_space=OBS, action_space=space)
    rays = RayModule(observation_space=OBS, action_space=space)
    ray_batch = {Columns.ACTION_DIST_INPUTS: logits}
    torch.manual_seed(2)
    GetActions()._get_actions(ray_batch, rays, explore)
    torch.manual_seed(2)
    mine = actions_from_outputs(ours, {Columns.ACTION_DIST_INPUTS: logits}, explore=explore)
    assert torch.equal(mine[Columns.ACTIONS], ray_batch[Columns.ACTIONS])
    if explore:
        assert torch.equal(mine[Columns.ACTION_LOGP], ray_batch[Columns.ACTION_LOGP])
    assert mine[Columns.ACTION_LOGP].shape == (1,)


def test_given_actions_are_kept_and_get_their_logp_when_exploring():
    module = TorchRLModule(observation_space=OBS, action_space=gym.spaces.Discrete(3))
    outputs = {
        Columns.ACTIONS: torch.tensor([2, 0]),
        Columns.ACTION_DIST_INPUTS: torch.randn(2, 3),
    }
    got = actions_from_outputs(module, outputs, explore=True)
    logp = torch.log_softmax(outputs[Columns.ACTION_DIST_INPUTS], -1)[[0, 1], [2, 0]]
    assert torch.allclose(got[Columns.ACTION_LOGP], logp)
    assert Columns.ACTION_LOGP not in actions_from_outputs(module, outputs, explore=False)
    assert Columns.ACTION_LOGP not in outputs


def test_outputs_without_actions_raise_and_say_what_came():
    module = TorchRLModule(observation_space=OBS, action_space=gym.spaces.Discrete(3))
    with pytest.raises(ModuleError, match="embeddings"):
        actions_from_outputs(module, {Columns.EMBEDDINGS: 1}, explore=True)


def test_columns_are_rays():
    from ray.rllib.core.columns import Columns as RayColumns

    def names(cls):
        return {key: value for key, value in vars(cls).items() if key.isupper()}

    assert names(Columns) == names(RayColumns)


def test_a_module_without_a_wrapper_is_unwrapped(pair):
    for module in pair:
        assert module.unwrapped() is module
