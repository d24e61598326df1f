"""Wrapped DQN and SAC models compute what the old policies compute, and learn on Ray."""

from __future__ import annotations

import copy
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.algorithms.dqn.dqn_torch_policy import DQNTorchPolicy
from ray.rllib.algorithms.sac import SACConfig
from ray.rllib.algorithms.sac.sac_torch_model import SACTorchModel
from ray.rllib.algorithms.sac.sac_torch_policy import SACTorchPolicy
from ray.rllib.core.rl_module.apis import InferenceOnlyAPI, QNetAPI, TargetNetworkAPI
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.models import ModelCatalog
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork

from rlmigrate import transfer_weights, wrap_model
from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2 as OurTorchModelV2

from ..models import Features

OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
DISCRETE, BOX = gym.spaces.Discrete(3), gym.spaces.Box(-1, 1, (2,), np.float32)
N = 10


class WideSac(SACTorchModel):
    """A custom SAC model: another policy net."""

    def build_policy_model(self, obs_space, num_outputs, policy_model_config, name):
        wider = {**policy_model_config, "fcnet_hiddens": [24]}
        return super().build_policy_model(obs_space, num_outputs, wider, name)


DQN_CASES = {
    "plain": {"dueling": False, "hiddens": []},
    "heads": {"dueling": False},
    "dueling": {},
    "atoms": {"num_atoms": 5},
    "dueling_off_atoms": {"num_atoms": 5, "dueling": False},
    "noisy": {"noisy": True},
}


def old_config(config: Any, **settings: Any) -> dict[str, Any]:
    config.api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
    config.framework("torch")
    return {**config.to_dict(), **settings}


def spec_for(wrapped: type, actions: gym.Space[Any], model_config: dict[str, Any]) -> RLModuleSpec:
    return RLModuleSpec(
        module_class=wrapped,
        observation_space=OBS,
        action_space=actions,
        model_config=model_config,
    )


def replay(actions: gym.Space[Any]) -> dict[str, Any]:
    torch.manual_seed(4)
    taken = torch.randint(3, (N,)) if actions is DISCRETE else torch.rand(N, 2) * 2 - 1
    return {
        "obs": torch.rand(N, 4),
        "new_obs": torch.rand(N, 4),
        "actions": taken,
        "rewards": torch.randn(N),
        "terminateds": torch.rand(N) > 0.7,
        "truncateds": torch.zeros(N, dtype=torch.bool),
        "n_step": torch.ones(N),
        "weights": torch.ones(N),
    }


@pytest.fixture(params=list(DQN_CASES))
def dqn(request) -> tuple[Any, Any, dict[str, Any]]:
    """Build an old DQN policy and the wrapped module with its weights."""
    ModelCatalog.register_custom_model("features", Features)
    settings = DQN_CASES[request.param]
    model = {"custom_model": "features", "fcnet_hiddens": [8]}
    config = old_config(DQNConfig(), **settings)
    config["model"] = {**config["model"], **model}
    policy = DQNTorchPolicy(OBS, DISCRETE, config)
    wrapped = wrap_model(Features, stack="ray", role="dqn")
    epsilon = [(0, 1.0), (10000, 0.02)]  # the old default
    module = spec_for(
        wrapped, DISCRETE, {"fcnet_hiddens": [8], "epsilon": epsilon, **settings}
    ).build()
    transfer_weights(policy, module)
    return policy, module, settings


def test_q_values_and_greedy_actions(dqn):
    policy, module, settings = dqn
    if settings.get("noisy"):
        pytest.skip("noise is drawn anew in each pass")
    obs = torch.rand(N, 4)
    actions, _, info = policy.compute_actions(obs.numpy(), explore=False)
    values = module.compute_q_values({"obs": obs})["qf_preds"]
    assert np.array_equal(values.detach().numpy(), info["q_values"])
    assert np.array_equal(module.forward_inference({"obs": obs})["actions"].numpy(), actions)


def test_epsilon_greedy_draws_as_the_old_one(dqn):
    policy, module, _ = dqn
    obs = torch.rand(N, 4)
    for timestep in (0, 5000, 20000):
        torch.manual_seed(timestep)
        expected, _, _ = policy.compute_actions(obs.numpy(), explore=True, timestep=timestep)
        torch.manual_seed(timestep)
        found = module.forward_exploration({"obs": obs}, t=timestep)["actions"]
        assert np.array_equal(found.numpy(), expected)


