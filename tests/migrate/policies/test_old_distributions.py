"""Distributions on bases that only the old stack has, or has otherwise, on both stacks."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
import tree

pytest.importorskip("ray.rllib")

NAMES = (
    "TorchBeta",
    "TorchCategorical",
    "TorchDirichlet",
    "TorchMultiActionDistribution",
    "TorchMultiCategorical",
    "TorchSquashedGaussian",
)
HEAD = (
    "import torch\n"
    "from ray.rllib.models.torch.torch_action_dist import (\n"
    + "".join(f"    {name},\n" for name in NAMES)
    + ")\n\n\n"
)
BETA = """class Mine(TorchBeta):
    def __init__(self, inputs, model):
        super().__init__(inputs * 0.5, model, low=-1.0, high=3.0)

    def deterministic_sample(self):
        alpha, beta = self.dist.concentration1, self.dist.concentration0
        self.last_sample = self._squash((alpha - 1) / (alpha + beta - 2))
        return self.last_sample

    def entropy(self):
        return super().entropy().sum(-1) * 0.1

    def kl(self, other):
        return super().kl(other).sum(-1)
"""
FOLDED = """class Mine(TorchBeta):
    def __init__(self, inputs, model, low=-2.0, high=2.0):
        TorchBeta.__init__(self, inputs, model, low, high)
        self.middle = (self.low + self.high) / 2

    def logp(self, x):
        return super().logp(2 * self.middle - x) * 0.5

    def _squash(self, raw_values):
        return self.high - raw_values * (self.high - self.low)

    def _unsquash(self, values):
        return (self.high - values) / (self.high - self.low)
"""
SHARES = """class Mine(TorchDirichlet):
    def deterministic_sample(self):
        self.last_sample = self.dist.mean
        return self.last_sample

    def entropy(self):
        return super().entropy() + self.dist.concentration.sum(-1)
"""
SQUASHED = """class Mine(TorchSquashedGaussian):
    def __init__(self, inputs, model):
        super().__init__(inputs, model, -2.0, 0.5)
        self.width = self.high - self.low

    def entropy(self):
        return torch.log(self.std * self.width).sum(-1)

    def kl(self, other):
        return torch.distributions.kl_divergence(self.dist, other.dist).sum(-1)

    def sample(self):
        self.last_sample = self._squash(self.dist.rsample() * 0.5)
        return self.last_sample
"""
MULTI = """class Mine(TorchMultiCategorical):
    def __init__(self, inputs, model):
        super().__init__(torch.clamp(inputs, -3, 3), model, input_lens=[3, 2, 4])

    def entropy(self):
        return torch.stack([cat.entropy() for cat in self.cats], dim=1).max(-1).values

    def kl(self, other):
        pairs = zip(self.cats, other.cats)
        return sum(torch.distributions.kl_divergence(mine, theirs) for mine, theirs in pairs)
"""
MASKED = """class Mine(TorchCategorical):
    @staticmethod
    def required_model_output_shape(action_space, model_config):
        return 2 * action_space.n

    def __init__(self, inputs, model=None):
        logits, mask = inputs.chunk(2, dim=1)
        super().__init__(torch.where(mask > 0, logits, torch.full_like(logits, -1e9)), model)
