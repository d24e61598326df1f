"""Configs that put a custom model into RLlib's LSTM or attention net, before and after."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from rlmigrate.migrate.engine.rounds import rewrite
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.rules.registry import all_rules
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

pytest.importorskip("ray.rllib")
nn = pytest.importorskip("torch").nn

HEAD = """
import numpy as np
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn


class Encoder(TorchModelV2, nn.Module):
"""
#: Sets its number of outputs, keeps features, and has names that RLModules around it must not take.
SIZED = """
    def __init__(self, obs_space, action_space, num_outputs, model_config, name, **kwargs):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.num_outputs = num_outputs or model_config["custom_model_config"]["width"]
        self.features = nn.Linear(obs_space.shape[0], 5)
        self.previous = nn.Linear(5, self.num_outputs)
        self.value_branch = nn.Linear(5, 1)

    def forward(self, input_dict, state, seq_lens):
        self._kept = torch.tanh(self.features(input_dict["obs_flat"].float()))
        return self.previous(self._kept), state

    def value_function(self):
        return self.value_branch(self._kept).squeeze(1)
"""
#: Leaves the size to the wrapper, which takes that of the observations.
UNSIZED = """
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.body = nn.Linear(obs_space.shape[0], obs_space.shape[0])

    def forward(self, input_dict, state, seq_lens):
        return self.body(input_dict["obs_flat"].float()), state
"""
#: Hands num_outputs on.
NESTED = """
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.net = FullyConnectedNetwork(obs_space, action_space, num_outputs, model_config, name)
        self.num_outputs = self.net.num_outputs

    def forward(self, input_dict, state, seq_lens):
        return self.net(input_dict, state, seq_lens)

    def value_function(self):
        return self.net.value_function()
"""
BODIES = {"sized": SIZED, "unsized": UNSIZED, "nested": NESTED}
CONFIG = """

def config(inside=True):
    return PPOConfig().environment("CartPole-v1").training(
        model={
            "custom_model": Encoder,
            "custom_model_config": {"width": 6},
            "fcnet_hiddens": [7],
            SETTINGS
            "max_seq_len": 4,
        }
    )
