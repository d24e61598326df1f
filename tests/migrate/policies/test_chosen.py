"""Models that are always trained with one distribution of the repository, on both stacks."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch

pytest.importorskip("ray.rllib")

DISTS = """\
import torch
from ray.rllib.models.catalog import ModelCatalog
from ray.rllib.models.torch.torch_action_dist import TorchCategorical, TorchDistributionWrapper


class Peaked(TorchDistributionWrapper):
    def __init__(self, inputs, model):
        super().__init__(inputs, model)
        mean, log_scale, _ = inputs.chunk(3, dim=1)
        self.dist = torch.distributions.Laplace(mean, log_scale.exp())

    def deterministic_sample(self):
        self.last_sample = torch.tanh(self.dist.mean)
        return self.last_sample

    def logp(self, actions):
        return super().logp(actions).sum(-1)

    def entropy(self):
        return super().entropy().sum(-1)

    def kl(self, other):
        return torch.distributions.kl_divergence(self.dist, other.dist).sum(-1)

    @staticmethod
    def required_model_output_shape(action_space, model_config):
        return action_space.shape[0] * 3


class Flat(TorchCategorical):
    def logp(self, actions):
        return super().logp(actions) * 0.5


class Odd(TorchCategorical):
    def logp(self, actions):
        return super().logp(actions) + self.model.bonus


ModelCatalog.register_custom_action_dist("peaked", Peaked)
ModelCatalog.register_custom_action_dist("flat", Flat)
ModelCatalog.register_custom_action_dist("odd", Odd)
"""
MODELS = """\
import torch
from ray.rllib.models.catalog import ModelCatalog
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn


