"""Wrapped recurrent and attention models equal Ray's, step by step and in sequences."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import pytest
import torch
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork
from ray.rllib.models.torch.recurrent_net import RecurrentNetwork
from torch import nn

from rlmigrate import wrap_model
from rlmigrate.errors import ModuleError

B, T, M = 3, 4, 5
LSTM = {"use_lstm": True, "lstm_cell_size": 6, "max_seq_len": T}
ATTENTION = {
    "use_attention": True,
    "attention_dim": 8,
    "attention_head_dim": 4,
    "attention_num_heads": 2,
    "attention_num_transformer_units": 2,
    "attention_memory_inference": M,
    "attention_memory_training": M,
    "max_seq_len": T,
}


class Gru(RecurrentNetwork, nn.Module):
    """Counts its steps in a second state of another dtype and shape."""

    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        nn.Module.__init__(self)
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        self.gru = nn.GRU(obs_space.shape[0], 6, batch_first=True)
        self.head = nn.Linear(6, num_outputs)
        self.value = nn.Linear(6, 1)

    def get_initial_state(self):
        return [torch.zeros(6), torch.zeros(1, dtype=torch.int64)]

    def forward_rnn(self, inputs, state, seq_lens):
        self.out, hidden = self.gru(inputs, state[0].unsqueeze(0))
        return self.head(self.out), [hidden.squeeze(0), state[1] + inputs.shape[1]]

    def value_function(self):
        return self.value(self.out).reshape(-1)


CASES = {
    "lstm": (FullyConnectedNetwork, LSTM),
    "attention": (FullyConnectedNetwork, ATTENTION),
    "gru": (Gru, {"max_seq_len": T}),
}


@pytest.fixture(params=list(CASES))
def case(request):
    return CASES[request.param]


def _random_state(module: Any) -> dict[str, torch.Tensor]:
    initial = module.get_initial_state()
    return {
        name: torch.rand(B, *value.shape)
        if value.is_floating_point()
        else torch.arange(B).reshape(B, 1)
        for name, value in initial.items()
    }


def test_sequences_values_states_and_gradients(case, action_space, build):
    model_class, config = case
    module = build(
        wrap_model(model_class, stack="ray"), action_space=action_space, model_config=config
    )
    state = _random_state(module)
    obs, seq_lens = torch.rand(B, T, 4), torch.tensor([T, 2, 1])
    outputs = module.forward_train({"obs": obs, "state_in": state, "seq_lens": seq_lens})
    values = module.compute_values({"obs": obs}, outputs["embeddings"])
    (outputs["action_dist_inputs"].square().sum() + values.square().sum()).backward()
    gradients = {name: p.grad for name, p in module.named_parameters()}
    module.zero_grad(set_to_none=True)

    logits, after = module.legacy_model({"obs": obs.flatten(0, 1)}, list(state.values()), seq_lens)
    old_values = module.legacy_model.value_function()
    (logits.square().sum() + old_values.square().sum()).backward()
    assert torch.equal(outputs["action_dist_inputs"], logits.reshape(B, T, -1))
    assert torch.equal(values, old_values.reshape(B, T))
    for name, parameter in module.named_parameters():
        expected = parameter.grad
        assert (gradients[name] is None) == (expected is None)
        assert expected is None or torch.equal(gradients[name], expected)
    if "use_attention" not in config:
        for new, old in zip(outputs["state_out"].values(), after, strict=True):
            assert torch.equal(new, old)
    again = module.compute_values({"obs": obs, "state_in": state, "seq_lens": seq_lens})
    assert torch.equal(again, values)
    dist = module.get_train_action_dist_cls().from_logits(outputs["action_dist_inputs"])
    assert dist.logp(dist.sample()).shape == (B, T)


def test_stepping_equals_the_old_policys_stepping(case, build):
    """The old policy keeps windows by view requirements; the state here must equal them."""
    model_class, config = case
    module = build(wrap_model(model_class, stack="ray"), model_config=config)
    model = module.legacy_model
    history: list[list[torch.Tensor]] = []
    state = {
        name: value.unsqueeze(0).repeat(B, *[1] * value.ndim)
        for name, value in module.get_initial_state().items()
    }
    old_state = list(state.values())
    for _ in range(M + 3):
        obs = torch.rand(B, 1, 4)
        outputs = module.forward_inference({"obs": obs, "state_in": state})
        state = outputs["state_out"]
        with torch.no_grad():
            logits, after = model({"obs": obs[:, 0]}, old_state, torch.ones(B, dtype=torch.int32))
        assert torch.equal(outputs["action_dist_inputs"][:, 0], logits)
        if "use_attention" in config:
            history.append(after)
            rows = [torch.zeros_like(old) for old in after]
            old_state = [
                torch.stack([*[rows[i]] * (M - len(history)), *[h[i] for h in history[-M:]]], 1)
                for i in range(len(after))
            ]
        else:
            old_state = after
        for new, old in zip(state.values(), old_state, strict=True):
            assert torch.equal(new, old)


def test_lstm_states_are_named(build):
    module = build(wrap_model(FullyConnectedNetwork, stack="ray"), model_config=LSTM)
    assert {name: tuple(v.shape) for name, v in module.get_initial_state().items()} == {
        "h": (6,),
        "c": (6,),
    }
    assert module.is_stateful()
    assert module.model_config["max_seq_len"] == T


def test_connectors_find_max_seq_len_without_being_told(build):
    module = build(wrap_model(Gru, stack="ray"), model_config={})
    assert module.model_config["max_seq_len"] == 20


def test_batch_without_states_says_what_is_missing(build):
    module = build(wrap_model(Gru, stack="ray"), model_config={})
    with pytest.raises(ModuleError, match="stateful and the batch has no 'state_in'"):
        module.forward_inference({"obs": torch.rand(B, 1, 4)})


def test_dict_observations_in_sequences(build):
    space = gym.spaces.Dict(
        {
            "a": gym.spaces.Discrete(3),
            "b": gym.spaces.Box(-1, 1, (2, 2)),
            "c": gym.spaces.MultiDiscrete([2, 2]),
        }
    )
    module = build(wrap_model(FullyConnectedNetwork, stack="ray"), space, model_config=LSTM)
    obs = {
        "a": torch.randint(3, (B, T)),
        "b": torch.rand(B, T, 2, 2),
        "c": torch.randint(2, (B, T, 2)),
    }
    state = _random_state(module)
    outputs = module.forward_train({"obs": obs, "state_in": state})
    one_hot = nn.functional.one_hot
    flat = torch.cat(
        [one_hot(obs["a"], 3), obs["b"].flatten(2), one_hot(obs["c"], 2).flatten(2)], dim=2
    )
    expected, _ = module.legacy_model(
        {"obs": flat.flatten(0, 1)}, list(state.values()), torch.full((B,), T)
    )
    assert torch.equal(outputs["action_dist_inputs"].flatten(0, 1), expected)
