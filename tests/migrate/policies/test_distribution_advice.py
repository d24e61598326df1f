"""What RLM301 advises on bases that the new stack lacks or makes otherwise, done as it says."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch

pytest.importorskip("ray.rllib")

HEAD = """\
from ray.rllib.models.torch.torch_action_dist import (
    TorchBeta,
    TorchDeterministic,
    TorchDirichlet,
    TorchMultiActionDistribution,
    TorchMultiCategorical,
    TorchSquashedGaussian,
)


"""
SAID = {
    "TorchBeta": "torch.distributions.Beta",
    "TorchDeterministic": "classmethod from_logits(cls, logits, **kwargs)",
    "TorchDirichlet": "torch.distributions.Dirichlet of logits.exp() + 1e-7",
    "TorchMultiActionDistribution": "get_partial_dist_cls(child_distribution_cls_struct=",
    "TorchMultiCategorical": "get_partial_dist_cls(input_lens=self.action_space.nvec.tolist())",
    "TorchSquashedGaussian": "or write a TorchDistribution that clamps them",
}

#: Bases on which no class is written anew.
KEPT = {"TorchDeterministic"}


@pytest.mark.parametrize(("base", "said"), SAID.items(), ids=list(SAID))
def test_says_what_to_build_on(migrate, base, said):
    body = "    def entropy(self):\n        return self.inputs.mean()\n"
    done = migrate(f"{HEAD}class Mine({base}):\n{body}")
    item = done.items["Mine"]
    assert item.outcome == "manual"
    assert said in item.message
    missing = "builds on TorchDeterministic, which" if base in KEPT else "reads its inputs"
    assert missing in item.message
    assert done.text().endswith(f"class Mine({base}):\n{body}")


def test_a_distribution_that_samples_by_its_model(migrate):
    body = "    def sample(self):\n        return self.model.second(self.inputs)\n"
    message = (
        migrate(f"{HEAD}class Mine(TorchMultiActionDistribution):\n{body}").items["Mine"].message
    )
    assert "_forward_exploration()" in message
    assert "ACTION_LOGP" in message
    name = "ray.rllib.examples.rl_modules.classes.autoregressive_actions_rlm"
    assert name in message
    __import__(name)


def test_a_beta_as_advised_computes_the_same():
    from ray.rllib.core.distribution.torch.torch_distribution import TorchDistribution
    from ray.rllib.models.torch.torch_action_dist import TorchBeta

    class Mine(TorchDistribution):
        def _get_torch_distribution(self, logits):
            bound = -np.log(1e-6)
            both = torch.log(torch.exp(logits.clamp(-bound, bound)) + 1.0) + 1.0
            alpha, beta = both.chunk(2, dim=-1)
            return torch.distributions.Beta(concentration1=alpha, concentration0=beta)

        @staticmethod
        def required_input_dim(space, **kwargs):
            return int(np.prod(space.shape)) * 2

    inputs = torch.randn(5, 4)
    actions = torch.rand(5, 2)
    old = TorchBeta(inputs, None)
    assert torch.equal(Mine.from_logits(inputs).logp(actions).sum(-1), old.logp(actions))


def test_a_dirichlet_as_advised_computes_the_same():
    from ray.rllib.core.distribution.torch.torch_distribution import (
        TorchDeterministic,
        TorchDistribution,
    )
    from ray.rllib.models.torch.torch_action_dist import TorchDirichlet

    class Mine(TorchDistribution):
        def _get_torch_distribution(self, logits):
            return torch.distributions.Dirichlet(logits.exp() + 1e-7)

        def to_deterministic(self):
            return TorchDeterministic(loc=self._dist.concentration.softmax(-1))

        @staticmethod
        def required_input_dim(space, **kwargs):
            return int(np.prod(space.shape))

    inputs = torch.randn(5, 3)
    old, new = TorchDirichlet(inputs, None), Mine.from_logits(inputs)
    assert torch.equal(new.entropy(), old.entropy())
    assert torch.equal(new.to_deterministic().sample(), old.deterministic_sample())


def test_parts_as_advised():
    """The new base keeps its parts under another name, and takes its sizes beforehand."""
    from ray.rllib.core.distribution.torch.torch_distribution import (
        TorchCategorical,
        TorchDeterministic,
        TorchMultiCategorical,
        TorchMultiDistribution,
    )
    from ray.rllib.models.torch import torch_action_dist as old

    class Parts(TorchMultiDistribution):
        def entropy(self):
            return torch.stack([d.entropy() for d in self._flat_child_distributions], dim=-1)

    class Cats(TorchMultiCategorical):
        def entropy(self):
            return torch.stack([cat.entropy() for cat in self._cats], dim=-1)

    class Fixed(TorchDeterministic):
        @classmethod
        def from_logits(cls, logits, **kwargs):
            return cls(logits)

    inputs = torch.randn(5, 7)
    struct = (TorchCategorical, TorchCategorical)
    parts = Parts.get_partial_dist_cls(child_distribution_cls_struct=struct, input_lens=[3, 4])
    nvec = gym.spaces.MultiDiscrete([3, 4]).nvec.tolist()
    cats = Cats.get_partial_dist_cls(input_lens=nvec)
    before = old.TorchMultiCategorical(inputs, None, [3, 4]).multi_entropy()
    assert torch.equal(parts.from_logits(inputs).entropy(), before)
    assert torch.equal(cats.from_logits(inputs).entropy(), before)
    assert torch.equal(
        Fixed.from_logits(inputs).sample(), old.TorchDeterministic(inputs, None).sample()
    )