"""
BOX = gym.spaces.Box(-1, 1, (2,), np.float32)
WRITTEN = {
    "beta": (BETA, BOX),
    "folded": (FOLDED, BOX),
    "shares": (SHARES, gym.spaces.Box(0, 1, (3,), np.float32)),
    "squashed": (SQUASHED, BOX),
    "multi": (MULTI, gym.spaces.MultiDiscrete([3, 2, 4])),
    "masked": (MASKED, gym.spaces.Discrete(4)),
}
#: Inherited methods that gave one number per component.
APART = {"folded": ("entropy", "kl")}


def same(old: Any, new: Any) -> None:
    tree.assert_same_structure(old, new)
    for mine, theirs in zip(tree.flatten(old), tree.flatten(new), strict=True):
        assert torch.equal(mine, theirs)


def compare(old: Any, new: Any, others: tuple[Any, Any], apart: tuple[str, ...] = ()) -> None:
    same(old.deterministic_sample(), new.to_deterministic().sample())
    torch.manual_seed(2)
    sample = old.sample()
    torch.manual_seed(2)
    same(sample, new.sample())
    stored = sample
    if isinstance(sample, tuple | dict):
        stored = torch.cat([p.reshape(len(p), -1) for p in tree.flatten(sample)], -1)
    torch.manual_seed(3)
    logp = old.logp(stored)
    torch.manual_seed(3)
    same(logp, new.logp(sample))
    for name, arguments in {"entropy": [()], "kl": [(others[0],), (others[1],)]}.items():
        before = getattr(old, name)(*arguments[0])
        same(before.sum(-1) if name in apart else before, getattr(new, name)(*arguments[-1]))


@pytest.mark.parametrize("name", WRITTEN)
def test_computes_the_same(migrate, name):
    text, space = WRITTEN[name]
    done = migrate(HEAD + text)
    item = done.items["Mine"]
    assert item.outcome == "native", item.message
    assert ("summed" in item.message) == (name in APART)
    old_class, new_class = done.old().Mine, done.new().Mine
    size = int(old_class.required_model_output_shape(space, {}))
    assert int(new_class.required_input_dim(space=space)) == size
    torch.manual_seed(1)
    first, second = torch.randn(7, size), torch.randn(7, size)
    others = old_class(second.clone(), None), new_class.from_logits(second.clone())
    old, new = old_class(first.clone(), None), new_class.from_logits(first.clone())
    compare(old, new, others, APART.get(name, ()))


@pytest.mark.parametrize("target", ["ray", "builtin"])
@pytest.mark.parametrize("name", WRITTEN)
def test_does_not_change_again(migrate, name, target):
    done = migrate(HEAD + WRITTEN[name][0], target=target)
    after = done.text()
    assert "ray.rllib.models" not in after
    assert hasattr(done.new(), "Mine")
    assert migrate(after, target=target).text() == after


#: A log-probability for each part of an action, as multi-agent policies of one action have it.
EACH = """class Mine(TorchMultiActionDistribution):
    def logp(self, x):
        logps = []
        at = 0
        for part in self.flat_child_distributions:
            width = 1 if isinstance(part, TorchCategorical) else 2
            given = x[:, at] if width == 1 else x[:, at : at + width]
            logps.append(part.logp(given))
            at += width
        return torch.stack(logps, axis=1)

    def entropy(self):
        return torch.stack([d.entropy() for d in self.flat_child_distributions], axis=-1)

    def sampled_action_logp(self):
        return torch.stack([d.sampled_action_logp() for d in self.flat_child_distributions], -1)

    def kl(self, other):
        pairs = zip(self.flat_child_distributions, other.flat_child_distributions)
        return torch.stack([d.kl(o) for d, o in pairs], axis=-1)
"""
#: What RLlib's own class says, changed a little.
ADDED = """class Mine(TorchMultiActionDistribution):
    def logp(self, x):
        return super().logp(x) * 2

    def entropy(self):
        return super().entropy() + len(self.action_space_struct)

    def kl(self, other):
        return super().kl(other) * 0.5
"""
SPACES = {
    "tuple": gym.spaces.Tuple([gym.spaces.Discrete(3), BOX, gym.spaces.Discrete(2)]),
    "dict": gym.spaces.Dict({"b": BOX, "a": gym.spaces.Discrete(4)}),
}


@pytest.mark.parametrize("space", SPACES.values(), ids=list(SPACES))
@pytest.mark.parametrize("text", [EACH, ADDED], ids=["each", "added"])
def test_parts_of_nested_actions(migrate, text, space):
    from ray.rllib.models.catalog import MODEL_DEFAULTS, ModelCatalog

    done = migrate(HEAD + text)
    assert done.items["Mine"].outcome == "native", done.items["Mine"].message
    assert "Mine.for_space(self.action_space)" in done.items["Mine"].message
    ModelCatalog.register_custom_action_dist("mine", done.old().Mine)
    config = {**MODEL_DEFAULTS, "custom_action_dist": "mine"}
    old_class, size = ModelCatalog.get_action_dist(space, config, framework="torch")
    new_class = done.new().Mine.for_space(space)
    assert int(new_class.required_input_dim(space=space)) == size
    torch.manual_seed(1)
    first, second = torch.randn(7, size), torch.randn(7, size)
    others = old_class(second, None), new_class.from_logits(second)
    old, new = old_class(first, None), new_class.from_logits(first)
    compare(old, new, others)
    actions = old.sample()
    same(old.sampled_action_logp() if text is EACH else new.logp(actions), new.logp(actions))


LEFT = {
    "gives its base an action space": MULTI.replace("4])", "4], action_space=model.action_space)"),
    "overrides deterministic_sample": ADDED
    + "\n    def deterministic_sample(self):\n        return self.sample()\n",
    "reads inputs of": SHARES.replace("self.dist.mean", "self.inputs"),
    "keeps values before its base is there": FOLDED.replace(
        "        TorchBeta.__init__", "        self.model_out = inputs\n        TorchBeta.__init__"
    ),
    "asks a part": ADDED.replace("super().logp(x) * 2", "x.sampled_action_logp()"),
}


@pytest.mark.parametrize("text", LEFT.values(), ids=list(LEFT))
def test_what_is_not_certain_is_left_to_a_person(migrate, text):
    done = migrate(HEAD + text)
    assert done.items["Mine"].outcome == "manual"
    assert "class Mine(Torch" in done.text()