"""
ACTIONS = {
    "discrete": gym.spaces.Discrete(3),
    "several": gym.spaces.MultiDiscrete([2, 3]),
    "box": gym.spaces.Box(-1, 1, (2,), np.float32),
}
SPACE = gym.spaces.Box(-1, 1, (4,), np.float32)
LSTM = {"use_lstm": True, "lstm_cell_size": 8}
ATTENTION = {
    "use_attention": True,
    "attention_num_transformer_units": 2,
    "attention_dim": 8,
    "attention_num_heads": 2,
    "attention_head_dim": 4,
    "attention_memory_inference": 6,
}
CASES = [
    ("sized", "discrete", LSTM),
    ("sized", "several", {**LSTM, "lstm_use_prev_action": True, "lstm_use_prev_reward": True}),
    ("sized", "box", {**LSTM, "lstm_use_prev_action": True}),
    ("unsized", "discrete", {**LSTM, "lstm_use_prev_action": True}),
    ("nested", "discrete", LSTM),
    ("nested", "box", {**LSTM, "lstm_use_prev_reward": True}),
    ("sized", "discrete", ATTENTION),
    ("sized", "box", {**ATTENTION, "attention_use_n_prev_actions": 3}),
    (
        "nested",
        "discrete",
        {**ATTENTION, "attention_use_n_prev_actions": 2, "attention_use_n_prev_rewards": 1},
    ),
]


def code(body: str, settings: dict) -> str:
    said = "\n".join(f'            "{key}": {value!r},' for key, value in settings.items())
    return HEAD + BODIES[body] + CONFIG.replace("            SETTINGS", said)


def rewritten(tmp_path: Path, text: str, **settings):
    path = tmp_path / "model.py"
    path.write_text(text)
    chosen = Settings(layers="import", **settings)
    index = RepoIndex.build([path], chosen)
    return rewrite(SourceFile.read(path), index, chosen, list(all_rules().values()))


class Sized(nn.LSTM):
    """Takes the numpy integers by which Ray's wrapper counts actions; today's torch does not."""

    def __init__(self, size, *args, **kwargs) -> None:
        super().__init__(int(size), *args, **kwargs)


def old_side(text: str, actions, settings):
    """The old model as Ray's catalog builds it."""
    from ray.rllib.models.catalog import MODEL_DEFAULTS, ModelCatalog

    old: dict = {}
    exec(text, old)
    given = {**MODEL_DEFAULTS, "fcnet_hiddens": [7], "vf_share_layers": False, "max_seq_len": 4}
    given |= {**settings, "custom_model": old["Encoder"], "custom_model_config": {"width": 6}}
    _, size = ModelCatalog.get_action_dist(actions, given, framework="torch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn, "LSTM", Sized)
        return ModelCatalog.get_model_v2(SPACE, actions, size, given, framework="torch")


def sequences(actions, settings, lengths, steps):
    """Random columns [B, T, ...] for what both sides read."""
    import torch

    actions.seed(1)
    size = len(lengths)
    generator = torch.Generator().manual_seed(0)
    given = {"obs": torch.randn(size, steps, 4, generator=generator)}
    for key in ("actions", "rewards"):
        n = settings.get(f"attention_use_n_prev_{key}", 0)
        if not n and not settings.get(f"lstm_use_prev_{key[:-1]}"):
            continue
        shape = (size, steps, *([n] if n else []))
        if key == "rewards":
            given["prev_rewards"] = torch.randn(shape, generator=generator)
        else:
            drawn = np.stack([np.asarray(actions.sample()) for _ in range(int(np.prod(shape)))])
            given["prev_actions"] = torch.from_numpy(drawn.reshape(*shape, *actions.shape))
    return given


@pytest.fixture
def no_gradients():
    """An LSTM rounds otherwise where gradients are kept."""
    import torch

    torch.set_num_threads(1)
    with torch.no_grad():
        yield


@pytest.mark.usefixtures("no_gradients")
@pytest.mark.parametrize(("body", "kind", "settings"), CASES)
@pytest.mark.parametrize("target", ["ray", "builtin"])
def test_module_inside_is_the_old_model_inside(tmp_path, body, kind, settings, target) -> None:
    import torch

    actions, text = ACTIONS[kind], code(body, settings)
    outcome = rewritten(tmp_path, text, target=target)
    assert {i.outcome for i in outcome.items if i.name == "Encoder"} == {"native"}
    model = old_side(text, actions, settings)
    new: dict = {}
    exec((outcome.after or b"").decode(), new)
    if target == "ray":
        spec = new["config"]().rl_module_spec
        module_class, config = spec.module_class, spec.model_config
    else:
        name = "EncoderWithLSTM" if "use_lstm" in settings else "EncoderWithAttention"
        module_class = new[name]
        config = {"width": 6, "fcnet_hiddens": [7], "vf_share_layers": False, **settings}
    module = module_class(observation_space=SPACE, action_space=actions, model_config=config)
    module.load_state_dict(model.state_dict())
    assert module.is_stateful()
    initial = module.get_initial_state()
    assert not any(torch.as_tensor(state).any() for state in initial.values())
    for lengths, steps in (([1], 1), ([4, 4], 4), ([2, 4, 1], 4), ([2, 1], 4)):
        given = sequences(actions, settings, lengths, steps)
        # the old stack pads to the longest sequence, and to max_seq_len before attention
        seen = max(lengths) if "use_lstm" in settings else steps
        size, lens = len(lengths), torch.tensor(lengths, dtype=torch.int32)
        rows = {key: value[:, :seen].flatten(0, 1) for key, value in given.items()}
        states = {key: torch.randn(size, *value.shape) for key, value in initial.items()}
        out, after = model({**rows, "obs_flat": rows["obs"]}, list(states.values()), lens)
        values = model.value_function()
        batch = {**given, "state_in": states, "seq_lens": lens}
        trained = module._forward_train(batch)
        got = module.forward_inference(batch)
        assert set(got) == {"action_dist_inputs", "state_out"}
        for found in (trained, got, module.forward_exploration(batch)):
            assert found["action_dist_inputs"].shape[:2] == (size, steps)
            assert torch.equal(found["action_dist_inputs"][:, :seen].flatten(0, 1), out)
            for (name, new_state), old_state in zip(found["state_out"].items(), after, strict=True):
                whole = old_state
                if name.startswith("memory"):  # the old stack's views put the memory together
                    made = old_state.reshape(size, -1, old_state.shape[-1])
                    whole = torch.cat([states[name], made], dim=1)[:, -states[name].shape[1] :]
                assert torch.equal(new_state, whole)
        for embeddings in (None, trained["embeddings"]):
            computed = module.compute_values(batch, embeddings)
            assert computed.shape == (size, steps)
            assert torch.equal(computed[:, :seen].flatten(), values)


def test_setting_that_a_run_decides_chooses_the_class(tmp_path) -> None:
    text = code("sized", LSTM).replace('"use_lstm": True', '"use_lstm": inside')
    outcome = rewritten(tmp_path, text)
    new: dict = {}
    exec((outcome.after or b"").decode(), new)
    for inside in (True, False):
        spec = new["config"](inside=inside).rl_module_spec
        assert spec.module_class is new["EncoderWithLSTM" if inside else "Encoder"]
        assert spec.model_config["max_seq_len"] == 4
    once = tmp_path / "again"
    once.mkdir()
    again = rewritten(once, (outcome.after or b"").decode())
    assert again.after is None or again.after == outcome.after


def test_columns_of_earlier_steps_come_from_connectors(tmp_path) -> None:
    settings = {**ATTENTION, "attention_use_n_prev_actions": 3, "max_seq_len": 9}
    outcome = rewritten(tmp_path, code("sized", settings))
    text = (outcome.after or b"").decode()
    assert text.count("ViewColumns(") == 2
    assert "episode_lookback_horizon=3" in text
    plain = (rewritten(tmp_path, code("sized", LSTM)).after or b"").decode()
    assert "ViewColumns" not in plain


PARAMETER = SIZED.replace("**kwargs", "width=5").replace(
    'model_config["custom_model_config"]["width"]', "width"
)


@pytest.mark.parametrize("key", ["use_lstm", "use_attention"])
def test_arguments_that_no_wrapper_hands_on_are_bridged(tmp_path: Path, key: str) -> None:
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec

    from rlmigrate import Status, check_parity

    settings = {key: True}
    text = HEAD + PARAMETER + CONFIG.replace("SETTINGS", f'"{key}": True,')
    outcome = rewritten(tmp_path, text)
    items = [i for i in outcome.items if i.name in ("Encoder", "custom_model")]
    assert {i.outcome for i in items} == {"bridged"}
    assert "arguments that RLlib's wrappers never hand on" in items[0].message
    new: dict = {}
    exec((outcome.after or b"").decode(), new)
    spec = new["config"]().rl_module_spec
    assert spec.model_config == {
        "custom_model_config": {"width": 6},
        "fcnet_hiddens": [7],
        key: True,
        "max_seq_len": 4,
        "vf_share_layers": False,
    }
    module = RLModuleSpec(
        module_class=spec.module_class,
        model_config=spec.model_config,
        observation_space=SPACE,
        action_space=ACTIONS["discrete"],
    ).build()
    model = old_side(text, ACTIONS["discrete"], settings)
    module.load_state_dict({f"legacy_model.{k}": v for k, v in model.state_dict().items()})
    report = check_parity(model, module, observation_space=SPACE, action_space=ACTIONS["discrete"])
    assert report.status is Status.PASS


LATER = "\n\ndef later(config):\n    config['model']['use_lstm'] = True\n"


def test_wrapper_around_no_model_in_sight_leaves_the_class_native(tmp_path) -> None:
    text = HEAD + PARAMETER + CONFIG.replace("SETTINGS", "") + LATER
    item = next(i for i in rewritten(tmp_path, text).items if i.name == "Encoder")
    assert item.outcome == "native"
    assert "name the model there beside use_lstm" in item.message


def test_wrapper_beside_the_only_model_of_a_file_is_ready(tmp_path) -> None:
    outcome = rewritten(tmp_path, code("sized", {}) + LATER)
    assert "class EncoderWithLSTM(LSTMWrapper, Encoder)" in (outcome.after or b"").decode()


IN_A_BRANCH = """
from ray.rllib.algorithms.ppo import PPO
from ray.rllib.models import ModelCatalog

ModelCatalog.register_custom_model("encoder", Encoder)


def algorithm(recurrent):
    config = {
        "env": "CartPole-v1",
        "model": {"custom_model": "encoder", "custom_model_config": {"width": 6}},
    }
    if recurrent:
        config["model"]["use_lstm"] = True
    return PPO(config=config)
"""


def test_setting_in_a_branch_names_the_class_anew(tmp_path) -> None:
    outcome = rewritten(tmp_path, HEAD + SIZED + IN_A_BRANCH)
    assert {i.outcome for i in outcome.items if i.name in ("Encoder", "model")} == {"native"}
    text = (outcome.after or b"").decode().replace("return config.build_algo()", "return config")
    new: dict = {}
    exec(text, new)
    plain, inside = (new["algorithm"](each).rl_module_spec for each in (False, True))
    assert plain.module_class is new["Encoder"]
    assert inside.module_class is new["EncoderWithLSTM"]
    assert (plain.model_config["width"], inside.model_config["width"]) == (6, 6)
    assert inside.model_config["max_seq_len"] == 20


def test_model_changed_in_several_branches_is_left_to_a_person(tmp_path) -> None:
    more = '    if recurrent:\n        config["model"]["fcnet_hiddens"] = [4]\n    return'
    outcome = rewritten(tmp_path, HEAD + SIZED + IN_A_BRANCH.replace("    return", more))
    assert "several branches" in (outcome.after or b"").decode()
