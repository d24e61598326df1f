"""The negative control: a project on the RLModule API of Ray 2.7 is not the old stack.

Its own classes carry names that RLlib's old stack has too: an action head with
`forward(inputs, state)`, a `model_config` of its own, `compute_actions`, a config dict for another
library, `policies` that are no policies. Only RLM6xx, the rules for code of an older era, may
change such a project.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rlmigrate.migrate.engine.run import run_files
from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.settings import Settings

AGENT = '''
from gymnasium.spaces import Box, Discrete
from ray.rllib.algorithms.ppo.ppo_catalog import PPOCatalog
from ray.rllib.core.models.base import ENCODER_OUT
from ray.rllib.utils.framework import try_import_torch

torch, nn = try_import_torch()


class TalkingAgent(nn.Module):
    """Encodes what it sees, and says something to the others."""

    def __init__(self, obs_space: Box, action_space: Discrete, num_outputs, model_config, name):
        super().__init__()
        self.catalog = PPOCatalog(obs_space, action_space, model_config)
        self.encoder = self.catalog.build_encoder(framework="torch")
        self.voice = nn.Linear(64, num_outputs)
        self.name = name

    def forward(self, input_dict, state, seq_lens):
        features = self.encoder(input_dict)[ENCODER_OUT]
        return self.voice(features), state

    def value_function(self):
        return self._value

    def get_initial_state(self):
        return [torch.zeros(64)]
'''
MODULE = """
from ray.rllib.algorithms.ppo.ppo_rl_module import PPORLModule
from ray.rllib.core.models.specs.typing import SpecType
from ray.rllib.core.rl_module.rl_module import RLModule
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.rllib.policy.sample_batch import SampleBatch
from ray.rllib.utils.annotations import override

from talk.agent import TalkingAgent


class TalkModule(TorchRLModule, PPORLModule):
    framework = "torch"

    def setup(self):
        space = self.config.observation_space
        self.agents = [TalkingAgent(space, self.config.action_space, 3, {}, str(i)) for i in "ab"]

    @override(RLModule)
    def output_specs_inference(self) -> SpecType:
        return [SampleBatch.ACTION_DIST_INPUTS]

    def _forward_inference(self, batch):
        logits, _ = self.agents[0](batch, [], None)
        return {SampleBatch.ACTION_DIST_INPUTS: logits}

    def compute_actions(self, messages):
        return messages.argmax(-1)
"""
LEARNER = """
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.utils.annotations import override


class TalkLearner(PPOTorchLearner):
    @override(PPOTorchLearner)
    def compute_loss_for_module(self, *, module_id, hps, batch, fwd_out):
        loss = super().compute_loss_for_module(
            module_id=module_id, hps=hps, batch=batch, fwd_out=fwd_out
        )
        return self.custom_loss(loss, batch)

    def custom_loss(self, policy_loss, loss_inputs):
        return policy_loss + 0.01 * loss_inputs["messages"].abs().mean()
"""
TRAIN = """
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import SingleAgentRLModuleSpec

from talk.learner import TalkLearner
from talk.module import TalkModule

POLICIES = {"speaker": "listener"}
OPTIONS = {"model": "small", "num_workers": 3, "lr": 0.1}  # for the data loader


class TalkConfig(PPOConfig):
    def get_default_learner_class(self):
        return TalkLearner


def loader(config):
    return config["num_workers"]


spec = SingleAgentRLModuleSpec(module_class=TalkModule, model_config_dict={"hidden": 3})
config = TalkConfig().environment("CartPole-v1").rl_module(rl_module_spec=spec)
loader(OPTIONS)
"""
FILES = {"agent": AGENT, "module": MODULE, "learner": LEARNER, "train": TRAIN}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "talk").mkdir()
    (tmp_path / "talk" / "__init__.py").write_text("")
    for name, text in FILES.items():
        (tmp_path / "talk" / f"{name}.py").write_text(text.lstrip())
    (tmp_path / "requirements.txt").write_text("ray[rllib]==2.7.0\n")
    return tmp_path


def test_only_rules_for_an_older_era_change_it(project: Path) -> None:
    every = ("RLM1", "RLM2", "RLM3", "RLM4", "RLM5")
    run = run_files([project], Settings(select=every), rewriting=True)
    assert run.changes == ()
    assert [i for i in run.report.items if i.outcome is not Outcome.UNCHANGED] == []


def test_the_rules_for_an_older_era_do_change_it(project: Path) -> None:
    run = run_files([project], Settings(), rewriting=True)
    codes = {i.code[:4] for i in run.report.items if i.outcome is not Outcome.UNCHANGED}
    assert codes == {"RLM6"}
    changed = {change.path.name: change.after.decode() for change in run.changes}
    assert "RLModuleSpec(module_class=TalkModule, model_config=" in changed["train.py"]
    assert changed["requirements.txt"] == "ray[rllib]==2.60.0\n"
    assert "agent.py" not in changed
