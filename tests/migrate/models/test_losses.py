"""custom_loss and metrics move into a Learner; its loss is the old stack's on the same batch."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

pytest.importorskip("ray.rllib")

HEAD = """
import torch
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from ray.rllib.policy.sample_batch import SampleBatch
from torch import nn


class PaidModel(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name, weight=0.5):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.weight = weight
        self.trunk = nn.Sequential(nn.Linear(4, 16), nn.Tanh())
        self.pi = nn.Linear(16, num_outputs)
        self.vf = nn.Linear(16, 1)
        self.pay = nn.Linear(16, 4)

    def forward(self, input_dict, state, seq_lens):
        self._features = self.trunk(input_dict["obs"])
        return self.pi(self._features), state

    def value_function(self):
        return self.vf(self._features).squeeze(1)
"""
KEPT = '''
    def custom_loss(self, policy_loss, loss_inputs):
        """Regress on what is paid."""
        error = self.pay(self._features)[:, 0] - loss_inputs[SampleBatch.REWARDS]
        self.pay_loss = (error**2).mean()
        return [loss + self.weight * self.pay_loss for loss in policy_loss]

    def metrics(self):
        return {"pay_loss": self.pay_loss.item()}
'''
AUTOENCODER = """
    def reconstruct(self, obs):
        return self.pay(self.trunk(obs))

    def custom_loss(self, policy_loss, loss_inputs):
        obs = loss_inputs["obs"]
        total = policy_loss[0] + self.weight * (self.reconstruct(obs) - obs).pow(2).mean()
        return [total]
"""
TENSOR = """
    def custom_loss(self, policy_loss, loss_inputs):
        return policy_loss[0] + 0.01 * sum(p.square().sum() for p in self.parameters())
"""
CALLS = """
    def custom_loss(self, policy_loss, loss_inputs):
        logits, _ = self.forward({"obs": loss_inputs["obs"]}, [], None)
        return [policy_loss[0] + logits.mean()]
"""
BRIDGED = {
    "calls its own forward": CALLS,
    "returns from custom_loss what may be more than one loss": """
    def custom_loss(self, policy_loss, loss_inputs):
        return policy_loss + [self.pay.weight.mean()]
""",
    "reads dones of the train batch in custom_loss": """
    def custom_loss(self, policy_loss, loss_inputs):
        return [policy_loss[0] + loss_inputs["dones"].float().mean()]
""",
    "uses the train batch as a whole in custom_loss": """
    def custom_loss(self, policy_loss, loss_inputs):
        return [policy_loss[0] + helper(loss_inputs)]
""",
    "uses self._features, which forward sets, in metrics": """
    def metrics(self):
        return {"mean": self._features.mean().item()}
