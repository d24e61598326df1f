"""What a class of a family does around its base, and what no module can do in its place."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from tests.migrate.models.conftest import compare

pytest.importorskip("ray.rllib")

BASE = """
import torch
from torch import nn
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2


class Base(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name, width=8):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.fc = nn.Linear(4, width)
        self.pi = nn.Linear(width, num_outputs)
        self.vf = nn.Linear(width, 1)

    def forward(self, input_dict, state, seq_lens):
        self._h = torch.tanh(self.fc(input_dict["obs"]))
        return self.pi(self._h), state

    def value_function(self):
        return self.vf(self._h).squeeze(1)


class Policy(Base):
"""
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
ACTIONS = gym.spaces.Discrete(3)
CHANGES = "changes what it hands to its base's forward"
MORE = "gives Base more than it was given, in kwargs"


@pytest.mark.parametrize(
    "body",
    [
        """
    def forward(self, input_dict, state, seq_lens):
        logits, _ = super().forward(input_dict, state, seq_lens)
        return logits * 2, state
""",
        """
    def __init__(self, *args, depth=2, **kwargs):
        super().__init__(*args, width=4 * depth, **kwargs)
""",
        """
    def value_function(self):
        return super().value_function() + 1
""",
    ],
)
def test_what_adds_to_its_base_is_native(migrate, body) -> None:
    done = migrate(BASE + body)
    assert done.items["Policy"].outcome == "native"
    compare(done.old("model.py").Policy, done.new("model.py").Policy, OBS, ACTIONS)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (
            """
    def forward(self, input_dict, state, seq_lens):
        input_dict["obs"] = input_dict["obs"] * 2
        return super().forward(input_dict, state, seq_lens)
""",
            CHANGES,
        ),
        (
            """
    def forward(self, input_dict, state, seq_lens):
        input_dict.update(obs=input_dict["obs"] * 2)
        return super().forward(input_dict, state, seq_lens)
""",
            "hands its whole input (input_dict) on",
        ),
        (
            """
    def __init__(self, *args, **kwargs):
        kwargs["width"] = 16
        super().__init__(*args, **kwargs)
""",
            MORE,
        ),
        (
            """
    def __init__(self, *args, **kwargs):
        kwargs = {**kwargs, "width": 16}
        super().__init__(*args, **kwargs)
""",
            MORE,
        ),
        (
            """
    def value_function(self):
        return Base.value_function(self) + 1
""",
            "calls value_function of Base by the name of the class",
        ),
    ],
)
def test_what_changes_its_base_is_bridged(migrate, body, why) -> None:
    item = migrate(BASE + body).items["Policy"]
    assert item.outcome == "bridged"
    assert why in item.message


def test_an_import_that_a_class_of_the_file_stands_before_goes(migrate) -> None:
    gone = "from ray.rllib.examples.models.rnn_model import Other, Policy\nprint(Other)\n"
    text = migrate(gone + BASE + "    pass\n").text("model.py")
    assert "from ray.rllib.examples.models.rnn_model import Other\n" in text
    needed = BASE.replace("class Policy(Base):", "print(Policy)\n\n\nclass Policy(Base):")
    assert "rnn_model import Other, Policy\n" in migrate(gone + needed + "    pass\n").text(
        "model.py"
    )
