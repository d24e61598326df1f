"""Models that DQN trains become modules with DQN's APIs, and compute what its old policy did."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

pytest.importorskip("ray.rllib")
import torch

OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
MASKED = gym.spaces.Dict(
    {
        "action_mask": gym.spaces.MultiBinary(3),
        "cart": OBS,
        "choices": gym.spaces.Box(-1, 1, (3, 2), np.float32),
    }
)
ACTIONS = gym.spaces.Discrete(3)
ROWS = 10

MASKED_MODEL = """import torch
from gymnasium.spaces import Box
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.algorithms.dqn.dqn_torch_model import DQNTorchModel
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork as TorchFC


class Policy(DQNTorchModel):
    \"\"\"Scores each choice by what the net says about the cart.\"\"\"

    def __init__(self, obs_space, action_space, num_outputs, model_config, name, size=2, **kw):
        DQNTorchModel.__init__(
            self, obs_space, action_space, num_outputs, model_config, name, **kw
        )
        self.embed = TorchFC(Box(-1, 1, (4,)), action_space, size, model_config, name + "_embed")

    def forward(self, input_dict, state, seq_lens):
        embedded, _ = self.embed({"obs": input_dict["obs"]["cart"]})
        scores = torch.sum(input_dict["obs"]["choices"] * embedded.unsqueeze(1), dim=2)
        return scores + torch.clamp(torch.log(input_dict["obs"]["action_mask"]), -1e10), state

    def value_function(self):
        return self.embed.value_function()
"""
PLAIN_MODEL = """import torch
from ray.rllib.models import ModelCatalog
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn


class Policy(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.body = nn.Linear(obs_space.shape[0], num_outputs)
        self.vf = nn.Linear(num_outputs, 1)

    def forward(self, input_dict, state, seq_lens):
        x = torch.relu(self.body(input_dict["obs_flat"].float()))
        self._value = self.vf(x)
        return x, state

    def value_function(self):
        return self._value.squeeze(1)


ModelCatalog.register_custom_model("features", Policy)
"""
TRAINED = """from ray.rllib.algorithms.dqn import DQNConfig
import model

config = DQNConfig().environment("CartPole-v1").training(model={"custom_model": "features"})
"""
HEADS_OF_ITS_OWN = """import torch
from ray.rllib.algorithms.dqn.dqn_torch_model import DQNTorchModel
from ray.rllib.utils.annotations import override
from torch import nn


class Policy(DQNTorchModel):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name, **kwargs):
        super().__init__(obs_space, action_space, num_outputs, model_config, name, **kwargs)
        self.body = nn.Linear(obs_space.shape[0], self.num_outputs)
        self.worth = nn.Linear(self.num_outputs, 1)

    @override(DQNTorchModel)
    def forward(self, input_dict, state, seq_lens):
        return torch.tanh(self.body(input_dict["obs_flat"])), []

    @override(DQNTorchModel)
    def get_q_value_distributions(self, model_out):
        scores, *others = super().get_q_value_distributions(2.0 * model_out)
        return (scores, *others)

    @override(DQNTorchModel)
    def get_state_value(self, model_out):
        return self.worth(model_out)
"""
NET_OF_RLLIB = """import torch
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.models import ModelCatalog
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork
from torch import nn


class Policy(FullyConnectedNetwork):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        self.other = FullyConnectedNetwork(
            obs_space, action_space, num_outputs, model_config, name + "_other"
        )
        self.joint = nn.Linear(num_outputs * 2, num_outputs)

    def forward(self, input_dict, state, seq_lens):
        features, _ = super().forward(input_dict, state, seq_lens)
        others, _ = self.other.forward(input_dict, state, seq_lens)
        return torch.relu(self.joint(torch.cat([features, others], dim=1))), state


ModelCatalog.register_custom_model("dual", Policy)
"""
NET_AS_IT_IS = (
    NET_OF_RLLIB[: NET_OF_RLLIB.index("    def __init__")]
    + """    pass


