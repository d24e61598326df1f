"""DQN's and SAC's models against their modules, in the role that their algorithm gave them."""

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.algorithms.dqn.dqn_torch_policy import DQNTorchPolicy
from ray.rllib.algorithms.sac.sac_torch_model import SACTorchModel
from ray.rllib.models import ModelCatalog

from rlmigrate import check_parity, wrap_model
from rlmigrate.compat.parity import Status
from rlmigrate.compat.parity.sides import building
from rlmigrate.errors import UsageError
from rlmigrate.legacy.models.fcnet import FullyConnectedNetwork
from rlmigrate.legacy.models.sac_model import SACTorchModel as OurSACTorchModel

from ..models import Features

OBS = Box(-1.0, 1.0, (4,))
SPACES = {"observation_space": OBS, "action_space": Discrete(3)}
BOX_SPACES = {"observation_space": OBS, "action_space": Box(-1.0, 1.0, (2,))}


class Masked(Features):
    """Without heads of DQN's; two of three actions are forbidden where the first number is low."""

    def forward(self, input_dict, state, seq_lens):
        values, state = super().forward(input_dict, state, seq_lens)
        low = input_dict["obs"][:, :1] < 0
        forbidden = torch.cat([low, low, torch.zeros_like(low)], 1)
        return values.masked_fill(forbidden, torch.finfo(torch.float32).min), state


WRAPPED = wrap_model(Features, stack="ray", role="dqn")


class Shifted(WRAPPED):
    """Q-values of one action too large by one in ten thousand."""

    def compute_q_values(self, batch):
        found = super().compute_q_values(batch)
        return {**found, "qf_preds": found["qf_preds"] * torch.tensor([1.0, 1.0001, 1.0])}


class StaleTarget(WRAPPED):
    """The target network answers with the values of other weights."""

    def forward_target(self, batch):
        found = super().forward_target(batch)
        return {**found, "qf_preds": found["qf_preds"] + 0.01}


class OtherNext(WRAPPED):
    """The training pass takes the observations for the next ones."""

    def _forward_train(self, batch, **kwargs):
        return super()._forward_train({**batch, "new_obs": batch["obs"]}, **kwargs)


class Worst(WRAPPED):
    """Takes the worst action."""

    def _forward(self, batch, **kwargs):
        return {"actions": self.compute_q_values(batch)["qf_preds"].argmin(-1)}


def result(old, new, spaces=SPACES, **options):
    (found,) = check_parity(old, new, **spaces, **options).results
    return found


SETTINGS = {
    "dueling": {},
    "plain": {"hiddens": [], "dueling": False},
    "heads": {"dueling": False},
    "atoms": {"num_atoms": 5, "v_min": -3.0, "v_max": 4.0},
    "atoms without dueling": {"num_atoms": 5, "dueling": False},
    "noisy": {"noisy": True, "sigma0": 0.3},
}


@pytest.mark.parametrize("settings", SETTINGS)
def test_wrapped_q_network_gives_rays_own_q_values(settings):
    found = result(Features, WRAPPED, model_config=SETTINGS[settings])
    assert found.status is Status.PASS, found.message
    assert {"q_values", "target.q_values", "deterministic_action"} <= set(found.outputs)
    learned = {"train.q_values", "next.q_values", "next.target.q_values"}
    assert (learned <= set(found.outputs)) == (settings != "noisy")
    assert ("q_probs" in found.outputs) == ("num_atoms" in SETTINGS[settings])
    assert found.outputs["q_values"].max_abs == 0
    assert found.parameters.matched == found.parameters.total > 0
    assert any(path.startswith("gradients.parameters") for path in found.outputs)


@pytest.mark.parametrize("settings", ["plain", "dueling", "atoms"])
def test_rewritten_q_network(tmp_path, imported, settings):
    """What the codemod makes of a model that a DQN config names."""
    import inspect

    from click.testing import CliRunner

    from rlmigrate.migrate.cli import cli

    head = inspect.getsource(Features).replace("class Features", "class Rewritten")
    imports = "import torch\nfrom torch import nn\nfrom ray.rllib.algorithms.dqn import DQNConfig\n"
    imports += "from ray.rllib.models.torch.torch_modelv2 import TorchModelV2\n\n\n"
    config = '\n\nconfig = DQNConfig().training(model={"custom_model": Rewritten})\n'
    path = tmp_path / f"rewritten_{settings}.py"
    path.write_text(imports + head + config)
    done = CliRunner().invoke(cli, ["rewrite", "--write", "--allow-dirty", str(path)])
    assert "1 native" in done.output or "2 native" in done.output, done.output
    new = imported(tmp_path, path.stem, stays=True).Rewritten
    assert not hasattr(new, "legacy_class"), "bridged"
    found = result(Features, new, model_config=SETTINGS[settings])
    assert found.status is Status.PASS, (found.message, found.notes)
    assert {"q_values", "target.q_values", "next.target.q_values"} <= set(found.outputs)

    class Faulty(new):
        def compute_q_values(self, batch):
            values = super().compute_q_values(batch)
            return {**values, "qf_preds": values["qf_preds"] * 1.0001}

    assert result(Features, Faulty, model_config=SETTINGS[settings]).status is Status.FAIL


def test_legacy_q_network_without_ray():
    wrapped = wrap_model(FullyConnectedNetwork, stack="builtin", role="dqn")
    found = result(FullyConnectedNetwork, wrapped, model_config={"fcnet_hiddens": [16]})
    assert found.status is Status.PASS, found.message
    assert found.outputs["q_values"].max_abs == 0


