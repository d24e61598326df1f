"""MultiRLModule and the specs against Ray 2.60's."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from ray.rllib.core.rl_module import multi_rl_module as ray_multi
from ray.rllib.core.rl_module import rl_module as ray_single
from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule as RayModule
from torch import nn

from rlmigrate import new_stack
from rlmigrate.errors import CheckpointError
from rlmigrate.new_stack import (
    DEFAULT_MODULE_ID,
    Columns,
    MultiRLModule,
    MultiRLModuleSpec,
    RLModuleSpec,
    TorchRLModule,
)

OBS = gym.spaces.Box(-1, 1, (3,))
ACT = gym.spaces.Discrete(2)


def make_policy(base):
    class Policy(base):
        def setup(self):
            self.pi = nn.Linear(3, int(self.action_space.n))

        def _forward(self, batch, **kwargs):
            return {Columns.ACTION_DIST_INPUTS: self.pi(batch[Columns.OBS])}

    return Policy


OurPolicy, RayPolicy = make_policy(TorchRLModule), make_policy(RayModule)
SIDES = {
    "ours": (OurPolicy, RLModuleSpec, MultiRLModuleSpec, MultiRLModule),
    "rays": (
        RayPolicy,
        ray_single.RLModuleSpec,
        ray_multi.MultiRLModuleSpec,
        ray_multi.MultiRLModule,
    ),
}


@pytest.fixture(params=SIDES)
def side(request):
    return SIDES[request.param]


def specs(policy, spec, **changes):
    return {name: spec(policy, OBS, ACT, **changes) for name in ("a", "b")}


def test_modules_are_reached_as_in_a_dict(side):
    policy, spec, multi_spec, _ = side
    module = multi_spec(rl_module_specs=specs(policy, spec)).build()
    assert (list(module.keys()), len(module), "a" in module, "c" in module) == (
        ["a", "b"],
        2,
        True,
        False,
    )
    assert module.framework == "torch"
    assert module.get("c") is None
    assert [name for name, _ in module.items()] == ["a", "b"]
    with pytest.raises(KeyError, match="c"):
        module["c"]
    assert module.foreach_module(lambda mid, m: mid) == ["a", "b"]
    assert module.foreach_module(lambda mid, m, x: x, x=1, return_dict=True) == {"a": 1, "b": 1}


def test_batches_go_to_the_modules_they_name(side):
    policy, spec, multi_spec, _ = side
    module = multi_spec(rl_module_specs=specs(policy, spec)).build()
    batch = {"a": {Columns.OBS: torch.ones(2, 3)}, "elsewhere": {Columns.OBS: torch.ones(2, 3)}}
    for method in ("forward_inference", "forward_exploration", "forward_train"):
        out = getattr(module, method)(batch)
        assert list(out) == ["a"]
        assert torch.equal(out["a"][Columns.ACTION_DIST_INPUTS], module["a"].pi(torch.ones(2, 3)))
    assert module.get_initial_state() == {"a": {}, "b": {}}
    assert not module.is_stateful()


def test_inference_only_spreads_as_in_ray(side):
    policy, spec, multi_spec, _ = side
    every = multi_spec(rl_module_specs=specs(policy, spec, inference_only=True)).build()
    assert every.inference_only
    with pytest.raises(RuntimeError, match="inference_only"):
        every.forward_train({})
    forced = multi_spec(rl_module_specs=specs(policy, spec), inference_only=True).build()
    assert forced["a"].inference_only
    mixed = specs(policy, spec)
    mixed["a"].inference_only = True
    assert not multi_spec(rl_module_specs=mixed).build().inference_only


def test_adding_and_removing_modules(side):
    policy, spec, multi_spec, _ = side
    module = multi_spec(rl_module_specs=specs(policy, spec, inference_only=True)).build()
    extra = spec(policy, OBS, ACT).build()
    module.add_module("c", extra)
    assert module["c"] is extra
    assert not module.inference_only
    assert set(module.rl_module_specs) == {"a", "b", "c"}
    with pytest.raises(ValueError, match="override"):
        module.add_module("c", extra)
    module.add_module("c", extra, override=True)
    module.remove_module("c")
    with pytest.raises(KeyError):
        module.remove_module("c")
    assert set(module.rl_module_specs) == {"a", "b"}


def test_module_names_must_be_file_names():
    module = MultiRLModuleSpec(rl_module_specs=specs(OurPolicy, RLModuleSpec)).build()
    for name in ("a/b", "", "trailing ", "dot.", 3):
        with pytest.raises(ValueError, match="module name"):
            module.add_module(name, module["a"])


def test_states_by_component(side):
    policy, spec, multi_spec, _ = side
    module = multi_spec(rl_module_specs=specs(policy, spec)).build()
    assert set(module.get_state()) == {"a", "b"}
    assert set(module.get_state(components="a")) == {"a"}
    assert set(module.get_state(components=["b"])) == {"b"}
    assert set(module.get_state(not_components=["b"])) == {"a"}
    other = multi_spec(rl_module_specs=specs(policy, spec)).build()
    other.set_state({"a": module.get_state()["a"], "nobody": {}})
    assert torch.equal(other["a"].pi.weight, module["a"].pi.weight)
    assert not torch.equal(other["b"].pi.weight, module["b"].pi.weight)


def test_the_report_of_set_state_has_the_modules_names():
    module = MultiRLModuleSpec(rl_module_specs=specs(OurPolicy, RLModuleSpec)).build()
    state = module.get_state()
    state["b"]["odd"] = state["b"].pop("pi.bias")
    state["nobody"] = {}
    report = module.set_state(state)
    assert (report.missing, report.unexpected) == (("b/pi.bias",), ("b/odd", "nobody"))


def test_wrong_specs_raise_rays_errors(side):
    policy, spec, multi_spec, multi = side
    with pytest.raises(ValueError, match="dict"):
        multi_spec(rl_module_specs=spec(policy, OBS, ACT))
    with pytest.raises(ValueError if multi is MultiRLModule else AttributeError):
        multi(rl_module_specs={"a": 3})
    with pytest.raises(ValueError, match="class"):
        spec(observation_space=OBS).build()
    with pytest.raises(ValueError, match=r"(?i)observation.space"):
        spec(policy).build()
    with pytest.raises(ValueError, match="model_config"):
        spec(model_config_dict={"a": 1})
    with pytest.raises(ValueError, match="rl_module_specs"):
        multi_spec(module_specs={})


def test_specs_update_as_in_ray(side):
    policy, spec, _, _ = side
    one = spec(policy, OBS, model_config={"a": 1}, learner_only=True)
    one.update(spec(action_space=ACT, model_config={"b": 2}, inference_only=True))
    assert (one.module_class, one.action_space, one.model_config) == (policy, ACT, {"b": 2})
    assert one.inference_only
    assert not one.learner_only
    one.update(spec(model_config={"c": 3}, load_state_path="x"), override=False)
    assert (one.model_config, one.load_state_path) == ({"b": 2}, "x")
    with pytest.raises(ValueError, match="RLModuleSpec"):
        one.update({"a": 1})


def test_multi_specs_update_as_in_ray(side):
    policy, spec, multi_spec, _ = side
    many = multi_spec(rl_module_specs={"a": spec(), "b": spec(policy)}, inference_only=True)
    many.update(spec(policy, OBS, ACT))
    assert many["a"].module_class is policy
    assert not many.inference_only
    many.add_modules({"c": spec(policy)})
    many.update(multi_spec(rl_module_specs={"c": spec(observation_space=OBS)}))
    assert (many["c"].module_class, many["c"].observation_space) == (policy, OBS)
    many.remove_modules(["a", "zz"])
    many.remove_modules("b")
    assert ("a" in many, "b" in many, "c" in many) == (False, False, True)
    assert many.as_multi_rl_module_spec() is many
    assert spec(policy, OBS).as_multi_rl_module_spec()[DEFAULT_MODULE_ID].module_class is policy


def test_specs_from_modules_build_the_same(side):
    policy, spec, multi_spec, _ = side
    module = spec(policy, OBS, ACT, model_config={"x": 1}).build()
    again = spec.from_module(module)
    assert (again.module_class, again.model_config) == (policy, {"x": 1})
    many = multi_spec(rl_module_specs=specs(policy, spec), model_config={"y": 2}).build()
    whole = multi_spec.from_module(many)
    assert (set(whole.rl_module_specs), whole.model_config) == ({"a", "b"}, {"y": 2})
    with pytest.raises(ValueError, match="MultiRLModule"):
        spec.from_module(many)


def test_specs_as_data_are_rays_and_go_both_ways():
    space = gym.spaces.Dict(
        z=gym.spaces.Box(0, 255, (2, 2), np.uint8),
        m=gym.spaces.MultiDiscrete([2, 3]),
        t=gym.spaces.Tuple([gym.spaces.Discrete(3, start=1), gym.spaces.MultiBinary(4)]),
    )
    from ray.rllib.core.testing.torch.bc_module import DiscreteBCTorchModule as RayBC

    from rlmigrate.new_stack.defaults.discrete_bc import DiscreteBCTorchModule

    ours = RLModuleSpec(DiscreteBCTorchModule, space, ACT, model_config={"fcnet_hiddens": [3]})
    rays = ray_single.RLModuleSpec(RayBC, space, ACT, model_config={"fcnet_hiddens": [3]})
    assert ours.to_dict() == rays.to_dict()
    assert RLModuleSpec.from_dict(rays.to_dict()).observation_space == space
    assert ray_single.RLModuleSpec.from_dict(ours.to_dict()).module_class is RayBC
    many = MultiRLModuleSpec(rl_module_specs={"a": ours})
    ray_many = ray_multi.MultiRLModuleSpec(rl_module_specs={"a": rays})
    assert many.to_dict() == ray_many.to_dict()
    again = MultiRLModuleSpec.from_dict(ray_many.to_dict())
    assert again["a"].module_class is DiscreteBCTorchModule


def test_specs_as_data_import_nothing():
    data = RLModuleSpec(OurPolicy, OBS, ACT).to_dict()
    data["module_class"] = "some_package.that_is.NotLoaded"
    with pytest.raises(CheckpointError, match="module_classes"):
        RLModuleSpec.from_dict(data)
    named = {"some_package.that_is.NotLoaded": OurPolicy}
    assert RLModuleSpec.from_dict(data, module_classes=named).module_class is OurPolicy
    data["module_class"] = "os.system"
    with pytest.raises(CheckpointError):
        RLModuleSpec.from_dict(data)


def test_as_multi_rl_module_keeps_the_module_where_rays_makes_new_weights(side):
    policy, spec, _, multi = side
    module = spec(policy, OBS, ACT).build()
    many = module.as_multi_rl_module()
    assert isinstance(many, multi)
    kept = torch.equal(many[DEFAULT_MODULE_ID].pi.weight, module.pi.weight)
    assert kept is (multi is MultiRLModule)
    assert many.as_multi_rl_module() is many


def make_shared(base, spec):
    class WithSharedEncoder(base):
        def setup(self):
            super().setup()
            self.encoder = nn.Linear(3, 3)

        def _forward_inference(self, batch, **kwargs):
            features = self.encoder(batch[Columns.OBS])
            return {mid: m.forward_inference({Columns.OBS: features}) for mid, m in self.items()}

    return WithSharedEncoder


def test_shared_nets_are_in_the_state_where_ray_forgets_them(side):
    policy, spec, multi_spec, multi = side
    cls = make_shared(multi, spec)
    first, second = (
        multi_spec(multi_rl_module_class=cls, rl_module_specs=specs(policy, spec)).build()
        for _ in range(2)
    )
    second.set_state(first.get_state())
    assert torch.equal(first["a"].pi.weight, second["a"].pi.weight)
    assert torch.equal(first.encoder.weight, second.encoder.weight) is (multi is MultiRLModule)


def test_columns_and_default_module_id_are_rays():
    from ray.rllib.core import DEFAULT_MODULE_ID as RAYS

    assert DEFAULT_MODULE_ID == RAYS
    assert new_stack.TARGET_NETWORK_ACTION_DIST_INPUTS == "target_network_action_dist_inputs"


def test_target_networks_follow_as_in_ray():
    from ray.rllib.core.learner import utils as ray_utils

    from rlmigrate.new_stack import make_target_network, update_target_network

    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    net(torch.rand(4, 2))
    ours, rays = make_target_network(net), ray_utils.make_target_network(net)
    assert not any(p.requires_grad for p in ours.parameters())
    with torch.no_grad():
        net[0].weight.add_(1)
    update_target_network(main_net=net, target_net=ours, tau=0.1)
    ray_utils.update_target_network(main_net=net, target_net=rays, tau=0.1)
    mine, theirs = ours.state_dict(), rays.state_dict()
    assert all(torch.equal(mine[k], theirs[k]) for k in theirs)
    with pytest.raises(ValueError, match="Module"):
        make_target_network(3)
