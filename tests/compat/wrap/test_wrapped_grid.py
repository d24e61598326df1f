"""Every action space with every kind of net, against a ModelV2 that Ray's catalog built apart."""

from __future__ import annotations

import copy
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
import tree
from ray.rllib.models.catalog import MODEL_DEFAULTS, ModelCatalog
from ray.rllib.models.torch import torch_action_dist as rays
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork as RaysNet
from ray.rllib.utils.spaces.simplex import Simplex as RaysSimplex

from rlmigrate import wrap_model
from rlmigrate.legacy import distributions as ours
from rlmigrate.legacy.models.fcnet import FullyConnectedNetwork as OurNet
from rlmigrate.legacy.spaces.simplex import Simplex as OurSimplex

B, T, M = 3, 4, 5
NETS = {
    "feed_forward": {"fcnet_hiddens": [16, 8], "vf_share_layers": False},
    "lstm": {"fcnet_hiddens": [8], "use_lstm": True, "lstm_cell_size": 6, "max_seq_len": T},
    "attention": {
        "fcnet_hiddens": [8],
        "use_attention": True,
        "attention_dim": 8,
        "attention_head_dim": 4,
        "attention_num_heads": 2,
        "attention_num_transformer_units": 2,
        "attention_memory_inference": M,
        "attention_memory_training": M,
        "max_seq_len": T,
    },
}
FAMILIES = {"ray": (RaysNet, rays, RaysSimplex), "builtin": (OurNet, ours, OurSimplex)}


@pytest.fixture(params=["simplex", "custom"])
def extra(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=list(NETS))
def net(request: pytest.FixtureRequest) -> dict[str, Any]:
    return copy.deepcopy(NETS[request.param])