ModelCatalog.register_custom_model("plain", Policy)
"""
)
PLAIN = {"model.py": PLAIN_MODEL, "train.py": TRAINED}
CASES = [
    (PLAIN, OBS, {"dueling": False, "hiddens": []}),
    (PLAIN, OBS, {"dueling": False, "hiddens": [16, 8]}),
    (PLAIN, OBS, {}),
    (PLAIN, OBS, {"num_atoms": 5}),
    (PLAIN, OBS, {"num_atoms": 5, "dueling": False, "double_q": False}),
    (PLAIN, OBS, {"noisy": True}),
    ({"model.py": HEADS_OF_ITS_OWN}, OBS, {}),
    ({"model.py": HEADS_OF_ITS_OWN}, OBS, {"dueling": False}),
    ({"model.py": NET_OF_RLLIB}, OBS, {}),
    ({"model.py": NET_OF_RLLIB}, OBS, {"hiddens": [], "dueling": False}),
    ({"model.py": NET_OF_RLLIB}, OBS, {"hiddens": [16], "num_atoms": 5}),
    ({"model.py": NET_AS_IT_IS}, OBS, {"dueling": False}),
    ({"model.py": MASKED_MODEL}, MASKED, {"dueling": False, "hiddens": []}),
]


@pytest.fixture(params=range(len(CASES)))
def both(request, migrate):
    """An old DQN policy and the new module with its weights."""
    from ray.rllib.algorithms.dqn import DQNConfig
    from ray.rllib.algorithms.dqn.dqn_torch_policy import DQNTorchPolicy
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec
    from ray.rllib.models.catalog import ModelCatalog

    files, space, settings = CASES[request.param]
    done = migrate(files)
    assert done.items["Policy"].outcome == "native"
    assert "QNetAPI" in done.items["Policy"].message
    config = DQNConfig().framework("torch")
    config.api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
    old = {**config.to_dict(), **settings}
    old["model"] = {**old["model"], "custom_model": done.old("model.py").Policy}
    old["model"]["fcnet_hiddens"] = [8]
    prep = ModelCatalog.get_preprocessor_for_space(space)
    policy = DQNTorchPolicy(prep.observation_space, ACTIONS, old)
    new = {"fcnet_hiddens": [8], "epsilon": [(0, 1.0), (10000, 0.02)], **settings}
    spec = RLModuleSpec(
        module_class=done.new("model.py").Policy,
        observation_space=space,
        action_space=ACTIONS,
        model_config=new,
    )
    module = spec.build()
    module.load_state_dict(policy.model.state_dict())
    assert set(module.state_dict()) == set(policy.model.state_dict())
    return policy, module, prep, spec, settings


def observations(space, seed=0):
    """Samples of a space for both stacks."""
    import tree

    space.seed(seed)
    raw = [space.sample() for _ in range(ROWS)]
    for each in raw:
        if isinstance(each, dict):
            each["action_mask"][0] = 1
    return raw, tree.map_structure(lambda *x: torch.from_numpy(np.stack(x)), *raw)


def test_q_values_and_actions(both) -> None:
    policy, module, prep, _, settings = both
    raw, batch = observations(module.observation_space)
    flat = np.stack([prep.transform(each) for each in raw])
    for timestep in (0, 5000, 20000):
        torch.manual_seed(timestep)
        expected, _, info = policy.compute_actions(flat, explore=True, timestep=timestep)
        torch.manual_seed(timestep)
        found = module.forward_exploration({"obs": batch}, t=timestep)["actions"]
        assert np.array_equal(found.numpy(), expected)
    if settings.get("noisy"):
        return  # drawn anew at each call
    values = module.compute_q_values({"obs": batch})["qf_preds"].detach().numpy()
    if isinstance(module.observation_space, gym.spaces.Dict):  # parts lie apart in memory
        np.testing.assert_allclose(values, info["q_values"], rtol=1e-5)
    else:
        assert np.array_equal(values, info["q_values"])
    greedy = module.forward_inference({"obs": batch})["actions"].numpy()
    assert np.array_equal(greedy, policy.compute_actions(flat, explore=False)[0])


def test_rays_learner_trains_it(both) -> None:
    from ray.rllib.algorithms.dqn import DQNConfig
    from ray.rllib.algorithms.dqn.dqn_torch_policy import build_q_losses
    from ray.rllib.core.rl_module.apis import QNetAPI, TargetNetworkAPI
    from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch

    policy, _, prep, spec, settings = both
    if settings.get("noisy"):
        pytest.skip("draws noise at each call")
    space = spec.observation_space
    config = DQNConfig().rl_module(rl_module_spec=spec)
    known = {k: v for k, v in settings.items() if k in ("num_atoms", "dueling", "double_q")}
    config.training(td_error_loss_fn="huber", lr=0.01, **known)
    spaces = {"__env__": (space, ACTIONS), "default_policy": (space, ACTIONS)}
    learner = config.build_learner(env=None, spaces=spaces)
    module = learner.module["default_policy"]
    assert isinstance(module, QNetAPI)
    assert isinstance(module, TargetNetworkAPI)
    module.load_state_dict(
        dict(policy.model.state_dict())
        | {f"_target.{k}": v for k, v in policy.model.state_dict().items()}
    )
    policy.target_model.load_state_dict(policy.model.state_dict())
    (raw, obs), (raw_after, after) = observations(space), observations(space, seed=1)
    generator = torch.Generator().manual_seed(0)
    batch = {
        "actions": torch.zeros(ROWS, dtype=torch.int64),
        "rewards": torch.randn(ROWS, generator=generator),
        "terminateds": torch.rand(ROWS, generator=generator) > 0.7,
        "weights": torch.ones(ROWS),
    }
    old = SampleBatch(
        obs=torch.from_numpy(np.stack([prep.transform(each) for each in raw])),
        new_obs=torch.from_numpy(np.stack([prep.transform(each) for each in raw_after])),
        **batch,
    )
    policy.config["td_error_loss_fn"] = "huber"
    expected = build_q_losses(policy, policy.model, None, old)
    batch |= {"obs": obs, "new_obs": after, "n_step": torch.ones(ROWS)}
    found = learner.compute_loss_for_module(
        module_id="default_policy",
        config=config,
        batch=batch,
        fwd_out=module.forward_train(dict(batch)),
    )
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    learner.update(
        MultiAgentBatch({"default_policy": SampleBatch(batch)}, ROWS),
        timesteps={"num_env_steps_sampled_lifetime": 0},
    )
    changed = {k for k, v in module.state_dict().items() if not torch.equal(v, before[k])}
    assert changed
    assert not any(key.startswith("_target.") for key in changed)


def test_copies_for_acting_leave_the_target_out(both) -> None:
    _, module, _, spec, _ = both
    module.make_target_networks()
    assert any(key.startswith("_target.") for key in module.get_state())
    assert not any("_target." in key for key in module.get_state(inference_only=True))
    spec.build().set_state(module.get_state(inference_only=True))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("**kwargs):", "q_hiddens=(8,), **kwargs):"), "takes DQN's q_hiddens by itself"),
        (("name, **kwargs)\n", "name, dueling=False, **kwargs)\n"), "tells DQN's heads what"),
        (
            (
                "def forward(",
                "def get_initial_state(self):\n        return [torch.zeros(1)]\n\n"
                "    @override(DQNTorchModel)\n    def forward(",
            ),
            "has states, which DQN's loss never gave its model",
        ),
    ],
)
def test_stays_bridged(migrate, change, reason) -> None:
    done = migrate(HEADS_OF_ITS_OWN.replace(*change))
    assert done.items["Policy"].outcome == "bridged"
    assert reason in done.items["Policy"].message


def test_plain_model_that_stays_bridged_is_told_its_role(migrate) -> None:
    counting = PLAIN_MODEL.replace(
        "        self._value =", "        self.calls += 1\n        self._value ="
    )
    done = migrate({"model.py": counting, "train.py": TRAINED})
    assert 'wrap_model(LegacyPolicy, name="Policy", role="dqn")' in done.text("model.py")


@pytest.mark.parametrize(
    "train", [TRAINED.replace("DQN", "PPO"), TRAINED + "other = 'PPO'\n", "import model\n"]
)
def test_plain_model_of_other_algorithms_is_no_q_model(migrate, train) -> None:
    done = migrate({"model.py": PLAIN_MODEL, "train.py": train})
    assert done.items["Policy"].outcome == "native"
    assert "QModule" not in done.text("model.py")


def test_config_hands_on_what_the_heads_need(tmp_path) -> None:
    from rlmigrate.migrate.engine.rounds import rewrite
    from rlmigrate.migrate.index import RepoIndex
    from rlmigrate.migrate.rules.registry import all_rules
    from rlmigrate.migrate.settings import Settings
    from rlmigrate.migrate.source import SourceFile

    train = TRAINED.replace("training(", "training(hiddens=[32], noisy=True, ")
    for name, text in {"model.py": PLAIN_MODEL, "train.py": train}.items():
        (tmp_path / name).write_text(text)
    settings = Settings()
    index = RepoIndex.build(sorted(tmp_path.glob("*.py")), settings)
    source = SourceFile.read(tmp_path / "train.py")
    after = rewrite(source, index, settings, list(all_rules().values())).after
    assert after is not None
    assert b'model_config={"hiddens": [32], "noisy": True}' in after
