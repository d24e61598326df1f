"""Every method that RLlib's old classes have is there on ours, under the same name."""

from __future__ import annotations

import importlib
import inspect

import gymnasium as gym
import numpy as np
import pytest

from rlmigrate.errors import LegacyError, UsageError
from rlmigrate.legacy.batches import MultiAgentBatch, SampleBatch
from rlmigrate.legacy.catalog import ModelCatalog
from rlmigrate.legacy.config import AlgorithmConfig, PPOConfig
from rlmigrate.legacy.policies import PPOTorchPolicy

pytest.importorskip("ray")

#: Old name of each class, and ours.
CLASSES = [
    ("models.modelv2.ModelV2", "models.modelv2.ModelV2"),
    ("models.torch.torch_modelv2.TorchModelV2", "models.torch_modelv2.TorchModelV2"),
    ("models.torch.recurrent_net.RecurrentNetwork", "models.recurrent_net.RecurrentNetwork"),
    ("models.torch.recurrent_net.LSTMWrapper", "models.lstm_wrapper.LSTMWrapper"),
    ("models.torch.attention_net.GTrXLNet", "models.attention_net.GTrXLNet"),
    ("models.torch.attention_net.AttentionWrapper", "models.attention_wrapper.AttentionWrapper"),
    ("models.torch.fcnet.FullyConnectedNetwork", "models.fcnet.FullyConnectedNetwork"),
    ("models.torch.visionnet.VisionNetwork", "models.visionnet.VisionNetwork"),
    ("models.catalog.ModelCatalog", "catalog.catalog.ModelCatalog"),
    ("models.preprocessors.Preprocessor", "preprocessors.base.Preprocessor"),
    ("models.action_dist.ActionDistribution", "distributions.base.ActionDistribution"),
    ("policy.sample_batch.SampleBatch", "batches.sample_batch.SampleBatch"),
    ("policy.sample_batch.MultiAgentBatch", "batches.multi_agent.MultiAgentBatch"),
    ("policy.view_requirement.ViewRequirement", "batches.view_requirement.ViewRequirement"),
    ("policy.policy.Policy", "policies.policy.Policy"),
    ("policy.torch_policy.TorchPolicy", "policies.torch_policy.TorchPolicy"),
    ("policy.torch_policy_v2.TorchPolicyV2", "policies.torch_policy_v2.TorchPolicyV2"),
    ("algorithms.sac.sac_torch_model.SACTorchModel", "models.sac_model.SACTorchModel"),
    ("algorithms.dqn.dqn_torch_model.DQNTorchModel", "models.dqn_model.DQNTorchModel"),
    ("utils.exploration.exploration.Exploration", "exploration.base.Exploration"),
    ("utils.filter.MeanStdFilter", "filters.filters.MeanStdFilter"),
    ("utils.filter.NoFilter", "filters.filters.NoFilter"),
]


def public(cls: type) -> dict[str, object]:
    return {name: getattr(cls, name) for name in dir(cls) if not name.startswith("_")}


@pytest.mark.parametrize(("rays", "ours"), CLASSES, ids=[old for old, _ in CLASSES])
def test_every_method_of_rays_class_is_there(rays, ours):
    def found(dotted):
        home, _, name = dotted.rpartition(".")
        return getattr(importlib.import_module(home), name)

    theirs, mine = public(found("ray.rllib." + rays)), public(found("rlmigrate.legacy." + ours))
    assert sorted(set(theirs) - set(mine)) == []
    for name, method in theirs.items():
        if inspect.isfunction(method):
            assert callable(mine[name]), name


def policy() -> PPOTorchPolicy:
    return PPOTorchPolicy(gym.spaces.Box(-1, 1, (3,)), gym.spaces.Discrete(2), {})


def test_what_needs_ray_says_what_to_do_instead():
    ours = policy()
    with pytest.raises(LegacyError, match="wrap_policy"):
        ours.export_checkpoint("somewhere")
    with pytest.raises(LegacyError, match="learn_on_batch"):
        ours.learn_on_batch_from_replay_buffer(None, "p")
    with pytest.raises(LegacyError, match="h5"):
        ours.import_model_from_h5("weights.h5")
    with pytest.raises(LegacyError, match="no static graph"):
        ModelCatalog.get_action_placeholder(gym.spaces.Discrete(2))
    assert ours.get_connector_metrics() == {}


def test_batches_join_by_the_methods_of_old_releases():
    first, second = SampleBatch(a=np.arange(2)), SampleBatch(a=np.arange(3))
    joined = SampleBatch.concat_samples([first, second])
    assert list(joined["a"]) == [0, 1, 0, 1, 2]
    both = MultiAgentBatch.concat_samples([MultiAgentBatch({"p": first}, 2), second])
    assert both["p"].count == 2
    assert both["default_policy"].count == 3
    joined.compress()
    assert joined.decompress_if_needed() is joined
    padded = SampleBatch(a=np.array([1, 2, 3]), seq_lens=np.array([1, 2])).zero_pad(2)
    assert list(padded["a"]) == [1, 0, 2, 3]


def test_overrides_are_rays():
    from ray.rllib.algorithms.ppo import PPOConfig as RaysConfig

    for settings in ({"lambda_": 0.5, "explore": False}, {"gamma": 0.1}, {}):
        assert PPOConfig.overrides(**settings) == RaysConfig.overrides(**settings)
    with pytest.raises(UsageError, match="PPOConfig has no"):
        PPOConfig.overrides(lamda=1)


def test_config_is_built_again_from_its_state():
    config = PPOConfig().training(lr=0.5).env_runners(num_env_runners=3)
    again = AlgorithmConfig.from_state(config.get_state())
    assert type(again) is PPOConfig
    assert again.to_dict() == config.to_dict()
    assert AlgorithmConfig.DEFAULT_POLICY_MAPPING_FN("a", None, None) == "default_policy"