@pytest.fixture(params=list(FAMILIES))
def stack(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def rays_model(space: gym.Space[Any], config: dict[str, Any]) -> tuple[Any, Any]:
    """Build Ray's model and distribution class as Ray's PPO does."""
    merged = {**MODEL_DEFAULTS, **config}
    custom = merged.pop("custom_action_dist", None)
    if custom is None:
        dist_class, size = ModelCatalog.get_action_dist(space, merged, framework="torch")
    else:
        dist_class, size = custom, custom.required_model_output_shape(space, merged)
    observations = gym.spaces.Box(-1, 1, (4,))
    torch.manual_seed(7)
    model = ModelCatalog.get_model_v2(observations, space, size, merged, framework="torch")
    return model, dist_class


def compare(module: Any, model: Any, dist_class: Any) -> None:
    """Feed both the same batch; every number must be the same, bit for bit."""
    module.legacy_model.load_state_dict(model.state_dict())
    initial = module.get_initial_state()
    state = {name: torch.rand(B, *value.shape) for name, value in initial.items()}
    recurrent = bool(state)
    lead = (B, T) if recurrent else (B,)
    obs, seq_lens = torch.rand(*lead, 4), torch.tensor([T, 2, 1]) if recurrent else None
    batch = {"obs": obs, **({"state_in": state, "seq_lens": seq_lens} if recurrent else {})}

    outputs = module.forward_train(batch)
    values = module.compute_values(batch, outputs["embeddings"])
    logits, after = model({"obs": obs.reshape(-1, 4)}, list(state.values()), seq_lens)
    old_values = model.value_function()
    assert torch.equal(outputs["action_dist_inputs"], logits.reshape(*lead, -1))
    assert torch.equal(values, old_values.reshape(lead))
    if recurrent and len(after[0]) == B:  # attention's memories roll: see test_wrapped_recurrent
        for new_state, old_state in zip(outputs["state_out"].values(), after, strict=True):
            assert torch.equal(new_state, old_state)

    new = module.get_train_action_dist_cls().from_logits(outputs["action_dist_inputs"])
    old = dist_class(logits.clone(), model)
    torch.manual_seed(1)
    given = old.sample()
    torch.manual_seed(1)
    drawn = new.sample()

    def same(a: torch.Tensor, b: torch.Tensor) -> None:
        assert torch.equal(a.reshape(b.shape), b)

    tree.map_structure(same, given, drawn)
    greedy = new.to_deterministic().sample()
    tree.map_structure(same, old.deterministic_sample(), greedy)
    is_scalar = isinstance(module.action_space, gym.spaces.Box) and module.action_space.shape == ()
    assert torch.equal(new.entropy().reshape(-1), old.entropy().reshape(-1))
    # Each quantity by itself: sums of several add up in an order that is autograd's own.
    pairs = [(outputs["action_dist_inputs"], logits), (values, old_values)]
    if not is_scalar:  # whose log-probabilities the old stack broadcasts to [B, B]
        old_logp = old.logp(given)
        new_logp = new.logp(tree.map_structure(torch.clone, drawn))
        assert torch.equal(new_logp, old_logp.reshape(lead))
        pairs.append((new_logp, old_logp))
    for mine, theirs in pairs:
        same_gradients(module.legacy_model, mine, model, theirs)


def same_gradients(mine: Any, output: torch.Tensor, theirs: Any, expected: torch.Tensor) -> None:
    def gradients(model: Any, value: torch.Tensor) -> tuple[Any, ...]:
        found: tuple[Any, ...] = torch.autograd.grad(
            value.square().sum(), list(model.parameters()), retain_graph=True, allow_unused=True
        )
        return found

    for found, wanted in zip(gradients(mine, output), gradients(theirs, expected), strict=True):
        assert (found is None) == (wanted is None)
        assert found is None or torch.equal(found, wanted)


def test_grid(stack, action_space, net, build):
    wrapped = wrap_model(FAMILIES[stack][0], stack=stack)
    module = build(wrapped, action_space=action_space, model_config=net)
    compare(module, *rays_model(action_space, net))


def test_grid_of_simplex_and_custom_distributions(stack, extra, net, build):
    net_class, distributions, simplex = FAMILIES[stack]
    if extra == "simplex":
        space, reference = simplex(shape=(3,)), RaysSimplex(shape=(3,))
        own = theirs = net
    else:
        space = reference = gym.spaces.Box(0, 1, (2,))
        own = {**net, "custom_action_dist": distributions.TorchBeta}
        theirs = {**net, "custom_action_dist": rays.TorchBeta}
    module = build(wrap_model(net_class, stack=stack), action_space=space, model_config=own)
    compare(module, *rays_model(reference, theirs))


def test_multi_binary_actions_are_refused_as_by_the_old_stack(stack, build):
    space = gym.spaces.MultiBinary(3)
    with pytest.raises(NotImplementedError) as old:
        ModelCatalog.get_action_dist(space, {**MODEL_DEFAULTS}, framework="torch")
    with pytest.raises(NotImplementedError) as new:
        build(wrap_model(FAMILIES[stack][0], stack=stack), action_space=space)
    assert "MultiBinary" in str(old.value)
    assert "MultiBinary" in str(new.value)


class Bernoulli:
    """What a user writes for MultiBinary: one logit per bit; mixed into either stack's wrapper."""

    def __init__(self, inputs, model):
        super().__init__(inputs, model)
        self.dist = torch.distributions.Bernoulli(logits=inputs)

    def deterministic_sample(self):
        self.last_sample = self.dist.probs.round()
        return self.last_sample

    def logp(self, actions):
        return self.dist.log_prob(actions).sum(-1)

    def entropy(self):
        return self.dist.entropy().sum(-1)

    def kl(self, other):
        return torch.distributions.kl_divergence(self.dist, other.dist).sum(-1)

    @staticmethod
    def required_model_output_shape(action_space, model_config):
        return int(np.prod(action_space.shape))


def test_multi_binary_actions_by_a_custom_distribution(stack, net, build):
    net_class, distributions, _ = FAMILIES[stack]
    space = gym.spaces.MultiBinary(3)
    mine = type("Mine", (Bernoulli, distributions.TorchDistributionWrapper), {})
    theirs = type("Theirs", (Bernoulli, rays.TorchDistributionWrapper), {})
    module = build(
        wrap_model(net_class, stack=stack),
        action_space=space,
        model_config={**net, "custom_action_dist": mine},
    )
    compare(module, *rays_model(space, {**net, "custom_action_dist": theirs}))
