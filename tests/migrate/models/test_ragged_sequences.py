"""Recurrent pairs on sequences of any lengths, padded further than the old stack padded them."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("ray.rllib")
FOLDER = Path(__file__).parents[3] / "fixtures" / "models"
MODELS = json.loads((FOLDER / "models.json").read_text())
VECTOR = gym.spaces.Box(-1, 1, (4,), np.float32)
GRID = gym.spaces.Box(0, 9, (2, 2), np.int8)
PARTS = gym.spaces.Dict({"position": VECTOR, "grid": GRID, "room": gym.spaces.Discrete(3)})
OBSERVATIONS = {"box": VECTOR, "dict": PARTS}
ACTIONS = {"discrete": gym.spaces.Discrete(3), "gauss": gym.spaces.Box(-1, 1, (2,), np.float32)}
NAMES = (
    "recurrent_gru",
    "recurrent_lstm_over_a_dict",
    "recurrent_sized_by_a_preprocessor",
    "recurrent_states_of_any_number",
    "cell_by_hand_over_seq_lens",
    "hooks_of_a_memory_base",
    "looks_back_from_the_end",
    "packs_its_sequences",
    "reshapes_by_the_longest_sequence",
    "recurrent_helper_keeps_its_features",
    "recurrent_changes_its_inputs",
    "changes_its_state_in_place",
    "recurrent_local_named_batch",
)
#: A packed sequence must not be empty, on either stack.
NEVER_EMPTY = {"packs_its_sequences"}


def texts(name: str, side: str) -> dict[str, str]:
    """The files of one side of a pair."""
    folder = FOLDER / name / side
    if folder.is_dir():
        return {path.name: path.read_text() for path in sorted(folder.glob("*.py"))}
    return {"model.py": folder.with_suffix(".py").read_text()}


def sides(build_old, migrate, name):
    """The old model and the new module on equal weights."""
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec

    facts = MODELS[name]
    file, _, cls = facts.get("classes", ["model.Policy"])[0].partition(".")
    done = migrate(texts(name, "before"))
    named = facts["observations"]
    space = OBSERVATIONS[named if isinstance(named, str) else named[0]]
    actions, custom = ACTIONS[facts["actions"]], facts["configs"][0]
    model, prep = build_old(getattr(done.old(f"{file}.py"), cls), space, actions, custom)
    spec = RLModuleSpec(
        module_class=getattr(done.new(f"{file}.py"), cls),
        observation_space=space,
        action_space=actions,
        model_config=dict(custom),
    )
    module = spec.build()
    module.load_state_dict(model.state_dict())
    model.eval()
    return model, module, prep, space


@pytest.mark.parametrize("name", NAMES)
def test_ragged(migrate, build_old, equal_on, name) -> None:
    both = sides(build_old, migrate, name)
    shortest = 1 if name in NEVER_EMPTY else 0

    @settings(
        max_examples=12,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(
        lengths=st.lists(st.integers(shortest, 5), min_size=1, max_size=4).filter(any),
        more=st.integers(0, 3),
        seed=st.integers(0, 9),
    )
    def check(lengths, more, seed) -> None:
        equal_on(*both, lengths, max(*lengths, 1) + more, seed=seed)

    check()


def test_every_recurrent_pair_is_here() -> None:
    stateful = {
        name
        for name, facts in MODELS.items()
        if facts["outcome"] == "native"
        and any(
            "STATE_OUT" in text or "state_out(" in text for text in texts(name, "after").values()
        )
    }
    assert stateful <= set(NAMES), stateful - set(NAMES)


NORMED = """import torch
from ray.rllib.models.torch.recurrent_net import RecurrentNetwork
from torch import nn


class Policy(RecurrentNetwork, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        nn.Module.__init__(self)
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        self.norm = nn.BatchNorm1d(obs_space.shape[0])
        self.gru = nn.GRU(obs_space.shape[0], 5, batch_first=True)
        self.pi = nn.Linear(5, num_outputs)
        self.vf = nn.Linear(5, 1)

    def get_initial_state(self):
        return [torch.zeros(5)]

    def value_function(self):
        return self.vf(self._features).reshape(-1)

    def forward_rnn(self, inputs, state, seq_lens):
        x = self.norm(inputs.transpose(1, 2)).transpose(1, 2)
        self._features, h = self.gru(x, state[0].unsqueeze(0))
        return self.pi(self._features), [h.squeeze(0)]
"""


def test_statistics_of_a_batch_are_those_without_further_padding(migrate, build_old) -> None:
    import torch
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec

    done = migrate(NORMED)
    assert done.items["Policy"].outcome == "native"
    space, actions = OBSERVATIONS["box"], ACTIONS["discrete"]
    model, _ = build_old(done.old("model.py").Policy, space, actions)
    spec = RLModuleSpec(
        module_class=done.new("model.py").Policy,
        observation_space=space,
        action_space=actions,
        model_config={},
    )
    module = spec.build()
    module.load_state_dict(model.state_dict())
    model.train()
    module.train()
    lens = torch.tensor([3, 1], dtype=torch.int32)
    obs, state = torch.randn(2, 7, 4), torch.randn(2, 5)
    out, _ = model({"obs": obs[:, :3].reshape(6, 4)}, [state], lens)
    got = module._forward_train({"obs": obs, "state_in": {"state_0": state}, "seq_lens": lens})
    assert torch.equal(got["action_dist_inputs"][:, :3].reshape(6, -1), out)
    assert torch.equal(module.norm.running_mean, model.norm.running_mean)


@pytest.mark.parametrize(
    "name", ["looks_back_from_the_end", "reshapes_by_the_longest_sequence", "recurrent_gru"]
)
def test_wrapped_models_see_no_further_padding(migrate, build_old, name) -> None:
    import torch
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec

    from rlmigrate import wrap_model

    old = migrate(texts(name, "before")).old("model.py").Policy
    space, actions = VECTOR, ACTIONS["discrete"]
    model, _ = build_old(old, space, actions)
    spec = RLModuleSpec(
        module_class=wrap_model(old),
        observation_space=space,
        action_space=actions,
        model_config={},
    )
    module = spec.build()
    module.legacy_model.load_state_dict(model.state_dict())
    lens = torch.tensor([3, 1], dtype=torch.int32)
    obs = torch.randn(2, 7, 4)
    names = list(module.get_initial_state())
    states = [torch.randn(2, *s.shape) for s in module.get_initial_state().values()]
    out, _ = model({"obs": obs[:, :3].reshape(6, 4)}, states, lens)
    values = model.value_function()
    given = {"obs": obs, "state_in": dict(zip(names, states, strict=True)), "seq_lens": lens}
    got = module.forward_train(given)
    assert torch.equal(got["action_dist_inputs"][:, :3].reshape(6, -1), out)
    assert got["action_dist_inputs"].shape[:2] == (2, 7)
    for computed in (got["embeddings"], module.compute_values(given)):
        assert torch.equal(computed[:, :3].reshape(-1), values)
        assert computed.shape == (2, 7)