def test_dqn_learns_on_rays_learner(dqn):
    _, _, settings = dqn
    wrapped = wrap_model(Features, stack="ray", role="dqn")
    config = DQNConfig().rl_module(
        rl_module_spec=RLModuleSpec(module_class=wrapped, model_config={"fcnet_hiddens": [8]})
    )
    config.training(**{k: v for k, v in settings.items() if k in ("num_atoms", "dueling", "noisy")})
    spaces = (OBS, DISCRETE)
    learner = config.build_learner(env=None, spaces={"__env__": spaces, "default_policy": spaces})
    module = learner.module["default_policy"]
    assert isinstance(module, QNetAPI)
    assert isinstance(module, TargetNetworkAPI)
    batch = replay(DISCRETE)
    loss = learner.compute_loss_for_module(
        module_id="default_policy",
        config=config,
        batch=batch,
        fwd_out=module.forward_train(dict(batch)),
    )
    gradients = learner.postprocess_gradients(learner.compute_gradients({"default_policy": loss}))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    learner.apply_gradients(gradients)
    moved = {n for n, v in module.state_dict().items() if not torch.equal(v, before[n])}
    assert "legacy_model.body.weight" in moved
    assert not any(name.startswith("target_legacy_model.") for name in moved)


def test_td_targets_use_the_target_network_and_double_q(dqn):
    _, module, settings = dqn
    if settings.get("noisy"):
        pytest.skip("noise is drawn anew in each pass")
    module.make_target_networks()
    with torch.no_grad():
        for parameter in module.target_legacy_model.parameters():
            parameter.mul_(0.5)
    batch = replay(DISCRETE)
    outputs = module.forward_train(batch)
    now = module.compute_q_values({"obs": batch["obs"]})["qf_preds"]
    after = module.compute_q_values({"obs": batch["new_obs"]})["qf_preds"]
    assert torch.equal(outputs["qf_preds"], now)
    assert torch.equal(outputs["qf_next_preds"], after)
    assert not torch.equal(outputs["qf_target_next_preds"], after)


@pytest.mark.parametrize("stack", ["ray", "builtin"])
@pytest.mark.parametrize("actions", [DISCRETE, BOX], ids=["discrete", "box"])
@pytest.mark.parametrize("model_class", [SACTorchModel, WideSac])
def test_sac_policy_and_critics(actions, model_class, stack):
    nets = {"policy_model_config": {"fcnet_hiddens": [8]}, "q_model_config": {"fcnet_hiddens": [6]}}
    config = old_config(SACConfig())
    for key, value in nets.items():
        config[key] = {**config[key], **value}
    if model_class is WideSac:
        ModelCatalog.register_custom_model("wide", WideSac)
        config["model"] = {**config["model"], "custom_model": "wide"}
    policy = SACTorchPolicy(OBS, actions, config)
    wrapped: Any = wrap_model(model_class, stack=stack)
    arguments = {"observation_space": OBS, "action_space": actions, "inference_only": False}
    module = wrapped(
        model_config=nets, **arguments
    )  # silent about activations, as SACConfig is not
    transfer_weights(policy, module)
    obs = torch.rand(N, 4)
    greedy, _, info = policy.compute_actions(obs.numpy(), explore=False)
    logits = module.forward_inference({"obs": obs})["action_dist_inputs"]
    assert np.array_equal(logits.numpy(), info["action_dist_inputs"])
    dist = module.get_inference_action_dist_cls().from_logits(logits)
    assert np.array_equal(dist.to_deterministic().sample().numpy(), greedy)
    taken = None if actions is DISCRETE else torch.rand(N, 2)
    features, _ = policy.model({"obs": obs}, [], None)
    first, second = (
        net(features, taken)[0]
        for net in (policy.model.get_q_values, policy.model.get_twin_q_values)
    )
    values = module.compute_q_values({"obs": obs, "actions": taken})
    assert torch.equal(values, torch.min(first, second).reshape(values.shape))