def test_forbidden_actions_of_q_network():
    wrapped = wrap_model(Masked, stack="ray", role="dqn")
    found = result(Masked, wrapped, model_config=SETTINGS["plain"])
    assert found.status is Status.PASS, found.message

    class Faulty(wrapped):
        def compute_q_values(self, batch):
            values = super().compute_q_values(batch)
            return {**values, "qf_preds": values["qf_preds"] * 1.001}

    found = result(Masked, Faulty, model_config=SETTINGS["plain"])
    assert found.status is Status.FAIL  # the noise is not that of -3e38
    assert found.findings[0].path == "q_values"


@pytest.mark.parametrize(
    ("faulty", "path"),
    [
        (Shifted, "q_values"),
        (StaleTarget, "target.q_values"),
        (OtherNext, "next.q_values"),
        (Worst, "deterministic_action"),
    ],
)
def test_fault_in_q_module_is_found_at_its_path(faulty, path):
    found = result(Features, faulty)
    assert found.status is Status.FAIL
    assert path in {finding.path for finding in found.findings}
    if path != "q_values":
        assert found.outputs["q_values"].status is Status.PASS


def test_dqn_policy_against_its_module_leaves_both_as_they_were():
    ModelCatalog.register_custom_model("features", Features)
    config = DQNConfig().framework("torch").training(model={"custom_model": "features"})
    config.api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
    policy = DQNTorchPolicy(OBS, Discrete(3), config.to_dict())
    building.fill_weights(policy.model, seed=1)
    module = building.build_module(WRAPPED, **SPACES, model_config={})
    names = set(module.state_dict())
    found = result(policy, module)
    assert found.status is Status.FAIL  # other weights
    from rlmigrate import transfer_weights

    transfer_weights({k: v.numpy() for k, v in policy.model.state_dict().items()}, module)
    found = result(policy, module)
    assert found.status is Status.PASS, found.message
    assert set(module.state_dict()) == names


def test_policy_model_is_refused_where_the_module_gives_q_values():
    model = building.build_legacy(Features, **SPACES, model_config={})
    with pytest.raises(UsageError, match="DQN's protocol"):
        check_parity(model, WRAPPED, **SPACES)


SAC_NETS = {
    "policy_model_config": {"fcnet_hiddens": [8]},
    "q_model_config": {"fcnet_hiddens": [12]},
}


@pytest.mark.parametrize("twin", [True, False])
@pytest.mark.parametrize("spaces", [SPACES, BOX_SPACES], ids=["discrete", "box"])
@pytest.mark.parametrize("family", ["ray", "builtin"])
def test_sac_model(family, spaces, twin):
    cls = SACTorchModel if family == "ray" else OurSACTorchModel
    wrapped = wrap_model(cls, stack=family)
    found = result(cls, wrapped, spaces, model_config={**SAC_NETS, "twin_q": twin})
    assert found.status is Status.PASS, found.message
    wanted = {"dist_inputs", "critic", "q_values", "target.q_values", "inference.dist_inputs"}
    assert wanted <= set(found.outputs)
    assert ("twin_critic" in found.outputs) == twin
    assert any(path.startswith("gradients.parameters.q_net") for path in found.outputs)


def test_fault_in_critic_is_found():
    class Faulty(wrap_model(SACTorchModel, stack="ray")):
        def compute_q_values(self, batch, squeeze=True):
            return super().compute_q_values(batch, squeeze) * 1.001

    found = result(SACTorchModel, Faulty, BOX_SPACES, model_config=SAC_NETS)
    assert found.status is Status.FAIL
    assert {"q_values"} == {f.path for f in found.findings}


class Drawing(Features):
    """Adds noise of its own in every call."""

    def forward(self, input_dict, state, seq_lens):
        values, state = super().forward(input_dict, state, seq_lens)
        self.features = values
        return values + torch.randn_like(values), state

    def value_function(self):
        return self.features[:, 0]


def test_model_that_draws_is_judged_by_equal_draws_not_by_its_own_noise():
    wrapped = wrap_model(Drawing, stack="ray")
    found = result(Drawing, wrapped)
    assert found.status is Status.PASS, found.message
    assert found.outputs["dist_inputs"].max_abs == 0

    class Faulty(wrapped):
        def _forward_train(self, batch, **kwargs):
            found = super()._forward_train(batch, **kwargs)
            key = "action_dist_inputs"
            return {**found, key: found[key] * 1.001}

    found = result(Drawing, Faulty)
    assert found.status is Status.FAIL
    assert any("draws random numbers" in note for note in found.notes)


def test_columns_of_q_values_are_not_taken_for_masks():
    """Q-values further apart than softmax can tell are values all the same."""

    class Steep(Features):
        def forward(self, input_dict, state, seq_lens):
            values, state = super().forward(input_dict, state, seq_lens)
            return values * torch.tensor([1.0, 1e4, 1.0]), state

    wrapped = wrap_model(Steep, stack="ray", role="dqn")

    class Faulty(wrapped):
        def compute_q_values(self, batch):
            found = super().compute_q_values(batch)
            values = found["qf_preds"].clone()
            values[:, 0] += 0.5
            return {**found, "qf_preds": values}

    assert result(Steep, wrapped, model_config=SETTINGS["plain"]).status is Status.PASS
    wide = Box(-np.ones(4, np.float32), np.ones(4, np.float32))
    spaces = {**SPACES, "observation_space": wide}
    found = result(Steep, Faulty, spaces, model_config=SETTINGS["plain"])
    assert found.status is Status.FAIL
