"""A wrapped policy acts as the policy does, whatever it overrides."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
import tree
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner
from ray.rllib.models.torch.torch_action_dist import TorchCategorical, TorchDeterministic
from ray.rllib.policy.policy import Policy
from ray.rllib.policy.torch_policy_v2 import TorchPolicyV2

from rlmigrate import wrap_policy
from rlmigrate.errors import ModuleError, WrapError
from rlmigrate.legacy.policies import TorchPolicyV2 as OurTorchPolicyV2

OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
DISCRETE = gym.spaces.Discrete(3)
MODEL = {"fcnet_hiddens": [8]}


class Flipped:
    """Acts on mirrored logits."""

    def action_distribution_fn(self, model, *, obs_batch, state_batches, **kwargs):
        logits, state = model(obs_batch, state_batches, kwargs.get("seq_lens"))
        return torch.flip(logits, [1]), TorchCategorical, state


class ExploreDependent:
    """Changes the distribution class with `explore`."""

    def action_distribution_fn(self, model, *, obs_batch, state_batches, **kwargs):
        logits, state = model(obs_batch, state_batches, kwargs.get("seq_lens"))
        if kwargs["explore"]:
            return logits, TorchCategorical, state
        return logits.argmax(1).float(), TorchDeterministic, state


class Sampler:
    """Samples on its own, and adds an output."""

    def action_sampler_fn(self, model, *, obs_batch, state_batches, **kwargs):
        logits, state = model(obs_batch, state_batches, None)
        actions = torch.full((logits.shape[0],), 2 if kwargs["explore"] else 1)
        return actions, torch.log_softmax(logits, 1)[:, 1], logits, state

    def extra_action_out(self, input_dict, state_batches, model, action_dist):
        return {"twice": input_dict["obs"] * 2}


class ByInputDict:
    """Changes actions where RLlib's sampler asks for them."""

    def compute_actions_from_input_dict(self, input_dict, explore=None, timestep=None, **kwargs):
        actions, states, info = super().compute_actions_from_input_dict(
            input_dict, explore=explore, timestep=timestep, **kwargs
        )
        return np.where(input_dict["obs"][:, 0] > 0, 2, actions), states, info


class Stepped(Policy):
    """Needs no network: an action from the sign of the observation."""

    def get_initial_state(self):
        return [np.zeros(1, np.float32)]

    def compute_actions(self, obs_batch, state_batches=None, *args, **kwargs):
        states = [state_batches[0] + 1]
        return (np.asarray(obs_batch)[:, 0] > 0).astype(np.int64), states, {}

    def learn_on_batch(self, samples):
        return {}

    def get_weights(self):
        return {}

    def set_weights(self, weights):
        pass


def policies() -> dict[str, type]:
    made: dict[str, type] = {"plain": PPOTorchPolicy, "numpy": Stepped}
    for hooks in (Flipped, ExploreDependent, Sampler):
        for base in (TorchPolicyV2, OurTorchPolicyV2):
            name = f"{hooks.__name__}On{base.__module__.split('.')[0].title()}"
            made[name] = type(name, (hooks, base), {"loss": lambda *_: torch.zeros(())})
    return made


POLICIES = policies()


def build(
    policy_class: type,
    stack: str = "ray",
    actions: gym.Space[Any] = DISCRETE,
    more: dict[str, Any] | None = None,
) -> Any:
    wrapped = wrap_policy(policy_class, stack=stack, name="WrappedPolicy")
    if stack == "ray":
        spec: Any = RLModuleSpec
    else:
        from rlmigrate.new_stack import RLModuleSpec as spec
    torch.manual_seed(0)
    return spec(
        module_class=wrapped,
        observation_space=OBS,
        action_space=actions,
        model_config={**MODEL, **(more or {})},
    ).build()


def batch_for(module: Any) -> dict[str, Any]:
    batch: dict[str, Any] = {"obs": torch.rand(6, 4) - 0.5}
    if module.is_stateful():
        batch["state_in"] = {
            name: value.repeat(6, 1) for name, value in module.get_initial_state().items()
        }
    return batch


@pytest.mark.parametrize("stack", ["ray", "builtin"])
@pytest.mark.parametrize("base", [PPOTorchPolicy, OurTorchPolicyV2])
@pytest.mark.parametrize("model", [{}, {"use_lstm": True, "lstm_cell_size": 4}])
def test_the_method_that_the_sampler_asked_counts(stack, base, model):
    loss = {} if base is PPOTorchPolicy else {"loss": lambda *_: torch.zeros(())}
    policy_class = type("ByInputDict", (ByInputDict, base), loss)
    module = build(policy_class, stack, more=model)
    batch = batch_for(module)
    batch["prev_actions"] = torch.arange(6) % 3
    torch.manual_seed(5)
    outputs = module.forward_exploration(batch)
    states = [value.numpy() for value in batch.get("state_in", {}).values()]
    columns = {f"state_in_{at}": state for at, state in enumerate(states)}
    asked = {"obs": batch["obs"].numpy(), "prev_actions": batch["prev_actions"].numpy(), **columns}
    torch.manual_seed(5)
    actions, _, info = module.legacy_policy.compute_actions_from_input_dict(
        module._wrap_family.sample_batch(asked), explore=True
    )
    assert np.array_equal(outputs["actions"].numpy(), actions)
    assert set(outputs["actions"][batch["obs"][:, 0] > 0].tolist()) == {2}
    assert np.array_equal(outputs["action_logp"].numpy(), info["action_logp"])