class Net(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.body = nn.Linear(obs_space.shape[0], 16)
        self.head = nn.Linear(16, num_outputs)
        self.value_head = nn.Linear(16, 1)

    def forward(self, input_dict, state, seq_lens):
        self._features = torch.tanh(self.body(input_dict["obs"]))
        return self.head(self._features), state

    def value_function(self):
        return self.value_head(self._features).squeeze(-1)


ModelCatalog.register_custom_model("net", Net)
"""
OTHER = MODELS[MODELS.index("class Net") :].replace("Net", "Other").replace('"net"', '"other"')
ONE = 'A = {"model": {"custom_model": "net", "custom_action_dist": "peaked"}}\n'
OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
BOX = gym.spaces.Box(-1, 1, (2,), np.float32)


def files(train: str, *, dists: str = DISTS, models: str = MODELS) -> dict[str, str]:
    return {"dists.py": dists, "models.py": models, "train.py": f"from ray import tune\n{train}"}


@pytest.mark.parametrize(
    ("name", "space", "apart"),
    [
        ("Peaked", BOX, True),
        ("Flat", gym.spaces.Discrete(3), True),
        ("Peaked", BOX, False),
    ],
)
def test_computes_the_same(migrate, name, space, apart):
    train = ONE.replace("peaked", name.lower())
    beside = MODELS + DISTS[DISTS.index("class Peaked") :]
    head = DISTS[: DISTS.index("class Peaked")].replace("import torch\n", "", 1)
    done = migrate(files(train) if apart else files(train, models=head + beside, dists=""))
    assert done.items["Net"].outcome == done.items[name].outcome == "native"
    where = "dists.py" if apart else "models.py"
    old_model, old_dist = done.old("models.py").Net, getattr(done.old(where), name)
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec
    from ray.rllib.models.catalog import MODEL_DEFAULTS, ModelCatalog

    config = {**MODEL_DEFAULTS, "custom_model": old_model, "custom_action_dist": name.lower()}
    chosen, size = ModelCatalog.get_action_dist(space, config, framework="torch")
    model = ModelCatalog.get_model_v2(OBS, space, size, config, framework="torch", name="m")
    module = RLModuleSpec(
        module_class=done.new("models.py").Net, observation_space=OBS, action_space=space
    ).build()
    module.load_state_dict(model.state_dict())
    assert chosen.__name__ == module.action_dist_cls.__name__ == old_dist.__name__
    obs = torch.randn(7, 4)
    inputs, _ = model({"obs": obs})
    outs = module.forward_inference({"obs": obs})
    assert torch.equal(outs["action_dist_inputs"], inputs)
    old = chosen(inputs, model)
    new = module.get_inference_action_dist_cls().from_logits(outs["action_dist_inputs"])
    actions = old.deterministic_sample()
    assert torch.equal(new.to_deterministic().sample(), actions)
    assert torch.equal(new.logp(actions), old.logp(actions))
    assert torch.equal(module.compute_values({"obs": obs}), model.value_function())


def test_runs_on_the_built_in_stack(migrate):
    from rlmigrate.new_stack import RLModuleSpec

    done = migrate(files(ONE), target="builtin")
    module = RLModuleSpec(
        module_class=done.new("models.py").Net, observation_space=OBS, action_space=BOX
    ).build()
    inputs = module.forward_inference({"obs": torch.randn(7, 4)})["action_dist_inputs"]
    assert inputs.shape == (7, 6)
    dist = module.get_inference_action_dist_cls().from_logits(inputs)
    assert dist.to_deterministic().sample().shape == (7, 2)


def test_the_registration_goes_and_nothing_changes_again(migrate):
    done = migrate(files(ONE))
    assert "Peaked)" not in done.text("dists.py")
    assert "from dists import Peaked" in done.text("models.py")
    assert '"odd", Odd' in done.text("dists.py")
    after = {name: done.text(name) for name in ("dists.py", "models.py", "train.py")}
    again = migrate(after)
    assert {name: again.text(name) for name in after} == after


BRIDGED = {
    "two distributions": ONE + ONE.replace("peaked", "flat"),
    "none for some": ONE + 'B = {"model": {"custom_model": "net"}}\n',
    "None for some": ONE + 'B = {"custom_model": "net", "custom_action_dist": None}\n',
    "none by a subscript": ONE + 'B = {}\nB["custom_model"] = "net"\n',
    "taken away later": ONE + 'A["model"].pop("custom_action_dist")\n',
    "set to None later": ONE + 'A["model"]["custom_action_dist"] = None\n',
    "perhaps overridden": "def a(**more):\n    return " + ONE[4:].replace('"}}', '", **more}}'),
    "a model that a run tells": ONE + "import args\nB = {'custom_model': args.model}\n",
    "a model by a constant": ONE + "from names import MODEL\nB = {'custom_model': MODEL}\n",
    "a model that an argument tells": "def a(model):\n    return {'custom_model': model}\n" + ONE,
    "a distribution that a run tells": "import args\n" + ONE.replace('"peaked"', "args.dist"),
    "one that a condition tells": "import sys\n"
    + ONE.replace('"peaked"', '"peaked" if sys.argv else None'),
    "one that calls its model": ONE.replace("peaked", "odd"),
    "one that nobody registers": ONE.replace("peaked", "unknown"),
}


@pytest.mark.parametrize("train", BRIDGED.values(), ids=list(BRIDGED))
def test_stays_bridged(migrate, train):
    done = migrate(files(train))
    assert done.items["Net"].outcome == "bridged"
    assert "class Peaked(TorchDistributionWrapper)" in done.text("dists.py")
    assert 'register_custom_action_dist("peaked", Peaked)' in done.text("dists.py")


def test_a_file_without_a_word_of_ray_counts(migrate):
    helper = 'def base():\n    return {"custom_model": "net"}\n'
    done = migrate({**files(ONE), "helper.py": helper})
    assert done.items["Net"].outcome == "bridged"


@pytest.mark.parametrize(("line", "outcome"), [("", "bridged"), ("peaked", "native")])
def test_experiments_count(tmp_path, line, outcome):
    """A YAML experiment that names the model names its distribution too, or leaves it to RLlib."""
    from rlmigrate.migrate.index import RepoIndex
    from rlmigrate.migrate.settings import Settings

    texts = files("") | {"a.yaml": f"model:\n  custom_model: net\n  custom_action_dist: {line}\n"}
    texts |= {"b.yaml": "model:\n  custom_model: net\n  custom_action_dist: peaked\n"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    index = RepoIndex.build([tmp_path / name for name in texts], Settings())
    name = next(each for each in index.classes if each.endswith("Net"))
    plan = index.plan_for(name)
    assert plan is not None
    assert plan.outcome == outcome


SHARED = ONE + ONE.replace('"net"', '"other"')


def test_two_models_share_a_distribution(migrate):
    done = migrate(files(SHARED, models=f"{MODELS}\n\n{OTHER}"))
    assert {done.items[each].outcome for each in ("Net", "Other", "Peaked")} == {"native"}
    text = done.text("models.py")
    assert text.count("self.action_dist_cls = Peaked\n") == 2
    assert '"peaked", Peaked' not in done.text("dists.py")


def test_neither_goes_where_one_of_them_stays(migrate):
    hook = "    def __getattr__(self, name):\n        return super().__getattr__(name)\n\n"
    other = OTHER.replace("    def value_function", f"{hook}    def value_function")
    done = migrate(files(SHARED, models=f"{MODELS}\n\n{other}"))
    assert {done.items["Net"].outcome, done.items["Other"].outcome} == {"bridged"}
    assert "shares Peaked with Other" in done.items["Net"].message
    assert "class Peaked(TorchDistributionWrapper)" in done.text("dists.py")


@pytest.mark.parametrize(
    "dists",
    [
        DISTS.replace("import torch\n", "import torch\nfrom models import Net\n", 1),
        DISTS.replace("import torch\n", "import torch\nimport train\n", 1),
        DISTS + "\nprint(Peaked)\n",
        DISTS + "\ntorch.manual_seed(1)\n",
    ],
    ids=["imports the model", "imports it by another file", "uses it", "runs something"],
)
def test_a_file_that_the_model_cannot_import(migrate, dists):
    done = migrate(files("from models import Net\n" + ONE, dists=dists))
    assert done.items["Net"].outcome == "bridged"
    assert "class Peaked(TorchDistributionWrapper)" in done.text("dists.py")


def test_a_name_that_the_models_file_has_for_something_else(migrate):
    done = migrate(files(ONE, models=MODELS + "\nPeaked = 3\n"))
    assert done.items["Net"].outcome == "bridged"


def test_a_model_that_is_bridged_keeps_its_distribution(migrate):
    hook = "    def __getattr__(self, name):\n        return super().__getattr__(name)\n\n"
    models = MODELS.replace("    def value_function", f"{hook}    def value_function")
    done = migrate(files(ONE, models=models))
    assert done.items["Net"].outcome == "bridged"
    assert done.items["Peaked"].outcome == "manual"
    assert "class Peaked(TorchDistributionWrapper)" in done.text("dists.py")
