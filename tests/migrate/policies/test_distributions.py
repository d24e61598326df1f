"""Rewritten distributions against the originals, on Ray's old and new stacks."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

pytest.importorskip("ray.rllib")

HEAD = (
    "import torch\n"
    "from ray.rllib.models.torch.torch_action_dist import (\n"
    "    TorchCategorical,\n    TorchDiagGaussian,\n    TorchDistributionWrapper,\n)\n\n\n"
)
SIZE = """
    @staticmethod
    def required_model_output_shape(action_space, model_config):
        return action_space.shape[0] * {factor}
"""
LAPLACE = """class Mine(TorchDistributionWrapper):
    def __init__(self, inputs, model):
        super().__init__(inputs, model)
        mean, log_scale = inputs.chunk(2, dim=1)
        self.dist = torch.distributions.Laplace(mean, log_scale.exp())

    def deterministic_sample(self):
        self.last_sample = self.dist.mean
        return self.last_sample

    def logp(self, actions):
        return super().logp(actions).sum(-1)

    def entropy(self):
        return super().entropy().sum(-1)

    def kl(self, other):
        return torch.distributions.kl_divergence(self.dist, other.dist).sum(-1)
""" + SIZE.format(factor=2)
TANH = """class Mine(TorchDistributionWrapper):
    LIMIT = 2.0

    def __init__(self, inputs, model, floor=-5.0):
        TorchDistributionWrapper.__init__(self, inputs, model)
        mean, log_std = torch.chunk(self.inputs, 2, dim=-1)
        self.dist = torch.distributions.Normal(mean, log_std.clamp(min=floor).exp())
        self.mean = self.dist.mean

    def sample(self):
        self.last_sample = self._squash(self.dist.rsample())
        return self.last_sample

    def deterministic_sample(self):
        return self._squash(self.mean)

    def logp(self, x):
        raw = torch.atanh(x / self.LIMIT)
        return (self.dist.log_prob(raw) - torch.log(1 - (x / self.LIMIT) ** 2)).sum(-1)

    def entropy(self):
        return self.dist.entropy().sum(-1)

    def kl(self, other):
        return super().kl(other).sum(-1)

    def _squash(self, raw):
        return torch.tanh(raw) * self.LIMIT
""" + SIZE.format(factor=2)
COLD = """class Mine(TorchCategorical):
    \"\"\"Colder than its logits.\"\"\"

    def __init__(self, inputs, model=None, temperature=0.5):
        super().__init__(inputs * 1.0, model, temperature)

    def entropy(self):
        return super().entropy() * 2
"""
CLAMPED = """class Mine(TorchDiagGaussian):
    def __init__(self, inputs, model):
        mean, log_std = torch.chunk(inputs, 2, dim=1)
        super().__init__(torch.cat([mean, log_std.clamp(-2, 2)], dim=1), model)

    def logp(self, actions):
        return super().logp(actions.clamp(-3, 3))
"""
BARE = """class Mine(TorchDistributionWrapper):
    def sample(self):
        self.last_sample = self.inputs + torch.rand_like(self.inputs)
        return self.last_sample

    def deterministic_sample(self):
        return self.inputs + 0.5

    def logp(self, actions):
        inside = (actions >= self.inputs) & (actions <= self.inputs + 1)
        return torch.where(inside.all(-1), 0.0, -1e9)

    def entropy(self):
        return torch.zeros(len(self.inputs))

    def kl(self, other):
        return (self.inputs - other.inputs).abs().sum(-1)
""" + SIZE.format(factor=1)
BOX = gym.spaces.Box(-1, 1, (2,), np.float32)
WRITTEN = {
    "laplace": (LAPLACE, BOX),
    "tanh": (TANH, BOX),
    "cold": (COLD, gym.spaces.Discrete(4)),
    "clamped": (CLAMPED, BOX),
    "bare": (BARE, BOX),
}


def same(old: Any, new: Any) -> None:
    assert torch.equal(torch.as_tensor(old), torch.as_tensor(new))


@pytest.mark.parametrize("name", WRITTEN)
def test_computes_the_same(migrate, name):
    text, space = WRITTEN[name]
    done = migrate(HEAD + text)
    assert done.items["Mine"].outcome == "native", done.items["Mine"].message
    old_class, new_class = done.old().Mine, done.new().Mine
    size = int(old_class.required_model_output_shape(space, {}))
    assert int(new_class.required_input_dim(space=space)) == size
    first, second = torch.randn(7, size), torch.randn(7, size)
    old, new = old_class(first.clone(), None), new_class.from_logits(first.clone())
    same(old.deterministic_sample(), new.to_deterministic().sample())
    torch.manual_seed(2)
    sample = old.sample()
    torch.manual_seed(2)
    same(sample, new.sample())
    same(old.logp(sample), new.logp(sample))
    same(old.entropy(), new.entropy())
    other = old_class(second.clone(), None), new_class.from_logits(second.clone())
    same(old.kl(other[0]), new.kl(other[1]))


@pytest.mark.parametrize("name", WRITTEN)
def test_does_not_change_again(migrate, name):
    after = migrate(HEAD + WRITTEN[name][0]).text()
    assert "torch_action_dist" not in after
    assert migrate(after).text() == after


@pytest.mark.parametrize("name", ["laplace", "clamped"])
def test_sequences_have_their_components_last(migrate, name):
    """The old class took rows apart along axis 1, which is time on the new stack."""
    text, _ = WRITTEN[name]
    done = migrate(HEAD + text)
    assert "dim=1" not in done.text()
    inputs = torch.randn(3, 5, 4)
    rows = done.old().Mine(inputs.reshape(15, 4), None)
    new = done.new().Mine.from_logits(inputs)
    actions = rows.deterministic_sample().reshape(3, 5, 2)
    same(new.to_deterministic().sample(), actions)
    same(new.logp(actions).reshape(15), rows.logp(actions.reshape(15, 2)))


def test_another_axis_stays_where_rows_were_given_another_shape(migrate):
    text = LAPLACE.replace(
        "inputs.chunk(2, dim=1)",
        "[each[:, 0] for each in inputs.reshape(-1, 2, 2).split(1, dim=1)]",
    )
    assert "split(1, dim=1)" in migrate(HEAD + text).text()


LEFT = {
    "calls its model": LAPLACE.replace("inputs.chunk", "self.model(inputs).chunk"),
    "keeps the probability of its last sample in its own way": LAPLACE
    + "\n    def sampled_action_logp(self):\n        return self._logp\n",
    "whose": "class Mine(TorchDistributionWrapper):\n    pass\n",
}


@pytest.mark.parametrize("text", LEFT.values(), ids=list(LEFT))
def test_what_is_not_certain_is_left_to_a_person(migrate, text):
    done = migrate(HEAD + text)
    assert done.items["Mine"].outcome == "manual"
    assert "class Mine(TorchDistributionWrapper)" in done.text()


def test_a_class_that_a_config_names_stays_with_its_model(migrate):
    done = migrate(
        HEAD
        + LAPLACE
        + "\n\nfrom ray.rllib.models import ModelCatalog\n\n"
        + 'ModelCatalog.register_custom_action_dist("mine", Mine)\n'
    )
    assert done.items["Mine"].outcome == "manual"
    assert "is used outside of classes in policy.py" in done.items["Mine"].message