@pytest.mark.parametrize("explore", [True, False])
@pytest.mark.parametrize("stack", ["ray", "builtin"])
@pytest.mark.parametrize("name", POLICIES)
def test_acts_as_the_policy_does(name, stack, explore):
    module = build(POLICIES[name], stack)
    batch = batch_for(module)
    forward = module.forward_exploration if explore else module.forward_inference
    torch.manual_seed(5)
    outputs = forward(batch)
    torch.manual_seed(5)
    states = [value.numpy() for value in batch.get("state_in", {}).values()]
    actions, after, info = module.legacy_policy.compute_actions(
        batch["obs"].numpy(), states, explore=explore
    )
    assert np.array_equal(outputs["actions"].numpy(), actions)
    for key, value in info.items():
        assert np.array_equal(outputs[key].numpy(), value), key
    for new, old in zip(outputs.get("state_out", {}).values(), after, strict=True):
        assert np.array_equal(new.numpy(), old)
    assert outputs["action_logp"].shape == (6,)


def test_every_action_space(action_space):
    module = build(PPOTorchPolicy, actions=action_space)
    batch = batch_for(module)
    outputs = module.forward_inference(batch)
    actions, _, _ = module.legacy_policy.compute_actions(batch["obs"].numpy(), explore=False)
    tree.map_structure(
        lambda new, old: np.testing.assert_array_equal(new.numpy(), old),
        outputs["actions"],
        actions,
    )


def test_training_runs_the_overridden_distribution_with_gradients():
    module = build(POLICIES["FlippedOnRay"])
    batch = batch_for(module)
    outputs = module.forward_train(batch)
    logits, _ = module.legacy_model({"obs": batch["obs"]})
    assert torch.equal(outputs["action_dist_inputs"], torch.flip(logits, [1]))
    assert torch.equal(
        module.compute_values(batch, outputs["embeddings"]), module.legacy_model.value_function()
    )
    outputs["action_dist_inputs"].sum().backward()
    assert module.legacy_model._logits._model[0].weight.grad is not None
    dist = module.get_train_action_dist_cls().from_logits(outputs["action_dist_inputs"])
    assert dist.logp(torch.zeros(6)).shape == (6,)


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_own_their_weights(twin_of):
    module = build(PPOTorchPolicy)
    twin = twin_of(module)
    batch = batch_for(module)
    expected = module.forward_inference(batch)["action_dist_inputs"]
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    assert torch.equal(twin.forward_inference(batch)["action_dist_inputs"], expected)


def test_epsilon_greedy_exploration_is_part_of_exploring():
    config = {
        "exploration_config": {
            "type": "EpsilonGreedy", "initial_epsilon": 1.0, "final_epsilon": 0.0,
            "epsilon_timesteps": 10,
        }
    }  # fmt: skip
    wrapped = wrap_policy(PPOTorchPolicy, stack="ray", config=config)
    module = RLModuleSpec(
        module_class=wrapped, observation_space=OBS, action_space=DISCRETE, model_config=MODEL
    ).build()
    obs = {"obs": torch.zeros(200, 4)}
    greedy = module.forward_inference(obs)["actions"]
    assert len(set(module.forward_exploration(obs, t=0)["actions"].tolist())) == 3
    assert torch.equal(module.forward_exploration(obs, t=100)["actions"], greedy)


class Env(gym.Env):
    """Random observations."""

    observation_space, action_space, left = OBS, DISCRETE, 0

    def __init__(self, config: Any) -> None:
        """Ignore the config."""

    def reset(self, *, seed=None, options=None):
        self.left = 5
        return self.observation_space.sample(), {}

    def step(self, action):
        self.left -= 1
        return self.observation_space.sample(), 1.0, self.left <= 0, False, {}


@pytest.mark.parametrize("name", POLICIES)
def test_rays_env_runner_takes_it(name):
    spec = RLModuleSpec(
        module_class=wrap_policy(POLICIES[name], stack="ray"), model_config=dict(MODEL)
    )
    config = PPOConfig().environment(Env).rl_module(rl_module_spec=spec)
    config.env_runners(num_env_runners=0, rollout_fragment_length=10)
    runner = SingleAgentEnvRunner(config=config)
    for explore in (True, False):
        episodes = runner.sample(num_timesteps=12, explore=explore)
        assert sum(len(episode) for episode in episodes) >= 12


def test_a_policy_without_a_network_cannot_train():
    module = build(Stepped)
    with pytest.raises(ModuleError, match="Stepped has no torch model to train"):
        module.forward_train(batch_for(module))


def test_a_class_that_is_no_policy_is_refused():
    with pytest.raises(WrapError, match="not a Policy"):
        wrap_policy(torch.nn.Linear)
