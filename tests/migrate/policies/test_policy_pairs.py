"""The pairs in fixtures/policies: what each policy becomes, and that it acts the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

pytest.importorskip("ray.rllib")
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy
from ray.rllib.connectors.module_to_env import GetActions
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.policy.sample_batch import SampleBatch

FOLDER = Path(__file__).parents[3] / "fixtures" / "policies"
PAIRS = json.loads((FOLDER / "policies.json").read_text())
OBSERVATIONS = gym.spaces.Box(-1, 1, (4,), np.float32)
ACTIONS = {
    "discrete": gym.spaces.Discrete(3),
    "gauss": gym.spaces.Box(-1, 1, (2,), np.float32),
    "multi": gym.spaces.MultiDiscrete([2, 3]),
}
MODEL = {"fcnet_hiddens": [8], "vf_share_layers": True}


def before(name: str) -> str:
    return (FOLDER / name / "before.py").read_text()


def test_every_folder_is_listed() -> None:
    assert sorted(PAIRS) == sorted(p.name for p in FOLDER.iterdir() if p.is_dir())


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_becomes(migrate, name) -> None:
    done = migrate(before(name))
    assert done.items["Policy"].outcome == "native"
    assert done.text() == (FOLDER / name / "after.py").read_text()


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_does_not_change_again(migrate, name) -> None:
    after = (FOLDER / name / "after.py").read_text()
    assert migrate(after).text() == after


def old_policy(cls: type, actions: gym.Space[Any]) -> Any:
    """Build a policy as Ray's old stack does."""
    stack = {
        "enable_rl_module_and_learner": False,
        "enable_env_runner_and_connector_v2": False,
    }
    config = PPOConfig().api_stack(**stack).to_dict()
    config["model"] = {**config["model"], **MODEL}
    return cls(OBSERVATIONS, actions, config)


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_acts_the_same(migrate, name) -> None:
    done = migrate(before(name))
    actions = ACTIONS[PAIRS[name]["actions"]]
    torch.manual_seed(1)
    old = old_policy(done.old().Policy, actions)
    new = RLModuleSpec(
        module_class=done.new().Policy,
        observation_space=OBSERVATIONS,
        action_space=actions,
        model_config=dict(MODEL),
    ).build()
    if getattr(old, "model", None) is not None:
        weights = old.model.state_dict()
        assert set(weights) == set(new.state_dict())
        new.load_state_dict(weights)
    network = getattr(old, "model", None)
    states = [np.asarray(s) for s in network.get_initial_state()] if network is not None else []
    for explore in (True, False):
        for rows in (1, 5):
            compare_actions(old, new, states, explore=explore, rows=rows)
    if states or network is None:
        return
    obs = torch.rand(5, 4) * 2 - 1
    if hasattr(new, "compute_values"):
        old.model({"obs": obs})
        trained = new.forward_train({"obs": obs})
        for embeddings in (None, trained.get("embeddings")):
            values = new.compute_values({"obs": obs}, embeddings)
            assert torch.equal(values, old.model.value_function())
        assert trained["action_dist_inputs"].requires_grad


@pytest.mark.parametrize("name", ["hotter_while_exploring", "recurrent_sampler", "scripted"])
def test_runs_without_ray(migrate, name) -> None:
    done = migrate(before(name), target="builtin", layers="import")
    text = done.text()
    assert "ray.rllib" not in text
    from rlmigrate.new_stack import RLModuleSpec as BuiltinSpec

    module = BuiltinSpec(
        module_class=done.new().Policy,
        observation_space=OBSERVATIONS,
        action_space=ACTIONS[PAIRS[name]["actions"]],
        model_config=dict(MODEL),
    ).build()
    batch: dict[str, Any] = {"obs": torch.rand(5, 4)}
    if name.startswith("recurrent"):
        batch = {"obs": torch.rand(5, 1, 4)}
        batch["state_in"] = {
            key: torch.zeros(5, *value.shape) for key, value in module.get_initial_state().items()
        }
    outs = module.forward_exploration(batch)
    assert {"actions", "action_dist_inputs"} & set(outs)


def compare_actions(
    old: Any, new: Any, states: list[np.ndarray[Any, Any]], *, explore: bool, rows: int
) -> None:
    """Actions, their probabilities and inputs, and everything else that the old policy gave."""
    obs = np.random.default_rng(rows).uniform(-1, 1, (rows, 4)).astype(np.float32)
    batch: dict[str, Any] = {"obs": torch.from_numpy(obs)}
    given: dict[str, Any] = {"obs": obs}
    if states:
        drawn = [torch.randn(rows, *s.shape).numpy() for s in states]
        given |= {f"state_in_{i}": s for i, s in enumerate(drawn)}
        names = list(new.get_initial_state())
        batch["obs"] = batch["obs"].unsqueeze(1)
        batch["state_in"] = {n: torch.from_numpy(s) for n, s in zip(names, drawn, strict=True)}
    torch.manual_seed(3)
    if getattr(old, "model", None) is None or "compute_actions" in vars(type(old)):
        acted, after, infos = old.compute_actions(obs, explore=explore)
    else:
        acted, after, infos = old.compute_actions_from_input_dict(
            SampleBatch(given), explore=explore
        )
    torch.manual_seed(3)
    forward = new.forward_exploration if explore else new.forward_inference
    outs = forward(batch, t=0) if explore else forward(batch)
    assert "embeddings" not in outs
    if "actions" in outs:
        assert "action_logp" in outs
    if states:
        outs = {k: v.squeeze(1) if k != "state_out" else v for k, v in outs.items()}
    GetActions()._get_actions(outs, new, explore)
    assert np.array_equal(np.asarray(outs["actions"]), np.asarray(acted))
    for key, value in infos.items():
        if key == "action_prob" and key not in outs:
            continue  # the exponential of action_logp, which the new stack leaves to its reader
        if key == "vf_preds" and isinstance(old, PPOTorchPolicy):
            continue  # the learner of the new stack asks for values itself
        got = np.asarray(outs[key])
        if key == "action_logp" and not explore and got.shape != value.shape:
            assert not got.any()  # Ray's TorchDeterministic has a zero for each component
            assert not value.any()
            continue
        assert np.array_equal(got, value), key
    for ours, theirs in zip(outs.get("state_out", {}).values(), after, strict=True):
        assert np.array_equal(ours.numpy(), theirs)
