"""`TorchRLModule.compile`: the compiled forward methods give the numbers of the plain ones."""

from __future__ import annotations

import copy

import gymnasium as gym
import pytest
import torch

from rlmigrate.new_stack import Columns, RLModuleSpec
from rlmigrate.new_stack.compiling import TorchCompileConfig
from rlmigrate.new_stack.defaults.ppo import DefaultPPOTorchRLModule

PHASES = ("forward_inference", "forward_exploration", "forward_train")


def build(**config):
    torch.manual_seed(0)
    return RLModuleSpec(
        DefaultPPOTorchRLModule,
        observation_space=gym.spaces.Box(-1, 1, (4,)),
        action_space=gym.spaces.Discrete(3),
        model_config={"fcnet_hiddens": [8, 8], **config},
    ).build()


@pytest.mark.parametrize("config", [{}, {"vf_share_layers": False}])
def test_compiled_methods_compute_the_same_and_keep_the_modes(config):
    plain, compiled = build(**config), build(**config)
    assert compiled.compile(TorchCompileConfig(torch_dynamo_backend="eager")) is compiled
    batch = {Columns.OBS: torch.rand(5, 4)}
    for phase in PHASES:
        expected = getattr(plain, phase)(dict(batch))
        out = getattr(compiled, phase)(dict(batch))
        assert out.keys() == expected.keys()
        for key, value in expected.items():
            assert torch.equal(out[key], value), (phase, key)
        assert compiled.training == plain.training
    loss = compiled.forward_train(batch)[Columns.ACTION_DIST_INPUTS].sum()
    loss.backward()
    assert any(p.grad is not None for p in compiled.pi.parameters())


def test_the_backend_is_called_once_for_each_method_and_gets_the_kwargs():
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    module = build()
    module.compile(TorchCompileConfig(torch_dynamo_backend=backend, kwargs={"dynamic": False}))
    batch = {Columns.OBS: torch.rand(5, 4)}
    for _ in range(2):
        for phase in PHASES:
            getattr(module, phase)(dict(batch))
    assert len(graphs) >= 2  # torch may share one graph between the two that act
    seen = len(graphs)
    module.forward_inference(dict(batch))
    assert len(graphs) == seen


def test_other_instances_stay_as_they_are():
    plain, compiled = build(), build()
    compiled.compile(TorchCompileConfig(torch_dynamo_backend="eager"))
    assert "_forward_inference" in compiled.__dict__
    assert "_forward_inference" not in plain.__dict__
    assert "_forward_inference" not in copy.deepcopy(plain).__dict__
