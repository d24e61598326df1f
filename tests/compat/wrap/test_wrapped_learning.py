"""A wrapped module learns on Ray's Learner as the model did on the old stack."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
import tree
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.examples._old_api_stack.models.custom_loss_model import TorchCustomLossModel
from ray.rllib.models import ModelCatalog
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork
from ray.rllib.models.torch.torch_action_dist import TorchDiagGaussian
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch
from ray.rllib.utils.spaces.simplex import Simplex

from rlmigrate import transfer_weights, wrap_model
from rlmigrate.compat.wrap.on_ray.learner import legacy_loss

from .conftest import ACTION_SPACES

Wrapped = wrap_model(FullyConnectedNetwork, stack="ray", name="Wrapped")
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
N = 12


def learner_for(actions: gym.Space[Any], model_config: dict[str, Any], **options: Any) -> Any:
    config = PPOConfig().rl_module(
        rl_module_spec=RLModuleSpec(
            module_class=options.pop("module_class", Wrapped), model_config=model_config
        )
    )
    config.training(minibatch_size=N, num_epochs=1, use_kl_loss=True, **options)
    spaces = (OBS, actions)
    return config, config.build_learner(
        env=None, spaces={"__env__": spaces, "default_policy": spaces}
    )


def batch_for(module: Any) -> dict[str, Any]:
    torch.manual_seed(2)
    lead, extra = (N,), {}
    if module.is_stateful():
        lead = (N // 4, 4)
        mask = torch.ones(lead, dtype=torch.bool)
        mask[1, 3:] = mask[2, 1:] = False
        state = {k: torch.rand(lead[0], *v.shape) for k, v in module.get_initial_state().items()}
        extra = {"state_in": state, "seq_lens": mask.sum(1), "loss_mask": mask}
    # The old inputs come from other observations, so that ratios and KL are not trivial.
    inputs = module.forward_exploration({"obs": torch.rand(*lead, 4), **extra})
    inputs = inputs["action_dist_inputs"]
    dist = module.get_exploration_action_dist_cls().from_logits(inputs)
    actions = dist.sample()
    return {
        "obs": torch.rand(*lead, 4),
        "actions": actions,
        "action_logp": dist.logp(actions),
        "action_dist_inputs": inputs,
        "advantages": torch.randn(lead),
        "value_targets": torch.randn(lead) * 3,
        **extra,
    }


class Wide(TorchDiagGaussian):
    """A custom distribution: twice the deviation that the net gives."""

    def __init__(self, inputs, model):
        mean, log_std = inputs.chunk(2, dim=1)
        super().__init__(torch.cat([mean, log_std + np.log(2)], dim=1), model)


SPACES = {
    **{name: space for name, space in ACTION_SPACES.items() if space.shape != ()},
    # Box(()) is left out: the old stack broadcasts its log-probabilities to [B, B].
    "discrete": gym.spaces.Discrete(3),
    "simplex": Simplex(shape=(3,)),
    "custom": gym.spaces.Box(0, 1, (2,)),
}
NETS = {
    "shared": {"fcnet_hiddens": [16, 8], "vf_share_layers": True},
    "separate": {"fcnet_hiddens": [16, 8], "vf_share_layers": False},
    "lstm": {"fcnet_hiddens": [8], "use_lstm": True, "lstm_cell_size": 6, "max_seq_len": 4},
}


@dataclass
class Sides:
    """A Learner with a wrapped module, and the old PPO policy with the same weights."""

    config: Any
    learner: Any
    policy: Any
    batch: dict[str, Any]
    old_batch: SampleBatch

    @property
    def module(self) -> Any:
        return self.learner.module["default_policy"]


def sides_for(actions: gym.Space[Any], model_config: dict[str, Any], *, custom: bool) -> Sides:
    model_config = dict(model_config)
    if custom:
        ModelCatalog.register_custom_action_dist("wide", Wide)
        model_config["custom_action_dist"] = "wide"
    config, learner = learner_for(actions, model_config, entropy_coeff=0.01)
    old_config = PPOConfig().api_stack(
        enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False
    )
    old_config.training(model=model_config, entropy_coeff=0.01)
    old_config.environment(observation_space=OBS, action_space=actions)
    old_config.framework("torch")
    policy = PPOTorchPolicy(OBS, actions, old_config.to_dict())
    module = learner.module["default_policy"]
    transfer_weights(policy, module)
    batch = batch_for(module)

    def flat(value: torch.Tensor) -> torch.Tensor:
        return value.reshape(N, *value.shape[2:]) if module.is_stateful() else value

    columns = {
        name: flat(batch[name])
        for name in ("obs", "action_logp", "action_dist_inputs", "advantages", "value_targets")
    }
    leaves = [flat(leaf).reshape(N, -1) for leaf in tree.flatten(batch["actions"])]
    nested = isinstance(actions, gym.spaces.Dict | gym.spaces.Tuple)
    columns["actions"] = torch.cat(leaves, 1) if nested else flat(batch["actions"])
    old_batch = SampleBatch({**columns, "vf_preds": torch.zeros(N), "is_training": True})
    if module.is_stateful():
        for index, state in enumerate(batch["state_in"].values()):
            old_batch[f"state_in_{index}"] = state
        old_batch["seq_lens"] = batch["seq_lens"]
    old_batch.set_training(True)
    return Sides(config, learner, policy, batch, old_batch)


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
@pytest.mark.parametrize("name", SPACES)
def test_gradients_of_ppos_loss_equal_the_old_ones(name, net):
    sides = sides_for(SPACES[name], net, custom=name == "custom")
    loss = sides.learner.compute_loss_for_module(
        module_id="default_policy",
        config=sides.config,
        batch=sides.batch,
        fwd_out=sides.module.forward_train(dict(sides.batch)),
    )
    loss.backward()
    policy = sides.policy
    policy.model.train()
    old_loss = policy.loss(policy.model, policy.dist_class, sides.old_batch)
    old_loss.backward()
    assert torch.allclose(loss, old_loss, rtol=1e-6)
    found = dict(sides.module.legacy_model.named_parameters())
    moved = 0
    for name, parameter in policy.model.named_parameters():
        gradient = found[name].grad
        if parameter.grad is None:
            assert gradient is None
        else:
            assert torch.allclose(gradient, parameter.grad, rtol=0, atol=1e-6), name
            moved += bool(gradient.abs().max() > 1e-4)
    assert moved > 3


@pytest.mark.parametrize("name", ["discrete", "box", "dict"])
def test_an_update_of_the_learner_moves_the_weights_as_the_old_loss_does(name):
    sides = sides_for(SPACES[name], NETS["separate"], custom=False)
    sides.policy.model.train()
    sides.policy.loss(sides.policy.model, sides.policy.dist_class, sides.old_batch).backward()
    optimizer = torch.optim.Adam(sides.policy.model.parameters(), lr=sides.config.lr)
    optimizer.step()

    before = {k: v.clone() for k, v in sides.module.legacy_model.state_dict().items()}
    rows = SampleBatch({**sides.batch, "loss_mask": torch.ones(N, dtype=torch.bool)})
    sides.learner.update(batch=MultiAgentBatch({"default_policy": rows}, N))
    after = sides.module.legacy_model.state_dict()
    expected = sides.policy.model.state_dict()
    assert any(not torch.equal(after[name], before[name]) for name in before)
    for name in before:
        assert torch.allclose(after[name], expected[name], rtol=0, atol=1e-6), name


class WithLoss(FullyConnectedNetwork):
    """Pulls its value bias to one, and reports how far it is."""

    def custom_loss(self, policy_loss, loss_inputs):
        assert loss_inputs["obs"].shape == (N, 4)
        self.distance = (self._value_branch._model[0].bias - 1).square().sum()
        return [policy_loss[0], 10 * self.distance]

    def metrics(self):
        return {"distance": self.distance}


def test_custom_loss_and_metrics_are_called():
    learner_class = legacy_loss(PPOTorchLearner)
    assert legacy_loss(PPOTorchLearner) is learner_class
    losses = {}
    for cls in (PPOTorchLearner, learner_class):
        config = PPOConfig().rl_module(
            rl_module_spec=RLModuleSpec(
                module_class=wrap_model(WithLoss, stack="ray"), model_config={"fcnet_hiddens": [8]}
            )
        )
        config.learners(learner_class=cls)
        spaces = (OBS, gym.spaces.Discrete(2))
        torch.manual_seed(0)
        learner = config.build_learner(
            env=None, spaces={"__env__": spaces, "default_policy": spaces}
        )
        module = learner.module["default_policy"]
        batch = batch_for(module)
        losses[cls] = learner.compute_loss_for_module(
            module_id="default_policy",
            config=config,
            batch=batch,
            fwd_out=module.forward_train(dict(batch)),
        )
    assert torch.allclose(losses[learner_class], losses[PPOTorchLearner] + 10)
    assert learner.metrics.peek(("default_policy", "model", "distance")) == 1.0


def test_rays_custom_loss_model_imitates_offline_data(tmp_path):
    from ray.rllib.offline.json_writer import JsonWriter

    writer = JsonWriter(str(tmp_path))
    writer.write(
        SampleBatch(
            {"obs": np.random.rand(6, 4).astype(np.float32), "actions": np.zeros(6, np.int64)}
        )
    )
    config = PPOConfig().rl_module(
        rl_module_spec=RLModuleSpec(
            module_class=wrap_model(TorchCustomLossModel, stack="ray"),
            model_config={
                "fcnet_hiddens": [8],
                "custom_model_config": {"input_files": str(tmp_path)},
            },
        )
    )
    config.learners(learner_class=legacy_loss(PPOTorchLearner))
    spaces = (OBS, gym.spaces.Discrete(2))
    learner = config.build_learner(env=None, spaces={"__env__": spaces, "default_policy": spaces})
    module = learner.module["default_policy"]
    batch = batch_for(module)
    loss = learner.compute_loss_for_module(
        module_id="default_policy",
        config=config,
        batch=batch,
        fwd_out=module.forward_train(dict(batch)),
    )
    loss.backward()
    imitation = learner.metrics.peek(("default_policy", "model", "imitation_loss"))
    assert imitation == pytest.approx(np.log(2), abs=0.05)
    assert json.dumps(float(loss))
