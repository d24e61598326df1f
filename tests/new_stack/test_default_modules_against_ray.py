"""The default modules against Ray 2.60's: same seed, same weights, same numbers."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
import tree
from ray.rllib.algorithms.bc.torch.default_bc_torch_rl_module import (
    DefaultBCTorchRLModule as RayBC,
)
from ray.rllib.algorithms.dqn.torch.default_dqn_torch_rl_module import (
    DefaultDQNTorchRLModule as RayDQN,
)
from ray.rllib.algorithms.ppo.ppo_catalog import PPOCatalog as RayPPOCatalog
from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import (
    DefaultPPOTorchRLModule as RayPPO,
)
from ray.rllib.algorithms.sac.torch.default_sac_torch_rl_module import (
    DefaultSACTorchRLModule as RaySAC,
)
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig as RayModelConfig

from rlmigrate.new_stack import Columns
from rlmigrate.new_stack.catalog.ppo import PPOCatalog
from rlmigrate.new_stack.defaults.bc import DefaultBCTorchRLModule
from rlmigrate.new_stack.defaults.dqn import DefaultDQNTorchRLModule
from rlmigrate.new_stack.defaults.ppo import DefaultPPOTorchRLModule
from rlmigrate.new_stack.defaults.sac import DefaultSACTorchRLModule
from rlmigrate.new_stack.models.default_config import DefaultModelConfig

VECTOR = gym.spaces.Box(-1, 1, (5,))
IMAGE = gym.spaces.Box(0, 1, (10, 10, 3))
BIG_IMAGE = gym.spaces.Box(0, 1, (42, 42, 1))
ACTIONS = {
    "discrete": gym.spaces.Discrete(3),
    "box": gym.spaces.Box(-1, 1, (2,)),
    "multi_discrete": gym.spaces.MultiDiscrete([2, 3]),
    "tuple": gym.spaces.Tuple([gym.spaces.Discrete(2), gym.spaces.Box(-1, 1, (2,))]),
    "dict": gym.spaces.Dict(z=gym.spaces.Discrete(2), a=gym.spaces.Box(-1, 1, (1,))),
}
CONFIGS = {
    "default": {},
    "separate": {"vf_share_layers": False, "fcnet_hiddens": [7, 6]},
    "relu_heads": {"fcnet_activation": "relu", "head_fcnet_hiddens": [8, 4]},
    "one_layer": {"fcnet_hiddens": [9], "fcnet_activation": "linear"},
    "layernorm": {
        "fcnet_hiddens": [6, 6],
        "fcnet_use_layernorm": True,
        "head_fcnet_use_layernorm": True,
        "head_fcnet_hiddens": [5],
    },
    "initializers": {
        "fcnet_hiddens": [6],
        "fcnet_kernel_initializer": "orthogonal_",
        "fcnet_kernel_initializer_kwargs": {"gain": 0.5},
        "fcnet_bias_initializer": "constant_",
        "fcnet_bias_initializer_kwargs": {"val": 0.25},
    },
    "lstm": {"use_lstm": True, "lstm_cell_size": 6, "fcnet_hiddens": [5]},
    "lstm_separate": {
        "use_lstm": True,
        "lstm_cell_size": 6,
        "fcnet_hiddens": [5],
        "vf_share_layers": False,
    },
    "lstm_initializers": {
        "use_lstm": True,
        "lstm_cell_size": 4,
        "fcnet_hiddens": [5],
        "lstm_kernel_initializer": "xavier_uniform_",
        "lstm_bias_initializer": "zeros_",
    },
}


def build_pair(ours, rays, obs, act, config, *, inference_only=False):
    modules = []
    for cls in (ours, rays):
        torch.manual_seed(7)
        modules.append(
            cls(
                observation_space=obs,
                action_space=act,
                model_config=dict(config),
                inference_only=inference_only,
            )
        )
    return modules


def same_state(ours, rays):
    mine, theirs = ours.state_dict(), rays.state_dict()
    return list(mine) == list(theirs) and all(torch.equal(mine[k], theirs[k]) for k in theirs)


def batch_for(module, rows=4, steps=3):
    torch.manual_seed(1)
    shape = module.observation_space.shape
    state = module.get_initial_state()
    if not state:
        return {Columns.OBS: torch.rand(rows, *shape)}
    return {
        Columns.OBS: torch.rand(rows, steps, *shape),
        Columns.STATE_IN: tree.map_structure(lambda s: torch.rand(rows, *s.shape), state),
    }


def assert_same(ours, rays):
    tree.assert_same_structure(ours, rays)
    for path, theirs in tree.flatten_with_path(rays):
        mine = ours
        for key in path:
            mine = mine[key]
        assert torch.equal(mine, theirs), path


def assert_same_passes(ours, rays):
    batch = batch_for(rays)
    for method in ("forward_inference", "forward_exploration", "forward_train"):
        assert_same(getattr(ours, method)(batch), getattr(rays, method)(batch))


@pytest.mark.parametrize("config", sorted(CONFIGS))
@pytest.mark.parametrize("act", ["discrete", "box"])
@pytest.mark.parametrize(
    ("ours", "rays"), [(DefaultPPOTorchRLModule, RayPPO), (DefaultBCTorchRLModule, RayBC)]
)
def test_ppo_and_bc_are_rays(ours, rays, act, config):
    ours, rays = build_pair(ours, rays, VECTOR, ACTIONS[act], CONFIGS[config])
    assert same_state(ours, rays)
    assert_same_passes(ours, rays)
    assert_same(ours.get_initial_state(), rays.get_initial_state())
    assert ours.is_stateful() == rays.is_stateful()
    if hasattr(rays, "compute_values"):
        batch = batch_for(rays)
        values = rays.compute_values(batch)
        assert torch.equal(ours.compute_values(batch), values)
        embeddings = ours.forward_train(batch)[Columns.EMBEDDINGS]
        assert torch.equal(ours.compute_values(batch, embeddings), values)


@pytest.mark.parametrize("act", sorted(ACTIONS))
@pytest.mark.parametrize(
    ("obs", "config"),
    [
        (IMAGE, {}),
        (BIG_IMAGE, {"vf_share_layers": False}),
        (IMAGE, {"conv_filters": [[4, 3, 2], [5, [3, 3], 1, "valid"]]}),
        (IMAGE, {"use_lstm": True, "lstm_cell_size": 4, "conv_filters": [[4, 3, 2]]}),
    ],
)
def test_ppo_on_images_and_every_action_space_is_rays(obs, config, act):
    ours, rays = build_pair(DefaultPPOTorchRLModule, RayPPO, obs, ACTIONS[act], config)
    assert same_state(ours, rays)
    assert_same_passes(ours, rays)
    dist = ours.get_train_action_dist_cls()
    width = ours.pi.net.mlp[-1].out_features
    assert dist.required_input_dim(space=ACTIONS[act]) == width


def test_free_log_std_is_rays_and_clamped():
    config = {"free_log_std": True, "fcnet_hiddens": [4], "log_std_clip_param": 0.5}
    ours, rays = build_pair(DefaultPPOTorchRLModule, RayPPO, VECTOR, ACTIONS["box"], config)
    for module in (ours, rays):
        with torch.no_grad():
            module.pi.log_std.copy_(torch.tensor([3.0, -0.1]))
    assert_same_passes(ours, rays)
    with pytest.raises(AssertionError, match="free_log_std"):
        build_pair(DefaultPPOTorchRLModule, RayPPO, VECTOR, ACTIONS["discrete"], config)


def test_free_log_std_with_lstm_works_where_rays_raises():
    config = {**CONFIGS["lstm"], "free_log_std": True}
    ours, rays = build_pair(DefaultPPOTorchRLModule, RayPPO, VECTOR, ACTIONS["box"], config)
    batch = batch_for(rays)
    assert ours.forward_inference(batch)[Columns.ACTION_DIST_INPUTS].shape == (4, 3, 4)
    with pytest.raises(RuntimeError):
        rays.forward_inference(batch)


@pytest.mark.parametrize("config", ["default", "separate", "lstm"])
def test_inference_only_ppo_is_rays(config):
    ours, rays = build_pair(
        DefaultPPOTorchRLModule,
        RayPPO,
        VECTOR,
        ACTIONS["discrete"],
        CONFIGS[config],
        inference_only=True,
    )
    assert same_state(ours, rays)
    batch = batch_for(rays)
    assert_same(ours.forward_exploration(batch), rays.forward_exploration(batch))


def test_inference_leaves_a_stateless_critic_alone():
    module = build_pair(
        DefaultPPOTorchRLModule, RayPPO, VECTOR, ACTIONS["discrete"], CONFIGS["separate"]
    )[0]
    calls = []
    module.encoder.critic_encoder.register_forward_hook(lambda *_: calls.append("critic"))
    module.encoder.register_forward_hook(lambda *_: calls.append("encoder"))
    module.pi.register_forward_hook(lambda *_: calls.append("pi"))
    module.forward_inference(batch_for(module))
    assert calls == ["encoder", "pi"]


DQN = {"dueling": True, "double_q": True, "num_atoms": 1, "epsilon": [(0, 1.0), (100, 0.05)]}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dueling": False},
        {"double_q": False, "epsilon": 0.3},
        {"num_atoms": 5, "v_min": -2.0, "v_max": 3.0},
        {"num_atoms": 5, "v_min": -2.0, "v_max": 3.0, "dueling": False, "double_q": False},
        {"head_fcnet_hiddens": [6], "head_fcnet_kernel_initializer": "orthogonal_"},
    ],
)
@pytest.mark.parametrize("obs", [VECTOR, IMAGE])
def test_dqn_is_rays(obs, changes):
    ours, rays = build_pair(
        DefaultDQNTorchRLModule, RayDQN, obs, ACTIONS["discrete"], DQN | changes
    )
    for module in (ours, rays):
        module.make_target_networks()
    assert same_state(ours, rays)
    batch = batch_for(rays, rows=20)
    assert_same(ours.forward_inference(batch), rays.forward_inference(batch))
    for t in (0, 50, 1000):
        results = []
        for module in (ours, rays):
            torch.manual_seed(t)
            results.append(module.forward_exploration(batch, t=t))
        assert_same(*results)
    batch[Columns.NEXT_OBS] = torch.rand_like(batch[Columns.OBS])
    assert_same(ours.forward_train(batch), rays.forward_train(batch))
    assert len(ours.get_target_network_pairs()) == len(rays.get_target_network_pairs())
    assert list(ours.get_state(inference_only=True)) == list(rays.get_state(inference_only=True))


def test_dqn_with_lstm_is_rays_in_training_and_explores_where_rays_shapes_break():
    config = DQN | CONFIGS["lstm"]
    ours, rays = build_pair(DefaultDQNTorchRLModule, RayDQN, VECTOR, ACTIONS["discrete"], config)
    for module in (ours, rays):
        module.make_target_networks()
    batch = batch_for(rays)
    batch[Columns.NEXT_OBS] = torch.rand_like(batch[Columns.OBS])
    batch[Columns.NEXT_STATE_IN] = batch[Columns.STATE_IN]
    assert_same(ours.forward_train(batch), rays.forward_train(batch))
    one_step = batch_for(rays, steps=1)
    assert ours.forward_exploration(one_step, t=0)[Columns.ACTIONS].shape == (4, 1)


@pytest.mark.parametrize("act", ["box", "discrete"])
@pytest.mark.parametrize("twin", [True, False])
@pytest.mark.parametrize("head", [[], [6]])
def test_sac_is_rays(act, twin, head):
    config = {
        "twin_q": twin,
        "fcnet_hiddens": [8],
        "fusionnet_hiddens": [7, 5],
        "head_fcnet_hiddens": head,
    }
    ours, rays = build_pair(DefaultSACTorchRLModule, RaySAC, VECTOR, ACTIONS[act], config)
    for module in (ours, rays):
        module.make_target_networks()
    assert same_state(ours, rays)
    batch = batch_for(rays)
    assert_same(ours.forward_inference(batch), rays.forward_inference(batch))
    batch[Columns.NEXT_OBS] = torch.rand_like(batch[Columns.OBS])
    batch[Columns.ACTIONS] = torch.rand(4, 2)
    results = []
    for module in (ours, rays):
        torch.manual_seed(3)
        results.append(module.forward_train(batch))
    assert_same(*results)
    if act == "box":
        for module, result in zip((ours, rays), results, strict=True):
            result["q_curr"].sum().backward()
            assert module.qf.net.mlp[0].weight.grad is None
            assert module.pi.net.mlp[0].weight.grad is not None
    small = build_pair(
        DefaultSACTorchRLModule, RaySAC, VECTOR, ACTIONS[act], config, inference_only=True
    )
    assert same_state(*small)


@pytest.mark.parametrize("space", ["multi_discrete", "tuple"])
def test_sac_refuses_other_actions_as_rays_does(space):
    for cls in (DefaultSACTorchRLModule, RaySAC):
        with pytest.raises(ValueError, match="Box and Discrete"):
            cls(observation_space=VECTOR, action_space=ACTIONS[space], model_config={"twin_q": 1})


@pytest.mark.parametrize(
    "obs", [gym.spaces.Discrete(3), gym.spaces.Box(-1, 1, (2, 2)), gym.spaces.Dict(a=VECTOR)]
)
def test_observations_without_an_encoder_raise_the_catalogs_error(obs):
    for cls in (DefaultPPOTorchRLModule, RayPPO):
        with pytest.raises(ValueError, match=r"(?i)no default encoder"):
            cls(observation_space=obs, action_space=ACTIONS["discrete"], model_config={})


def test_a_linear_policy_works_where_rays_raises():
    config = {"fcnet_hiddens": []}
    with pytest.raises(IndexError):
        RayPPO(observation_space=VECTOR, action_space=ACTIONS["discrete"], model_config=config)
    module = DefaultPPOTorchRLModule(
        observation_space=VECTOR, action_space=ACTIONS["discrete"], model_config=config
    )
    obs = torch.rand(3, 5)
    out = module.forward_inference({Columns.OBS: obs})[Columns.ACTION_DIST_INPUTS]
    assert torch.equal(out, module.pi.net.mlp[0](obs))


def test_default_model_config_is_rays():
    import dataclasses

    assert dataclasses.asdict(DefaultModelConfig()) == dataclasses.asdict(RayModelConfig())


@pytest.mark.parametrize(
    ("config", "hint"),
    [
        ({"fcnet_hidens": [3]}, "did you mean 'fcnet_hiddens'"),
        ({"custom_model": "nope"}, "wrap_model"),
        ({"lstm_use_prev_action": True}, "PrevActionsPrevRewards"),
        ({"post_fcnet_hiddens": [3]}, "head_fcnet_hiddens"),
    ],
)
def test_settings_without_effect_are_named(config, hint):
    with pytest.warns(UserWarning, match=hint):
        DefaultPPOTorchRLModule(
            observation_space=VECTOR, action_space=ACTIONS["discrete"], model_config=config
        )


def test_known_settings_warn_of_nothing(recwarn):
    DefaultDQNTorchRLModule(
        observation_space=VECTOR, action_space=ACTIONS["discrete"], model_config=DQN
    )
    DefaultPPOTorchRLModule(
        observation_space=VECTOR, action_space=ACTIONS["box"], model_config=DefaultModelConfig()
    )
    assert [w for w in recwarn if "without any effect" in str(w.message)] == []


def test_float64_batches_raise_as_in_ray():
    ours, rays = build_pair(DefaultPPOTorchRLModule, RayPPO, VECTOR, ACTIONS["discrete"], {})
    for module in (ours, rays):
        with pytest.raises(RuntimeError, match="dtype"):
            module.forward_inference({Columns.OBS: torch.from_numpy(np.zeros((2, 5)))})


@pytest.mark.parametrize("shared", [True, False])
def test_a_batch_without_state_is_a_key_error_that_says_what_to_add(shared):
    settings = {"use_lstm": True, "lstm_cell_size": 4, "vf_share_layers": shared}
    common = {"observation_space": VECTOR, "action_space": ACTIONS["discrete"]}
    rays = RayPPO(
        **common, model_config=vars(RayModelConfig(**settings)), catalog_class=RayPPOCatalog
    )
    ours = DefaultPPOTorchRLModule(
        **common, model_config=vars(DefaultModelConfig(**settings)), catalog_class=PPOCatalog
    )
    batch = {"obs": torch.zeros(2, 1, 5)}
    with pytest.raises(KeyError):
        rays.forward_inference(batch)
    for call in (ours.forward_inference, ours.compute_values):
        with pytest.raises(KeyError, match=r"get_initial_state\(\).*keys found: \['obs'\]"):
            call(batch)