@pytest.mark.parametrize("actions", [DISCRETE, BOX], ids=["discrete", "box"])
def test_sac_learns_on_rays_learner(actions):
    config = SACConfig().rl_module(
        rl_module_spec=RLModuleSpec(
            module_class=wrap_model(WideSac, stack="ray"),
            model_config={"q_model_config": {"fcnet_hiddens": [6]}},
        )
    )
    spaces = (OBS, actions)
    learner = config.build_learner(env=None, spaces={"__env__": spaces, "default_policy": spaces})
    module = learner.module["default_policy"]
    batch = replay(actions)
    loss = learner.compute_loss_for_module(
        module_id="default_policy",
        config=config,
        batch=batch,
        fwd_out=module.forward_train(dict(batch)),
    )
    gradients = learner.postprocess_gradients(learner.compute_gradients({"default_policy": loss}))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    learner.apply_gradients(gradients)
    moved = {n for n, v in module.state_dict().items() if not torch.equal(v, before[n])}
    for part in ("action_model", "q_net", "twin_q_net"):
        assert any(name.startswith(f"legacy_model.{part}.") for name in moved), part
    assert not any(name.startswith("target_legacy_model.") for name in moved)


def test_default_dqn_model_without_ray():
    wrapped: Any = wrap_model(OurTorchModelV2, stack="builtin", role="dqn")
    module = wrapped(
        observation_space=OBS, action_space=DISCRETE, model_config={"fcnet_hiddens": [8]}
    )
    module.make_target_networks()
    outputs = module.forward_train(replay(DISCRETE))
    assert outputs["qf_target_next_preds"].shape == (N, 3)
    assert torch.equal(outputs["qf_target_next_preds"], outputs["qf_next_preds"])


# ---- parts that acting does not need


@pytest.mark.parametrize("shared", [True, False])
def test_inference_only_drops_the_value_function_and_still_acts(shared, build):
    wrapped = wrap_model(FullyConnectedNetwork, stack="ray")
    config = {"fcnet_hiddens": [8], "vf_share_layers": shared}
    full = build(wrapped, model_config=config)
    small = build(wrapped, model_config=config, inference_only=True)
    assert isinstance(full, InferenceOnlyAPI)
    kept = {name.split(".")[1] for name in small.state_dict()}
    assert kept == {"_logits", "_hidden_layers"}
    state = full.get_state(inference_only=True)
    assert set(state) == set(small.state_dict())
    small.set_state(state)
    obs = {"obs": torch.rand(3, 4)}
    assert torch.equal(
        small.forward_exploration(obs)["action_dist_inputs"],
        full.forward_exploration(obs)["action_dist_inputs"],
    )


def test_a_value_layer_that_forward_calls_stays(build):
    class Eager(FullyConnectedNetwork):
        def forward(self, input_dict, state, seq_lens):
            logits, state = super().forward(input_dict, state, seq_lens)
            self.value = self._value_branch(self._features)
            return logits, state

    small = build(
        wrap_model(Eager, stack="ray"),
        model_config={"fcnet_hiddens": [8], "vf_share_layers": True},
        inference_only=True,
    )
    assert any("_value_branch" in name for name in small.state_dict())
    small.forward_inference({"obs": torch.rand(3, 4)})


def test_probing_leaves_generator_and_model_alone(build):
    wrapped = wrap_model(FullyConnectedNetwork, stack="ray")
    module = build(wrapped, model_config={"fcnet_hiddens": [8]})
    before = torch.random.get_rng_state()
    module.get_non_inference_attributes()
    assert torch.equal(torch.random.get_rng_state(), before)
    assert module.legacy_model._features is None


def test_target_of_a_policy_model(build):
    module = build(wrap_model(FullyConnectedNetwork, stack="ray"))
    obs = {"obs": torch.rand(3, 4)}
    module.forward_train(obs)
    module.make_target_networks()
    ((main, target),) = module.get_target_network_pairs()
    assert main is module.legacy_model
    assert not any(parameter.requires_grad for parameter in target.parameters())
    expected = module.forward_train(obs)["action_dist_inputs"]
    found = module.forward_target(obs)["target_network_action_dist_inputs"]
    assert torch.equal(found, expected)
    assert copy.deepcopy(module).target_legacy_model is not target
