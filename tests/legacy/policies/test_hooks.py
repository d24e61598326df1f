"""The hooks of TorchPolicyV2, as the guides of Ray 2.3 to 2.40 show them, against Ray 2.60."""

from __future__ import annotations

import copy

import gymnasium as gym
import numpy as np
import pytest
import torch
from ray.rllib.algorithms.ppo import PPOConfig as RayPPOConfig
from ray.rllib.models.catalog import ModelCatalog as RayCatalog
from ray.rllib.models.torch.torch_action_dist import TorchCategorical as RayCategorical
from ray.rllib.policy.torch_policy_v2 import TorchPolicyV2 as RayTorchPolicyV2

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.batches import SampleBatch
from rlmigrate.legacy.catalog.catalog import ModelCatalog
from rlmigrate.legacy.distributions import TorchCategorical
from rlmigrate.legacy.policies import TorchPolicyV2
from rlmigrate.legacy.utils.annotations import DeveloperAPI, OverrideToImplementCustomLogic

OBS = gym.spaces.Box(-1.0, 1.0, (4,), np.float32)
ACT = gym.spaces.Discrete(3)
X = np.random.default_rng(1).normal(size=(7, 4)).astype(np.float32)
CONFIG = (
    RayPPOConfig()
    .api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
    .to_dict()
)


def hooks(base, catalog, categorical):
    """Make policies with every hook, on our base class or Ray's."""

    def net(policy, hiddens=(5,)):
        return catalog.get_model_v2(
            policy.observation_space,
            policy.action_space,
            3,
            {**policy.config["model"], "fcnet_hiddens": list(hiddens)},
            framework="torch",
        )

    class MakesModel(base):
        def make_model(self):
            return net(self)

    class MakesBoth(base):
        def make_model_and_action_dist(self):
            class Sharp(categorical):
                def __init__(self, inputs, model=None, temperature=1.0):
                    super().__init__(inputs * 100, model)

            return net(self, (6, 6)), Sharp

    class Distribution(base):
        def action_distribution_fn(self, model, *, obs_batch, state_batches, **kwargs):
            assert set(kwargs) >= {"explore", "is_training", "seq_lens"}
            logits, state = model(obs_batch, state_batches, kwargs["seq_lens"])
            return logits * (3.0 if kwargs["explore"] else -3.0), categorical, state

    class Sampler(base):
        def action_sampler_fn(self, model, *, obs_batch, state_batches, **kwargs):
            assert set(kwargs) == {"explore", "timestep"}
            logits, state = model(obs_batch)
            actions = logits.argmin(-1) if kwargs["explore"] else logits.argmax(-1)
            return actions, logits.max(-1).values, logits, state

    class Extra(base):
        def extra_action_out(self, input_dict, state_batches, model, action_dist):
            return {"values": model.value_function(), "entropy": action_dist.entropy()}

    return {
        "make_model": MakesModel,
        "make_model_and_action_dist": MakesBoth,
        "action_distribution_fn": Distribution,
        "action_sampler_fn": Sampler,
        "extra_action_out": Extra,
    }


def pair(name):
    config = copy.deepcopy(CONFIG)
    theirs = hooks(RayTorchPolicyV2, RayCatalog, RayCategorical)[name](OBS, ACT, config)
    ours = hooks(TorchPolicyV2, ModelCatalog, TorchCategorical)[name](
        OBS, ACT, {"model": {"vf_share_layers": False}}
    )
    ours.set_weights(theirs.get_weights())
    return ours, theirs


@pytest.mark.parametrize("explore", [True, False])
@pytest.mark.parametrize("name", hooks(RayTorchPolicyV2, RayCatalog, RayCategorical))
def test_overridden_hooks_act_alike(name, explore, equal):
    ours, theirs = pair(name)
    torch.manual_seed(1)
    expected = theirs.compute_actions(X, explore=explore)
    torch.manual_seed(1)
    equal(ours.compute_actions(X, explore=explore), expected)
    torch.manual_seed(1)
    expected = theirs.compute_single_action(X[0], explore=explore)
    torch.manual_seed(1)
    equal(ours.compute_single_action(X[0], explore=explore), expected)


