"""Wrapped modules can be compiled; they compute the same and keep gradients and modes right."""

from __future__ import annotations

import pytest
import torch
from ray.rllib.core.rl_module.torch.torch_compile_config import TorchCompileConfig
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork as RaysNet

from rlmigrate import wrap_model
from rlmigrate.legacy.models.fcnet import FullyConnectedNetwork as OurNet

NETS = {
    "feed_forward": {"fcnet_hiddens": [8]},
    "lstm": {"fcnet_hiddens": [8], "use_lstm": True, "lstm_cell_size": 6},
}
FAMILIES = {"ray": RaysNet, "builtin": OurNet}


@pytest.fixture(params=list(FAMILIES))
def stack(request):
    return request.param


def batch_for(module):
    if not module.is_stateful():
        return {"obs": torch.rand(3, 4)}
    state = {name: torch.rand(3, *s.shape) for name, s in module.get_initial_state().items()}
    return {"obs": torch.rand(3, 4, 4), "state_in": state, "seq_lens": torch.tensor([4, 2, 1])}


# Dynamo is what may not understand the wrapping; the code that a backend makes of it is torch's.
@pytest.mark.parametrize("net", NETS)
def test_compiled_passes_compute_the_same(stack, net, build):
    torch._dynamo.reset()
    module = build(wrap_model(FAMILIES[stack], stack=stack), model_config=NETS[net])
    batch = batch_for(module)
    acting = module.forward_inference(batch)["action_dist_inputs"]
    training = module.forward_train(batch)
    for _ in range(2):
        found = torch.compile(module.forward_train, backend="eager")(batch)
        assert torch.equal(found["action_dist_inputs"], training["action_dist_inputs"])
        assert torch.equal(found["embeddings"], training["embeddings"])
        assert found["action_dist_inputs"].requires_grad
        found = torch.compile(module.forward_inference, backend="eager")(batch)
        assert torch.equal(found["action_dist_inputs"], acting)
        assert not found["action_dist_inputs"].requires_grad
        assert module.training


def test_rays_compile_method(build):
    torch._dynamo.reset()
    module = build(wrap_model(RaysNet, stack="ray"))
    batch = batch_for(module)
    expected, names = module.forward_inference(batch), list(module.state_dict())
    module.compile(TorchCompileConfig(torch_dynamo_backend="eager"))
    found = module.forward_inference(batch)
    assert torch.equal(found["action_dist_inputs"], expected["action_dist_inputs"])
    assert list(module.state_dict()) == names
