"""RecurrentNetwork and LSTMWrapper, beside Ray's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete, Tuple
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from rlmigrate.legacy.batches import SampleBatch
from rlmigrate.legacy.catalog import ModelCatalog
from rlmigrate.legacy.models.recurrent_net import RecurrentNetwork

OBS = Box(-1, 1, (3,), np.float32)
ACTIONS = {
    "box": Box(-1, 1, (2,), np.float32),
    "discrete": Discrete(4),
    "multi_discrete": MultiDiscrete([2, 3]),
    "tuple": Tuple([Discrete(3), Dict(c=Box(-1, 1, (2,), np.float32), d=MultiDiscrete([2, 2]))]),
}

LSTM = {"use_lstm": True, "lstm_cell_size": 5, "fcnet_hiddens": [8]}


def batch_of(sequences, steps, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {
        "obs": torch.randn(sequences * steps, 3, generator=generator),
        "prev_rewards": torch.randn(sequences * steps, generator=generator),
    }


def states(count, size, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(count, size, generator=generator) for _ in range(2)]


def compare(pair, batch, state, seq_lens, equal):
    equal(pair.ours(dict(batch), state, seq_lens), pair.rays(dict(batch), state, seq_lens))
    equal(pair.ours.value_function(), pair.rays.value_function())
    equal(pair.ours.get_initial_state(), pair.rays.get_initial_state())


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    sequences=st.integers(1, 3),
    steps=st.integers(1, 4),
    vf_share_layers=st.booleans(),
    prev_reward=st.booleans(),
    time_major=st.booleans(),
    hiddens=st.sampled_from([[], [8], [8, 6]]),
)
def test_lstm(sequences, steps, vf_share_layers, prev_reward, time_major, hiddens, twins, equal):
    pair = twins(
        OBS,
        Discrete(2),
        2,
        use_lstm=True,
        lstm_cell_size=5,
        fcnet_hiddens=hiddens,
        vf_share_layers=vf_share_layers,
        lstm_use_prev_reward=prev_reward,
        _time_major=time_major,
    )
    compare(
        pair,
        batch_of(sequences, steps),
        states(sequences, 5),
        torch.full((sequences,), steps),
        equal,
    )


def with_python_int(space):
    """Give Ray a Discrete that its LSTM wrapper can take: it raises on numpy's int64."""
    space.n = int(space.n)
    return space


@pytest.mark.parametrize("space", [ACTIONS["box"], with_python_int(Discrete(4))], ids=str)
def test_previous_actions(space, twins, equal):
    pair = twins(OBS, space, 2, lstm_use_prev_action=True, lstm_use_prev_reward=True, **LSTM)
    space.seed(0)
    batch = batch_of(2, 3)
    batch["prev_actions"] = torch.from_numpy(np.stack([space.sample() for _ in range(6)]))
    compare(pair, batch, states(2, 5), torch.tensor([3, 2]), equal)
    for name, requirement in pair.rays.view_requirements.items():
        ours = pair.ours.view_requirements[name]
        assert (ours.data_col, ours.shift) == (requirement.data_col, requirement.shift)


def test_nested_previous_actions(twins, equal):
    space = Tuple([Box(-1, 1, (2,), np.float32), Dict(a=with_python_int(Discrete(3)))])
    pair = twins(OBS, space, 2, lstm_use_prev_action=True, _disable_action_flattening=True, **LSTM)
    batch = batch_of(2, 3)
    batch["prev_actions"] = (torch.randn(6, 2), {"a": torch.tensor([0, 1, 2, 0, 1, 2])})
    compare(pair, batch, states(2, 5), torch.tensor([3, 2]), equal)


