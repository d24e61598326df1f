"""Inference runs without gradients, in evaluation mode, and leaves the module as it was."""

from __future__ import annotations

import pytest
import torch
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn

from rlmigrate import wrap_model


class Noisy(TorchModelV2, nn.Module):
    """Has every layer that behaves differently in training."""

    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.body = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.Dropout(0.5))
        self.head = nn.Linear(16, num_outputs)
        self.seen = []

    def forward(self, input_dict, state, seq_lens):
        self.seen.append((self.training, self.body[2].training, torch.is_grad_enabled()))
        return self.head(self.body(input_dict["obs"])), state


class KeepsNormFrozen(Noisy):
    """Overrides train() to keep its normalisation in evaluation mode."""

    def train(self, mode=True):
        super().train(mode)
        self.body[1].eval()
        return self


@pytest.fixture(params=[Noisy, KeepsNormFrozen])
def module(request, build):
    return build(wrap_model(request.param, stack="ray"), model_config={})


OBS = {"obs": torch.rand(5, 4)}


@pytest.mark.parametrize("method", ["forward_inference", "forward_exploration"])
def test_runs_in_eval_mode_without_gradients_and_restores_training(module, method):
    module.train()
    before = [part.training for part in module.modules()]
    outputs = getattr(module, method)(OBS)
    assert module.legacy_model.seen[-1] == (False, False, False)
    assert not outputs["action_dist_inputs"].requires_grad
    assert [part.training for part in module.modules()] == before
    assert module.training


def test_stays_in_eval_mode_if_it_was_there(module):
    module.eval()
    module.forward_inference(OBS)
    assert not any(part.training for part in module.modules())


def test_mode_comes_back_after_an_error(module):
    module.train()
    with pytest.raises(KeyError):
        module.forward_inference({})
    assert module.training
    assert module.legacy_model.body[2].training


def test_training_pass_trains_and_keeps_what_train_overrides(build):
    module = build(wrap_model(KeepsNormFrozen, stack="ray"), model_config={})
    module.eval()
    module.forward_train(OBS)
    assert module.legacy_model.seen[-1] == (True, True, True)
    assert not module.legacy_model.body[1].training


def test_batch_norm_statistics_move_only_in_training(build):
    module = build(wrap_model(Noisy, stack="ray"), model_config={})
    mean = module.legacy_model.body[1].running_mean
    start = mean.clone()
    module.forward_inference(OBS)
    module.forward_exploration(OBS)
    assert torch.equal(mean, start)
    module.forward_train(OBS)
    assert not torch.equal(mean, start)


def test_a_layer_replaced_later_is_switched_too(build):
    module = build(wrap_model(Noisy, stack="ray"), model_config={})
    module.forward_inference(OBS)
    module.legacy_model.body[2] = nn.Dropout(0.9)
    module.train()
    first, second = (module.forward_inference(OBS)["action_dist_inputs"] for _ in range(2))
    assert torch.equal(first, second)


def test_training_is_refused_for_inference_only_modules(build):
    module = build(wrap_model(Noisy, stack="ray"), model_config={}, inference_only=True)
    with pytest.raises(RuntimeError, match="inference_only"):
        module.forward_train(OBS)
