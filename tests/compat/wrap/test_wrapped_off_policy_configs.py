"""The settings of old DQN and SAC configs reach the wrapped modules, whatever they were called."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import pytest
from ray.rllib.utils.exploration.epsilon_greedy import EpsilonGreedy

from rlmigrate.compat.wrap.algorithm import wrap_algorithm_config

CART, PENDULUM = "CartPole-v1", "Pendulum-v1"


def module_of(settings: dict[str, Any], algorithm: str) -> Any:
    config = wrap_algorithm_config(settings, algorithm)
    return config.get_rl_module_spec(env=gym.make(settings["env"])).build()


@pytest.mark.parametrize("names", [("policy_model", "Q_model"), ("policy_model_config",)])
def test_sacs_nets_are_those_of_the_dict_with_sacs_activation(names):
    """Old configs merged what was given with SAC's own, whose activation is not the model's."""
    given = {name: {"fcnet_hiddens": [4 + at]} for at, name in enumerate(names)}
    model = module_of({"env": PENDULUM, **given}, "SACTrainer").legacy_model
    assert [layer.in_features for layer in linears(model.action_model)] == [3, 4, 4]
    assert "ReLU" in repr(model.action_model)
    assert "Tanh" not in repr(model.action_model)
    sizes = [5] if len(names) == 2 else [256, 256]
    assert [layer.out_features for layer in linears(model.q_net)[:-2]] == sizes


def linears(net: Any) -> list[Any]:
    """Hidden layers, logits and value, in the order of a policy net's attributes."""
    found = {name: part for name, part in net.named_modules() if hasattr(part, "in_features")}
    hidden = [part for name, part in found.items() if "hidden" in name]
    heads = [part for name, part in found.items() if "hidden" not in name]
    return [*hidden, *heads]


def test_other_settings_of_sac():
    settings = {"env": PENDULUM, "twin_q": False, "normalize_actions": False, "initial_alpha": 0.5}
    module = module_of(settings, "SAC")
    assert module.qf_twin is None
    assert module.get_exploration_action_dist_cls().__name__ == "TorchDiagGaussian"
    assert float(module.legacy_model.log_alpha.exp()) == pytest.approx(0.5)


def test_a_models_own_settings_reach_sacs_nets():
    """The old SAC put `policy_model_config` on top of the model's config."""
    given = {"model": {"vf_share_layers": False}}
    model = module_of({"env": PENDULUM, **given}, "SAC").legacy_model
    assert any("_separate" in name for name, _ in model.action_model.named_parameters())


@pytest.mark.parametrize(
    "exploration",
    [
        {"type": "EpsilonGreedy", "initial_epsilon": 0.5, "epsilon_timesteps": 50},
        {"type": "EpsilonGreedy", "final_epsilon": 0.1, "warmup_timesteps": 20},
        {"type": EpsilonGreedy, "epsilon_timesteps": 7},
        {"type": "ray.rllib.utils.exploration.epsilon_greedy.EpsilonGreedy"},
    ],
)
def test_epsilon_falls_as_the_old_exploration_did(exploration):
    module = module_of({"env": CART, "exploration_config": exploration}, "DQN")
    # A type of the same name is merged with DQN's own settings, as the old stack did.
    own = {"initial_epsilon": 1.0, "final_epsilon": 0.02, "epsilon_timesteps": 10_000}
    arguments = {**(own if exploration["type"] == "EpsilonGreedy" else {}), **exploration}
    del arguments["type"]
    common: dict[str, Any] = {"framework": "torch", "policy_config": {}, "model": None}
    common |= {"num_workers": 0, "worker_index": 0}
    theirs = EpsilonGreedy(gym.spaces.Discrete(2), **common, **arguments)
    for step in (0, 5, 20, 40, 75, 1000, 100_020, 200_000):
        assert module._wrap_epsilon.update(step) == pytest.approx(theirs.epsilon_schedule(step))


def test_a_schedule_of_ones_own_is_named():
    exploration = {"type": "EpsilonGreedy", "epsilon_schedule": object()}
    with pytest.warns(UserWarning, match="epsilon_schedule is left out"):
        wrap_algorithm_config({"env": CART, "exploration_config": exploration}, "DQN")