class TestRepairs:
    """Ray gives numpy's int64 to nn.LSTM, which raises (RLLIB_FACTS 0.9)."""

    @pytest.mark.parametrize("actions", ["discrete", "multi_discrete"])
    def test_previous_discrete_actions(self, actions):
        space = ACTIONS[actions]
        model = ModelCatalog.get_model_v2(
            OBS, space, 2, {"lstm_use_prev_action": True, **LSTM}, framework="torch"
        )
        assert isinstance(space.dtype.type(1), np.int64)
        batch = batch_of(1, 2)
        values = [[0, 2], [1, 1]] if actions == "multi_discrete" else [0, 3]
        batch["prev_actions"] = torch.tensor(values)
        encoded = {
            "discrete": [[1, 0, 0, 0], [0, 0, 0, 1]],
            "multi_discrete": [[1, 0, 0, 0, 1], [0, 1, 0, 1, 0]],
        }[actions]
        h, c = states(1, 5)
        out, _ = model(batch, [h, c], torch.tensor([2]))
        features = torch.cat([model._hidden_layers(batch["obs"]), torch.tensor(encoded)], dim=1)
        expected, _ = model.lstm(features[None], (h[None], c[None]))
        assert torch.equal(out, model._logits_branch(expected)[0])

    def test_nested_previous_actions(self):
        model = ModelCatalog.get_model_v2(
            OBS,
            ACTIONS["tuple"],
            2,
            {"lstm_use_prev_action": True, "_disable_action_flattening": True, **LSTM},
            framework="torch",
        )
        assert model.lstm.input_size == 8 + 3 + 2 + 4
        batch = batch_of(1, 2)
        batch["prev_actions"] = (
            torch.tensor([0, 2]),
            {"c": torch.ones(2, 2), "d": torch.ones(2, 2, dtype=torch.int64)},
        )
        out, state = model(batch, states(1, 5), torch.tensor([2]))
        assert out.shape == (2, 2)
        assert state[0].shape == (1, 5)


def test_lstm_behind_a_vision_net(twins, equal):
    pair = twins(
        Box(0, 255, (10, 10, 3), np.float32), Discrete(2), 2, use_lstm=True, lstm_cell_size=5
    )
    batch = {"obs": torch.rand(6, 10, 10, 3)}
    compare(pair, batch, states(2, 5), torch.tensor([3, 3]), equal)


def test_sample_batches_carry_states_and_lengths(twins, equal):
    from ray.rllib.policy.sample_batch import SampleBatch as RayBatch

    pair = twins(OBS, Discrete(2), 2, **LSTM)
    h, c = states(2, 5)
    columns = {**batch_of(2, 3), "state_in_0": h, "state_in_1": c, "seq_lens": torch.tensor([3, 3])}
    equal(pair.ours(SampleBatch(columns)), pair.rays(RayBatch(columns)))


class TestCustomRecurrentModels:
    @staticmethod
    def make(base):
        class GRU(base, nn.Module):
            def __init__(self, obs_space, action_space, num_outputs, model_config, name):
                nn.Module.__init__(self)
                super().__init__(obs_space, action_space, num_outputs, model_config, name)
                self.rnn = nn.GRU(3, 4, batch_first=True)
                self.out = nn.Linear(4, num_outputs)

            def get_initial_state(self):
                return [self.out.weight.new_zeros(4)]

            def value_function(self):
                return self._value

            def forward_rnn(self, inputs, state, seq_lens):
                out, h = self.rnn(inputs, state[0].unsqueeze(0))
                self._value = out.sum(-1).reshape(-1)
                return self.out(out), [h.squeeze(0)]

        return GRU

    def test_same_body_on_both_bases(self, twins, equal):
        from ray.rllib.models.torch.recurrent_net import RecurrentNetwork as RayBase

        pair = twins(
            OBS, Discrete(2), 2, custom_model=(self.make(RecurrentNetwork), self.make(RayBase))
        )
        batch = batch_of(2, 3)
        state = [torch.randn(2, 4)]
        lens = torch.tensor([3, 1])
        equal(pair.ours(batch, state, lens), pair.rays(batch, state, lens))
        equal(pair.ours.value_function(), pair.rays.value_function())

    def test_forward_rnn_must_be_written(self):
        class Bare(RecurrentNetwork, nn.Module):
            def __init__(self, *args):
                nn.Module.__init__(self)
                super().__init__(*args)

        model = Bare(OBS, Discrete(2), 2, {}, "m")
        with pytest.raises(NotImplementedError, match="forward_rnn"):
            model({"obs": torch.ones(1, 3)}, [], torch.tensor([1]))
