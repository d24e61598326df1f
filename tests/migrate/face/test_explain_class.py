"""`scan --explain CLASS` says of any class what is believed and what becomes of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., subprocess.CompletedProcess[str]]

CODE = """from ray.rllib.algorithms.callbacks import DefaultCallbacks
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from ray.rllib.policy import build_policy_class
from ray.rllib.policy.policy import Policy
from torch import nn


class Net(TorchModelV2, nn.Module):
    def forward(self, input_dict, state, seq_lens):
        return self.head(input_dict["obs"]["a"], seq_lens), state


class Still(Policy):
    def compute_actions(self, obs_batch, state_batches=None, **kwargs):
        return [0 for _ in obs_batch], [], {}


class Watch(DefaultCallbacks):
    def on_create_policy(self, *, policy_id, policy):
        print(policy_id)


Made = build_policy_class(name="Made", framework="torch", loss_fn=loss)


class Other:
    pass
"""


def test_every_kind_of_class_is_explained(tmp_path: Path, rlmigrate: Run) -> None:
    (tmp_path / "m.py").write_text(CODE)

    def told(name: str) -> list[str]:
        done = rlmigrate("scan", "--explain", name, ".")
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    net = told("Net")
    assert net[0] == "m.py:8: a model"
    assert any(line.startswith("  observations: by key ") for line in net)
    assert "    line 10: it reads seq_lens" in net
    assert "  outcome: bridged, because it reads seq_lens (line 10)" in net
    still = told("m.Still")
    assert still[:3] == [
        "m.py:13: a policy",
        "  bases: ray.rllib.policy.policy.Policy",
        "  methods: compute_actions",
    ]
    assert still[4].startswith("    line 13: native by RLM204: ")
    assert any("manual by RLM701: on_create_policy" in line for line in told("Watch"))
    made = told("Made")
    assert made[0] == "m.py:23: a policy made by a call"
    assert "manual by RLM203" in made[2]
    assert told("Other") == ["m.py:26: nothing of the old stack"]


def test_a_class_that_is_not_there(tmp_path: Path, rlmigrate: Run) -> None:
    (tmp_path / "m.py").write_text(CODE)
    done = rlmigrate("scan", "--explain", "Gone", ".")
    assert done.returncode == 2
    assert "Gone: no such class" in done.stderr
