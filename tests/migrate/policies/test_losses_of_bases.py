"""Losses on those of RLlib's policies: native only where the Learner's is the same number."""

from __future__ import annotations

import pytest

pytest.importorskip("ray.rllib")

LOSS = """class Policy({base}):
    def loss(self, model, dist_class, train_batch):
        return 2 * super().loss(model, dist_class, train_batch)
"""
OPTIMIZER = """import torch


class Policy({base}):
    def optimizer(self):
        return torch.optim.SGD(self.model.parameters(), lr=self.config["lr"])
"""


def text(base: str, body: str) -> str:
    folder = base.partition("Torch")[0].lower()
    home = f"ray.rllib.algorithms.{folder}.{folder}_torch_policy"
    return f"from {home} import {base}\n{body.format(base=base)}"


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("ImpalaTorchPolicy", "averages over steps"),
        ("APPOTorchPolicy", "cut at other steps"),
        ("SACTorchPolicy", "one for each optimizer"),
        ("CQLTorchPolicy", "one for each optimizer"),
        ("MARWILTorchPolicy", "from returns"),
    ],
)
def test_another_loss_is_for_a_person(migrate, base, reason):
    done = migrate(text(base, LOSS))
    assert done.items["Policy"].outcome == "manual"
    assert reason in done.items["Policy.learning"].message


@pytest.mark.parametrize("base", ["SACTorchPolicy", "CQLTorchPolicy"])
def test_one_optimizer_where_there_are_several(migrate, base):
    done = migrate(text(base, OPTIMIZER))
    assert "several optimizers" in done.items["Policy.learning"].message


@pytest.mark.parametrize("base", ["PPOTorchPolicy", "DQNTorchPolicy"])
def test_the_same_loss_is_native(migrate, base):
    """That it is the same: test_learners.py for PPO, test_native_q_models.py for DQN."""
    for body in (LOSS, OPTIMIZER):
        assert migrate(text(base, body)).items["Policy"].outcome == "native"