@pytest.mark.parametrize(
    "name", ["make_model", "make_model_and_action_dist", "action_distribution_fn"]
)
def test_overridden_hooks_give_log_likelihoods_alike(name):
    ours, theirs = pair(name)
    args = (np.arange(7) % 3, X)
    assert torch.equal(ours.compute_log_likelihoods(*args), theirs.compute_log_likelihoods(*args))


def test_a_sampler_without_distribution_has_no_log_likelihoods():
    ours, theirs = pair("action_sampler_fn")
    with pytest.raises(ValueError, match="action_distribution_fn"):
        theirs.compute_log_likelihoods(np.zeros(7, int), X)
    with pytest.raises(LegacyError, match="action_distribution_fn"):
        ours.compute_log_likelihoods(np.zeros(7, int), X)


def test_decorated_overrides_count():
    # Ray takes a decorated override for its own method, and ignores it.
    class Decorated(TorchPolicyV2):
        @DeveloperAPI
        @OverrideToImplementCustomLogic
        def make_model(self):
            self.made = True
            return ModelCatalog.get_model_v2(
                OBS, ACT, 3, {**self.config["model"], "fcnet_hiddens": [2]}, framework="torch"
            )

        @OverrideToImplementCustomLogic
        def action_sampler_fn(self, model, *, obs_batch, state_batches, **kwargs):
            return torch.full((len(obs_batch["obs"]),), 2), None, None, []

    policy = Decorated(OBS, ACT, {})
    assert policy.made
    actions, state, extra = policy.compute_actions(X)
    assert list(actions) == [2] * 7
    assert (state, extra) == ([], {})


def test_both_model_hooks_are_one_too_many():
    class Both(TorchPolicyV2):
        def make_model(self):
            """Give nothing."""

        def make_model_and_action_dist(self):
            """Give nothing."""

    with pytest.raises(LegacyError, match="only one of them"):
        Both(OBS, ACT, {})


@pytest.mark.parametrize("losses", [1, 2])
def test_several_losses_need_several_optimizers(losses, equal):
    def build(base):
        class TwoOptimizers(base):
            def loss(self, model, dist_class, train_batch):
                logits, _ = model(train_batch)
                value = model.value_function()
                return [logits.pow(2).mean(), value.pow(2).mean()][:losses]

            def optimizer(self):
                params = dict(self.model.named_parameters())
                heads = [p for k, p in params.items() if "value" in k]
                rest = [p for k, p in params.items() if "value" not in k]
                return [torch.optim.SGD(rest, lr=0.1), torch.optim.Adam(heads, lr=0.2)]

        return TwoOptimizers

    from ray.rllib.policy.sample_batch import SampleBatch as RaySampleBatch

    ours = build(TorchPolicyV2)(OBS, ACT, {"model": {"vf_share_layers": False}})
    theirs = build(RayTorchPolicyV2)(OBS, ACT, copy.deepcopy(CONFIG))
    ours.set_weights(theirs.get_weights())
    if losses == 1:
        with pytest.raises(LegacyError, match="1 losses, but 2 optimizers"):
            ours.learn_on_batch(SampleBatch(obs=X))
        return
    for _ in range(2):
        ours.learn_on_batch(SampleBatch(obs=X))
        theirs.learn_on_batch(RaySampleBatch(obs=X))
        equal(ours.get_weights(), theirs.get_weights())


def test_a_models_own_loss_and_metrics_are_used():
    from rlmigrate.legacy.models.fcnet import FullyConnectedNetwork

    class Model(FullyConnectedNetwork):
        def custom_loss(self, policy_loss, loss_inputs):
            self.seen = float(loss_inputs["obs"].sum())
            return [loss * 0.0 for loss in policy_loss]

        def metrics(self):
            return {"seen": self.seen}

    class Learns(TorchPolicyV2):
        def loss(self, model, dist_class, train_batch):
            return model(train_batch)[0].mean()

    policy = Learns(OBS, ACT, {"model": {"custom_model": Model}})
    before = {k: v.copy() for k, v in policy.get_weights().items()}
    result = policy.learn_on_batch(SampleBatch(obs=X))
    assert result["model"]["seen"] == pytest.approx(float(X.sum()), rel=1e-5)
    assert all((before[k] == v).all() for k, v in policy.get_weights().items())


