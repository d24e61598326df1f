"""What forward sets for others to look at: counters, and attributes that are read afterwards."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from tests.migrate.models.conftest import compare

pytest.importorskip("ray.rllib")

MODEL = """
import time

import torch
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn


class Policy(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.body = nn.Linear(4, 8)
        self.pi = nn.Linear(8, num_outputs)
        self.vf = nn.Linear(8, 1)
        self._features = None
        self._size = 0
        self.calls = 0
        self.seconds = 0.0

    def forward(self, input_dict, state, seq_lens):
        started = time.perf_counter()
        self._size = input_dict["obs"].abs().sum()
        self._features = torch.tanh(self.body(input_dict["obs"]))
        out = self.pi(self._features)
        return out, state

    def value_function(self):
        return self.vf(self._features).squeeze(1) + self._size
"""
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
ACTIONS = gym.spaces.Discrete(3)
COUNTING = MODEL.replace(
    "        return out, state",
    """        self.calls = self.calls + 1
        if self.calls % 2 == 0:
            print(self.calls, self.seconds)
        self.seconds += time.perf_counter() - started
        return out, state

    def report(self):
        calls, self.calls = self.calls, 0
        return calls""",
)


def bridged(migrate, files) -> str:
    item = migrate(files).items["Policy"]
    assert item.outcome == "bridged"
    return item.message


def test_a_counter_that_the_outputs_follow_stays_state(migrate) -> None:
    code = COUNTING.replace("return out, state\n", "return out * self.calls, state\n")
    assert "self.calls" in bridged(migrate, code)


def test_a_counter_that_decides_stays_state(migrate) -> None:
    code = COUNTING.replace("print(self.calls, self.seconds)", "out = out * 2")
    assert "self.calls" in bridged(migrate, code)


def test_a_counter_that_values_read_stays_state(migrate) -> None:
    code = COUNTING.replace("+ self._size", "+ self.calls")
    assert "self.calls" in bridged(migrate, code)


def test_a_counter_that_a_helper_of_forward_reads_stays_state(migrate) -> None:
    helped = "out = self.pi(self._features) * self.report()"
    code = COUNTING.replace("out = self.pi(self._features)", helped)
    assert "self.calls" in bridged(migrate, code)


def test_an_attribute_that_a_helper_of_values_reads_stays_with_the_old_model(migrate) -> None:
    code = MODEL.replace("self.vf(self._features)", "self.branch()")
    code += "\n    def branch(self):\n        return self.vf(self._features)\n"
    assert "uses self._features, which forward sets, in branch" in bridged(migrate, code)


def test_an_attribute_that_other_code_sets_stays_with_the_old_model(migrate) -> None:
    files = {
        "model.py": MODEL,
        "use.py": "import ray.rllib\n\ndef f(model):\n    model._size = 1\n",
    }
    assert "keeps self._size, which other code reads" in bridged(migrate, files)


@pytest.mark.parametrize(
    "change",
    ["self._size = self._size + 1", "self._size = (\n            self._size + 1\n        )"],
)
def test_what_is_computed_of_the_call_before_stays_state(migrate, change) -> None:
    code = MODEL.replace('self._size = input_dict["obs"].abs().sum()', change)
    assert "reads self._size from the call before" in bridged(migrate, code)


def test_another_object_of_that_name_says_nothing_of_the_model(migrate) -> None:
    use = """
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork

class Holder:
    def __init__(self, *args):
        self.inner_model = None
        self.inner_model = FullyConnectedNetwork(*args)

    def peek(self):
        return self.inner_model._features


def peek(*args):
    model = FullyConnectedNetwork(*args)
    return model._features
"""
    done = migrate({"model.py": MODEL, "use.py": use})
    assert done.items["Policy"].outcome == "native"
    assert "self._features" not in done.text("model.py")
    for unknown in ("FullyConnectedNetwork(*args)\n    model = args[0]", "args[0]"):
        changed = use.replace("model = FullyConnectedNetwork(*args)", f"model = {unknown}")
        assert "self._features = " in migrate({"model.py": MODEL, "use.py": changed}).text(
            "model.py"
        )


def test_counters_go_on_counting(migrate) -> None:
    done = migrate(COUNTING)
    assert done.items["Policy"].outcome == "native"
    old, new = done.old("model.py").Policy, done.new("model.py").Policy
    compare(old, new, OBS, ACTIONS)
    text = done.text("model.py")
    assert "        self.calls = self.calls + 1\n" in text
    assert "        self.calls = 0\n" in text
    assert "def report(self):\n        calls, self.calls = self.calls, 0\n" in text


COLLECTING = MODEL.replace(
    "        return out, state",
    """        if self.collects:
            try:
                self.seen.append(out.detach())
            except MemoryError:
                pass
            if len(self.seen) > 3:
                self.seen.pop(0)
        return out, state""",
).replace("self.calls = 0", "self.seen, self.collects = [], True")


def test_a_list_that_the_outputs_follow_stays_state(migrate) -> None:
    code = COLLECTING.replace("return out, state", "return out * len(self.seen), state")
    assert "self.seen" in bridged(migrate, code)
    code = COLLECTING.replace(
        "self.seen.append(out.detach())", "out = self.seen.append(out) or out"
    )
    assert "self.seen" in bridged(migrate, code)


def test_a_list_of_what_was_seen_goes_on_filling(migrate) -> None:
    done = migrate(COLLECTING)
    assert done.items["Policy"].outcome == "native"
    compare(done.old("model.py").Policy, done.new("model.py").Policy, OBS, ACTIONS)
    assert "self.seen.append(out.detach())" in done.text("model.py")


def test_what_other_code_reads_is_still_there(migrate) -> None:
    import torch
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec

    use = "import ray.rllib\n\ndef peek(model):\n    return model._features\n"
    done = migrate({"model.py": MODEL, "use.py": use})
    assert "self._features: forward goes on setting it" in done.items["Policy"].message
    old, new = done.old("model.py").Policy, done.new("model.py").Policy
    compare(old, new, OBS, ACTIONS)
    spec = RLModuleSpec(
        module_class=new, observation_space=OBS, action_space=ACTIONS, model_config={}
    )
    module = spec.build()
    obs = torch.randn(5, 4)
    module.forward_train({"obs": obs})
    assert torch.equal(module._features, torch.tanh(module.body(obs)))


def test_what_a_method_of_its_own_reads_is_still_there(migrate) -> None:
    done = migrate(MODEL + "\n    def last(self):\n        return self._size\n")
    assert done.items["Policy"].outcome == "native"
    compare(done.old("model.py").Policy, done.new("model.py").Policy, OBS, ACTIONS)
    text = done.text("model.py")
    assert "        self._size = " in text
    assert "return self._size" in text
