"""transfer_weights copies every parameter, or says why not and copies nothing."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from ray.rllib.algorithms.ppo.ppo_catalog import PPOCatalog
from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import DefaultPPOTorchRLModule
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.models.catalog import MODEL_DEFAULTS, ModelCatalog
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork
from torch import nn

from rlmigrate import TransferReport, transfer_weights, wrap_model
from rlmigrate.errors import WeightsError

sp = gym.spaces
OBS = sp.Box(-1, 1, (4,))
ACTIONS = {
    "discrete": sp.Discrete(3),
    "box": sp.Box(-1, 1, (2,)),
    "multi_discrete": sp.MultiDiscrete([2, 3]),
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def old_model(observations: gym.Space[Any], actions: gym.Space[Any], **config: Any) -> nn.Module:
    merged = {**MODEL_DEFAULTS, "fcnet_hiddens": [16, 8], **config}
    _, size = ModelCatalog.get_action_dist(actions, merged, framework="torch")
    return ModelCatalog.get_model_v2(observations, actions, size, merged, framework="torch")


def default_module(observations: gym.Space[Any], actions: gym.Space[Any], **config: Any) -> Any:
    settings = DefaultModelConfig(**{"fcnet_hiddens": [16, 8], **config})
    return RLModuleSpec(
        module_class=DefaultPPOTorchRLModule,
        observation_space=observations,
        action_space=actions,
        model_config=settings,
        catalog_class=PPOCatalog,
    ).build()


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("actions", ACTIONS.values(), ids=ACTIONS)
def test_fully_connected_net_to_default_module_and_back(actions, shared):
    model = old_model(OBS, actions, vf_share_layers=shared)
    module = default_module(OBS, actions, vf_share_layers=shared)
    report = transfer_weights(model, module)
    obs = torch.rand(5, 4)
    logits, _ = model({"obs": obs})
    outputs = module.forward_train({"obs": obs})
    assert torch.equal(outputs["action_dist_inputs"], logits)
    assert torch.equal(module.compute_values({"obs": obs}), model.value_function())
    assert report.matched == len(model.state_dict())
    assert report.total == len(module.state_dict())
    assert report.dropped == ()

    back = old_model(OBS, actions, vf_share_layers=shared)
    transfer_weights(module, back)
    assert all(torch.equal(v, back.state_dict()[k]) for k, v in model.state_dict().items())


def test_free_log_std():
    model = old_model(OBS, ACTIONS["box"], free_log_std=True)
    module = default_module(OBS, ACTIONS["box"], free_log_std=True)
    with torch.no_grad():
        model._append_free_log_std.log_std.copy_(torch.tensor([0.3, -0.7]))
    report = transfer_weights(model, module)
    assert report.mapping["_append_free_log_std.log_std"] == "pi.log_std"
    obs = torch.rand(5, 4)
    expected, _ = model({"obs": obs})
    assert torch.equal(module.forward_inference({"obs": obs})["action_dist_inputs"], expected)


def test_lstm_with_a_separate_value_stack_it_never_used():
    model = old_model(
        OBS, ACTIONS["discrete"], use_lstm=True, lstm_cell_size=6, vf_share_layers=False
    )
    module = default_module(
        OBS, ACTIONS["discrete"], use_lstm=True, lstm_cell_size=6, vf_share_layers=True
    )
    report = transfer_weights(model, module)
    assert all(name.startswith("_value_branch_separate.") for name in report.dropped)
    obs = torch.rand(2, 3, 4)
    state = [torch.rand(2, 6), torch.rand(2, 6)]
    logits, after = model({"obs": obs.flatten(0, 1)}, state, torch.tensor([3, 3]))
    outputs = module.forward_train(
        {"obs": obs, "state_in": {"h": state[0][:, None], "c": state[1][:, None]}}
    )
    assert torch.equal(outputs["action_dist_inputs"].flatten(0, 1), logits)
    assert torch.equal(outputs["state_out"]["h"][:, 0], after[0])


def test_vision_net_with_its_own_filters():
    image = sp.Box(0, 255, (42, 42, 3), dtype=np.uint8)
    model = old_model(image, ACTIONS["discrete"], fcnet_hiddens=[])
    filters = [[16, 4, 2, "same"], [32, 4, 2, "same"], [256, 11, 1, "valid"]]
    module = default_module(
        image, ACTIONS["discrete"], conv_filters=filters, fcnet_hiddens=[], vf_share_layers=True
    )
    report = transfer_weights(model, module)
    layouts = {each.old: each.layouts for each in report.assignments}
    assert layouts["_logits._model.1.weight"] == ("drop_1x1",)
    obs = torch.rand(2, 42, 42, 3) * 255
    expected, _ = model({"obs": obs})
    found = module.forward_inference({"obs": obs})["action_dist_inputs"]
    assert torch.allclose(found, expected, rtol=0, atol=1e-4)

    back = old_model(image, ACTIONS["discrete"], fcnet_hiddens=[])
    transfer_weights(module, back)
    assert all(torch.equal(v, back.state_dict()[k]) for k, v in model.state_dict().items())


def test_legacy_model_to_wrapped_module_and_back():
    wrapped = wrap_model(FullyConnectedNetwork, stack="ray")
    module = RLModuleSpec(
        module_class=wrapped,
        observation_space=OBS,
        action_space=ACTIONS["discrete"],
        model_config={"fcnet_hiddens": [16, 8]},
    ).build()
    model = old_model(OBS, ACTIONS["discrete"])
    report = transfer_weights(model, module)
    assert report.mapping["_logits._model.0.bias"] == "legacy_model._logits._model.0.bias"
    obs = torch.rand(3, 4)
    expected, _ = model({"obs": obs})
    assert torch.equal(module.forward_inference({"obs": obs})["action_dist_inputs"], expected)
    back = old_model(OBS, ACTIONS["discrete"])
    transfer_weights(module, back)
    assert all(torch.equal(v, back.state_dict()[k]) for k, v in model.state_dict().items())


def test_arrays_of_a_checkpoint_and_a_policy_like_owner():
    model, twin = old_model(OBS, ACTIONS["discrete"]), old_model(OBS, ACTIONS["discrete"])
    arrays = {name: value.numpy() for name, value in model.state_dict().items()}
    transfer_weights(arrays, twin)
    assert all(torch.equal(v, twin.state_dict()[k]) for k, v in model.state_dict().items())

    class Owner:
        def __init__(self, model):
            self.model = model

    third = old_model(OBS, ACTIONS["discrete"])
    transfer_weights(Owner(model), Owner(third))
    assert all(torch.equal(v, third.state_dict()[k]) for k, v in model.state_dict().items())


def test_all_mismatches_are_listed_and_nothing_is_copied():
    old = nn.ModuleDict({"a": nn.Linear(2, 3), "b": nn.Linear(3, 3), "gone": nn.Linear(1, 1)})
    new = nn.ModuleDict({"a": nn.Linear(2, 4), "b": nn.Linear(3, 3), "norm": nn.BatchNorm1d(2)})
    before = {name: value.clone() for name, value in new.state_dict().items()}
    with pytest.raises(WeightsError) as caught:
        transfer_weights(old, new)
    message = str(caught.value)
    for part in (
        "a.weight: shape (3, 2) from a.weight, expected (4, 2)",
        "a.bias",
        "old gone.weight (1, 1): no counterpart",
        "new norm.running_mean (2,): no counterpart",
        "new norm.num_batches_tracked (): no counterpart",
    ):
        assert part in message
    assert all(torch.equal(value, new.state_dict()[name]) for name, value in before.items())


def test_square_matrices_are_not_transposed_and_numel_alone_is_no_match():
    old, new = nn.Linear(2, 3), nn.Linear(3, 2)
    with pytest.raises(WeightsError, match=r"weight: shape \(3, 2\) from weight"):
        transfer_weights(old, new)


def test_mapping_renames_leaves_out_and_reports_unknown_names():
    old = nn.ModuleDict({"a": nn.Linear(2, 3), "gone": nn.Linear(1, 1)})
    new = nn.ModuleDict({"z": nn.Linear(2, 3)})
    mapping = {"a.weight": "z.weight", "a.bias": "z.bias", "gone.weight": None, "gone.bias": None}
    report = transfer_weights(old, new, mapping=mapping)
    assert report.renames == {"a.weight": "z.weight", "a.bias": "z.bias"}
    assert torch.equal(new["z"].weight, old["a"].weight)
    assert set(report.dropped) == {"gone.weight", "gone.bias"}
    with pytest.raises(WeightsError, match="new has no 'y'"):
        transfer_weights(old, new, mapping={**mapping, "a.weight": "y"})


def test_unmatched_parameters_pass_only_by_permission():
    old, new = nn.ModuleDict({"a": nn.Linear(2, 3)}), nn.ModuleDict({})
    new["a"], new["target"] = nn.Linear(2, 3), nn.Linear(2, 3)
    with pytest.raises(WeightsError, match=r"new target\.weight"):
        transfer_weights(old, new)
    report = transfer_weights(old, new, allow_unmatched=["target.*"])
    assert report.kept == ("target.bias", "target.weight")
    assert (report.matched, report.total) == (2, 4)


def test_saved_report_is_a_mapping(tmp_path):
    image = sp.Box(0, 255, (42, 42, 3), dtype=np.uint8)
    model = old_model(image, ACTIONS["discrete"], fcnet_hiddens=[])
    filters = [[16, 4, 2, "same"], [32, 4, 2, "same"], [256, 11, 1, "valid"]]
    modules = [
        default_module(
            image, ACTIONS["discrete"], conv_filters=filters, fcnet_hiddens=[], vf_share_layers=True
        )
        for _ in range(2)
    ]
    report = transfer_weights(model, modules[0])
    report.save(tmp_path / "map.json")
    loaded = TransferReport.load(tmp_path / "map.json")
    assert loaded == report
    assert transfer_weights(model, modules[1], mapping=loaded) == report
    first, second = (module.state_dict() for module in modules)
    assert all(torch.equal(first[name], second[name]) for name in first)


def _flat_old(space: gym.Space[Any]) -> nn.Module:
    return old_model(
        ModelCatalog.get_preprocessor_for_space(space).observation_space, ACTIONS["discrete"]
    )


def test_columns_are_permuted_where_the_old_order_was_that_of_the_space():
    space = sp.Dict(z=sp.Box(-1, 1, (3,)), a=sp.Discrete(2))
    model = _flat_old(space)
    module = default_module(sp.Box(-1, 1, (5,)), ACTIONS["discrete"], vf_share_layers=True)
    transfer_weights(model, module)
    z, a = torch.rand(4, 3), torch.eye(2)[[0, 1, 1, 0]]
    expected, _ = model({"obs": torch.cat([z, a], 1)})
    found = module.forward_inference({"obs": torch.cat([a, z], 1)})["action_dist_inputs"]
    assert torch.allclose(found, expected, atol=1e-6)


def test_ambiguous_column_order_is_not_guessed():
    space = sp.Dict(z=sp.Box(-1, 1, (2,)), a=sp.Box(-1, 1, (2,)))
    model = _flat_old(space)
    module = default_module(sp.Box(-1, 1, (4,)), ACTIONS["discrete"], vf_share_layers=True)
    with pytest.raises(WeightsError, match=r"columns=\{FIRST_LAYER_WEIGHT: \[2, 3, 0, 1\]\}"):
        transfer_weights(model, module)
    transfer_weights(model, module, columns={})
    weight = module.state_dict()["encoder.encoder.net.mlp.0.weight"]
    first = model.state_dict()["_hidden_layers.0._model.0.weight"]
    assert torch.equal(weight, first)
    name = "encoder.encoder.net.mlp.0.weight"
    transfer_weights(model, module, columns={name: (2, 3, 0, 1)})
    assert torch.equal(module.state_dict()[name], first[:, [2, 3, 0, 1]])