def test_callbacks_see_batches_and_add_metrics():
    from rlmigrate.legacy.policies import DefaultCallbacks

    class Callbacks(DefaultCallbacks):
        def on_learn_on_batch(self, *, policy, train_batch, result, **kwargs):
            result["rows"] = len(train_batch)

    class Learns(TorchPolicyV2):
        def loss(self, model, dist_class, train_batch):
            return model(train_batch)[0].mean()

    policy = Learns(OBS, ACT, {"callbacks": Callbacks})
    assert policy.learn_on_batch(SampleBatch(obs=X))["custom_metrics"] == {"rows": 7}


def test_modules_are_put_into_eval_mode_before_acting():
    class Model(torch.nn.Module):
        """Only here to hold a child that is toggled on its own."""

    policy = TorchPolicyV2(OBS, ACT, {})
    policy.model.train()
    child = next(iter(policy.model.children()))
    policy.compute_actions(X)
    assert not policy.model.training
    child.train()
    policy.compute_actions(X)
    assert not child.training


def test_dict_observations_without_preprocessor_count_their_rows():
    space = gym.spaces.Dict({"a": OBS, "b": OBS})
    from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2

    class Model(TorchModelV2, torch.nn.Module):
        def __init__(self, *args, **kwargs):
            TorchModelV2.__init__(self, *args, **kwargs)
            torch.nn.Module.__init__(self)
            self.net = torch.nn.Linear(8, 3)

        def forward(self, input_dict, state, seq_lens):
            assert len(seq_lens) == 7
            obs = input_dict["obs"]
            return self.net(torch.cat([obs["a"], obs["b"]], -1)), state

        def value_function(self):
            return torch.zeros(7)

    model = {"custom_model": Model, "_disable_preprocessor_api": True}
    policy = TorchPolicyV2(space, ACT, {"model": model, "_disable_preprocessor_api": True})
    assert policy.compute_actions({"a": X, "b": X})[0].shape == (7,)
    assert policy.global_timestep == 7


def test_a_policy_takes_a_config_object():
    # As RLlib's own policies of Ray 2.2 pass it.
    from rlmigrate.legacy.config import AlgorithmConfig, PPOConfig
    from rlmigrate.legacy.policies import PPOTorchPolicy

    config = AlgorithmConfig().training(model={"fcnet_hiddens": [3]}, lr=0.5)
    policy = TorchPolicyV2(OBS, ACT, config)
    assert policy._optimizers[0].param_groups[0]["lr"] == 0.5
    assert policy.compute_actions(X)[0].shape == (7,)
    ppo = PPOTorchPolicy(OBS, ACT, PPOConfig().training(model={"fcnet_hiddens": [3]}, kl_coeff=0.9))
    assert ppo.kl_coeff == 0.9
    assert ppo.get_weights()["_hidden_layers.0._model.0.weight"].shape == (3, 4)


def test_batch_norm_keyed_on_is_training_stays_as_it_is_while_acting(equal):
    from ray.rllib.models.torch.torch_modelv2 import TorchModelV2 as RayTorchModelV2

    from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2

    def build(base):
        class Model(base, torch.nn.Module):
            def __init__(self, *args, **kwargs):
                base.__init__(self, *args, **kwargs)
                torch.nn.Module.__init__(self)
                self.norm, self.net = torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 3)

            def forward(self, input_dict, state, seq_lens):
                self.norm.train(bool(input_dict["is_training"]))
                return self.net(self.norm(input_dict["obs"])), state

            def value_function(self):
                return torch.zeros(7)

        return Model

    theirs = RayTorchPolicyV2(
        OBS, ACT, {**CONFIG, "model": {**CONFIG["model"], "custom_model": build(RayTorchModelV2)}}
    )
    ours = TorchPolicyV2(OBS, ACT, {"model": {"custom_model": build(TorchModelV2)}})
    ours.set_weights(theirs.get_weights())
    before = copy.deepcopy(ours.get_weights())
    expected = theirs.compute_actions_from_input_dict({"obs": X}, explore=False)
    equal(ours.compute_actions_from_input_dict({"obs": X}, explore=False), expected)
    equal(ours.get_weights(), before)