""",
}
OBS, ACTIONS = gym.spaces.Box(-1, 1, (4,), np.float32), gym.spaces.Discrete(3)
N = 12


def train_batch(logits):
    import torch
    from torch.distributions import Categorical

    torch.manual_seed(3)
    inputs = logits(torch.rand(N, 4))
    actions = Categorical(logits=inputs).sample()
    return {
        "obs": torch.rand(N, 4),
        "actions": actions,
        "action_logp": Categorical(logits=inputs).log_prob(actions),
        "action_dist_inputs": inputs,
        "advantages": torch.randn(N),
        "value_targets": torch.randn(N),
        "rewards": torch.randn(N),
    }


def sides(done, custom):
    """A PPO policy of the old stack and the Learner, with equal weights."""
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec

    new = done.new("model.py")
    old_config = PPOConfig().api_stack(
        enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False
    )
    old_config.training(
        model={"custom_model": done.old("model.py").PaidModel, "custom_model_config": custom},
        grad_clip=None,
    )
    old_config.environment(observation_space=OBS, action_space=ACTIONS).framework("torch")
    policy = PPOTorchPolicy(OBS, ACTIONS, old_config.to_dict())
    config = PPOConfig().rl_module(
        rl_module_spec=RLModuleSpec(module_class=new.PaidModel, model_config=custom)
    )
    config.learners(learner_class=new.PaidLearner)
    config.training(minibatch_size=N, num_epochs=1)
    spaces = (OBS, ACTIONS)
    learner = config.build_learner(env=None, spaces={"__env__": spaces, "default_policy": spaces})
    learner.module["default_policy"].load_state_dict(policy.model.state_dict())
    return policy, config, learner


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("text", [KEPT, AUTOENCODER, TENSOR])
def test_loss_and_gradients_are_the_old_ones(migrate, text, padded):
    import torch
    from ray.rllib.policy.sample_batch import SampleBatch

    done = migrate(HEAD + text)
    assert done.items["PaidModel"].outcome == "native"
    policy, config, learner = sides(done, {"weight": 0.25})
    module = learner.module["default_policy"]
    batch = train_batch(lambda obs: policy.model({"obs": obs})[0].detach())
    old = SampleBatch({**batch, "vf_preds": torch.zeros(N), "is_training": True})
    if padded:  # as the connectors pad: rows that no loss may see
        batch = {key: torch.cat([value, value[:3]]) for key, value in batch.items()}
        batch["rewards"][N:] = 1e6
        batch["obs"][N:] = 1e6
        batch["loss_mask"] = torch.arange(N + 3) < N
    loss = learner.compute_loss_for_module(
        module_id="default_policy",
        config=config,
        batch=batch,
        fwd_out=module.forward_train(dict(batch)),
    )
    loss.backward()
    policy.model.train()
    old_loss = policy.loss(policy.model, policy.dist_class, old)
    old_loss = policy.model.custom_loss([old_loss], old)
    old_loss = old_loss[0] if isinstance(old_loss, list) else old_loss
    old_loss.backward()
    assert torch.allclose(loss, old_loss, rtol=1e-6, atol=0)
    expected = {name: p.grad for name, p in policy.model.named_parameters()}
    for name, parameter in module.named_parameters():
        if expected[name] is None:
            assert parameter.grad is None
        else:
            assert torch.allclose(parameter.grad, expected[name], atol=1e-6), name
    if text is KEPT:
        reported = learner.metrics.peek(("default_policy", "model", "pay_loss"))
        assert reported == pytest.approx(policy.model.metrics()["pay_loss"], rel=1e-6)
    plain = (
        type(learner)
        .__mro__[1]
        .compute_loss_for_module(
            learner,
            module_id="default_policy",
            config=config,
            batch=batch,
            fwd_out=module.forward_train(dict(batch)),
        )
    )
    assert not torch.allclose(plain, loss)  # the loss of one's own does count


@pytest.mark.parametrize(("reason", "text"), BRIDGED.items(), ids=range(len(BRIDGED)))
def test_what_cannot_move_is_bridged(migrate, reason, text):
    item = migrate(HEAD + text).items["PaidModel"]
    assert item.outcome == "bridged"
    assert reason in item.message


def test_without_ray_there_is_no_learner(migrate):
    assert migrate(HEAD + KEPT, target="builtin").items["PaidModel"].outcome == "bridged"


CONFIG = """
from ray.rllib.algorithms.{module} import {name}Config

from model import PaidModel

config = {name}Config().training(model={{"custom_model": PaidModel}})
"""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("PPO", KEPT, ".learners(learner_class=PaidLearner)"),
        ("PPO", CALLS, ".learners(learner_class=legacy_loss(PPOTorchLearner))"),
        (
            "IMPALA",
            CALLS,
            ".learners(learner_class=legacy_loss(IMPALATorchLearner))",
        ),
    ],
)
def test_configs_name_the_learner(tmp_path, name, text, expected):
    from rlmigrate.migrate.engine.run import run_files
    from rlmigrate.migrate.settings import Settings

    (tmp_path / "model.py").write_text(HEAD + text)
    config = CONFIG.format(module=name.lower(), name=name)
    (tmp_path / "train.py").write_text(config)
    run = run_files([tmp_path], Settings(), rewriting=True)
    after = next(c.after.decode() for c in run.changes if c.path.name == "train.py")
    assert expected in after
    compile(after, "train.py", "exec")


def test_a_learner_of_another_algorithm_is_left_to_a_person(tmp_path):
    from rlmigrate.migrate.engine.run import run_files
    from rlmigrate.migrate.settings import Settings

    (tmp_path / "model.py").write_text(HEAD + KEPT)
    (tmp_path / "train.py").write_text(CONFIG.format(module="impala", name="IMPALA"))
    run = run_files([tmp_path], Settings(), rewriting=True)
    messages = [item.message for item in run.report.items if item.name == "custom_model"]
    assert any("derive PaidLearner from the Learner of IMPALA" in m for m in messages)
