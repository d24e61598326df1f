"""A wrapped module learns on Ray's Learner as the model did on the old stack."""

from __future__ import annotations

import json
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
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork
from ray.rllib.policy.sample_batch import SampleBatch

from rlmigrate import transfer_weights, wrap_model
from rlmigrate.compat.wrap.on_ray.learner import legacy_loss

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
    obs = torch.rand(N, 4)
    inputs = module.forward_exploration({"obs": torch.rand(N, 4)})["action_dist_inputs"]
    dist = module.get_exploration_action_dist_cls().from_logits(inputs)
    actions = dist.sample()
    return {
        "obs": obs,
        "actions": actions,
        "action_logp": dist.logp(actions),
        "action_dist_inputs": inputs,
        "advantages": torch.randn(N),
        "value_targets": torch.randn(N) * 3,
    }


@pytest.mark.parametrize("shared", [True, False])
def test_gradients_of_ppos_loss_equal_the_old_ones(action_space, shared):
    if isinstance(action_space, gym.spaces.Box) and not action_space.shape:
        pytest.skip("the old stack broadcasts the log-probabilities of Box(()) to [B, B]")
    model_config = {"fcnet_hiddens": [16, 8], "vf_share_layers": shared}
    config, learner = learner_for(action_space, model_config, entropy_coeff=0.01)
    module = learner.module["default_policy"]
    old_config = PPOConfig().api_stack(
        enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False
    )
    old_config.training(model=model_config, entropy_coeff=0.01)
    old_config.environment(observation_space=OBS, action_space=action_space)
    old_config.framework("torch")
    policy = PPOTorchPolicy(OBS, action_space, old_config.to_dict())
    transfer_weights(policy, module)
    batch = batch_for(module)

    outputs = module.forward_train(dict(batch))
    loss = learner.compute_loss_for_module(
        module_id="default_policy", config=config, batch=batch, fwd_out=outputs
    )
    loss.backward()

    leaves = [leaf.reshape(N, -1) for leaf in tree.flatten(batch["actions"])]
    nested = isinstance(action_space, gym.spaces.Dict | gym.spaces.Tuple)
    old_batch = SampleBatch(
        {
            **batch,
            "actions": torch.cat(leaves, 1) if nested else batch["actions"],
            "vf_preds": torch.zeros(N),
            "is_training": True,
        }
    )
    old_batch.set_training(True)
    policy.model.train()
    old_loss = policy.loss(policy.model, policy.dist_class, old_batch)
    old_loss.backward()
    assert torch.allclose(loss, old_loss, rtol=1e-6)
    for name, parameter in policy.model.named_parameters():
        found = dict(module.legacy_model.named_parameters())[name].grad
        if parameter.grad is None:
            assert found is None
        else:
            assert torch.allclose(found, parameter.grad, rtol=0, atol=1e-6), name


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
