"""Models that cannot go on from any state whatever."""

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from torch import nn

from rlmigrate import check_parity, wrap_model
from rlmigrate.compat.parity import Status
from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2

SPACES = {"observation_space": Box(-1.0, 1.0, (3,)), "action_space": Discrete(2)}


class Counting(TorchModelV2, nn.Module):
    """Looks the number of the step up in a table; the state is that number."""

    size = 64

    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.table = nn.Embedding(self.size, 3)
        self.pi = nn.Linear(3, num_outputs)

    def get_initial_state(self):
        return [torch.zeros(1)]

    def forward(self, input_dict, state, seq_lens):
        count = len(seq_lens)
        obs = input_dict["obs"].reshape(count, -1, 3)
        steps = state[0].reshape(-1, 1).long() + torch.arange(obs.shape[1])
        steps = torch.where(state[0] == state[0].round(), steps, -1)
        self.seen = obs + self.table(steps)
        after = state[0] + seq_lens.reshape(-1, 1).to(state[0].dtype)
        return self.pi(self.seen).flatten(0, 1), [after]

    def value_function(self):
        return self.seen.sum(-1).flatten()


class Short(Counting):
    """Its table ends with the longest sequence."""

    size = 20


def test_goes_on_from_a_reached_state():
    (result,) = check_parity(Counting, wrap_model(Counting, stack="builtin"), **SPACES).results
    assert result.status is Status.PASS, result.message
    assert result.cases.compared == result.cases.total
    assert any("a state that it reaches" in note for note in result.notes)
    assert any(path.startswith("gradients.") for path in result.outputs)


def test_goes_on_from_the_initial_state_if_it_must():
    (result,) = check_parity(Short, wrap_model(Short, stack="builtin"), **SPACES).results
    assert result.status is Status.PASS, result.message
    assert any("from its initial state" in note for note in result.notes)


def test_fault_from_a_reached_state_is_found():
    class Faulty(wrap_model(Counting, stack="builtin")):
        def _forward_train(self, batch, **kwargs):
            found = super()._forward_train(batch, **kwargs)
            started = next(iter(batch["state_in"].values()))
            late = (started > 0).float().reshape(-1, 1, 1)
            key = "action_dist_inputs"
            return {**found, key: found[key] + 1e-3 * late}

    (result,) = check_parity(Counting, Faulty, **SPACES).results
    assert result.status is Status.FAIL
    assert np.isfinite(result.outputs["dist_inputs"].max_abs)


def test_random_states_stay_where_the_model_takes_them(planted):
    old, new, spaces = planted("correct", "Gathered")
    (result,) = check_parity(old, new, **spaces).results
    assert result.status is Status.PASS
    assert not any("random state" in note for note in result.notes)
