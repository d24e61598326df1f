"""What is believed of a class, field by field."""

from __future__ import annotations

import ast
from dataclasses import replace

import pytest

from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.strategy import plan_model
from rlmigrate.migrate.understanding import Problem, read_model, render

MODEL = """
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn


class M(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name, width=8):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        space = obs_space.original_space
        self.net = FullyConnectedNetwork(
            space["x"], action_space, num_outputs, model_config, name
        )
        self.deep = model_config["custom_model_config"].get("deep", False)
        self.vf = nn.Linear(width, 1)

    def forward(self, input_dict, state, seq_lens):
        out, _ = self.net({"obs": input_dict["obs"]["x"]})
        self._v = self.vf(out)
        return out, state

    def value_function(self):
        return self._v.squeeze(1)

    def helper(self):
        return 1
"""


def facts_of(code: str, name: str = "M"):
    index = RepoIndex.of_texts({"m.py": code})
    file = next(iter(index.files.values()))
    node = next(
        n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.ClassDef) and n.name == name
    )
    return read_model(index, file, node, qualified=f"m.{name}").facts


def test_facts_of_a_model_with_everything() -> None:
    facts = facts_of(MODEL)
    assert [(p.name, p.default) for p in facts.parameters] == [("width", "8")]
    assert facts.custom_keys == ("deep", "width")
    assert "fcnet_hiddens" in facts.default_keys
    assert (facts.obs, facts.obs_keys) == ("keyed", ("x",))
    assert [(s.attribute, s.local, s.for_value) for s in facts.stashes] == [("_v", "v", True)]
    assert [(n.attribute, n.net) for n in facts.subnets] == [("net", "FullyConnectedNetwork")]
    assert (facts.head_size, facts.value) == ("local", "computed")
    assert facts.extra_methods == ("helper",)
    assert facts.problems == ()


def test_facts_can_be_printed() -> None:
    text = render(facts_of(MODEL))
    assert text.startswith("  class: m.M\n")
    assert "observations: by key (x)" in text
    assert "kept between calls: _v (for values)" in text


def test_problems_are_printed_once_with_all_their_lines() -> None:
    problems = (Problem(9, "reads seq_lens"), Problem(4, "reads seq_lens"), Problem(5, "is odd"))
    text = render(replace(facts_of(MODEL), problems=problems))
    assert text.endswith(
        "  against a native module:\n    lines 4, 9: it reads seq_lens\n    line 5: it is odd"
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("return out, state", "return out, [out]", "returns a state of its own"),
        ("return out, state", "return out", "returns something else than (output, state)"),
        ("self._v = self.vf(out)", "self._v = state[0]", "reads its recurrent state"),
        ("self._v = self.vf(out)", "self._v = seq_lens", "reads seq_lens"),
        (
            'model_config["custom_model_config"].get("deep", False)',
            "self.model_config.update(a=1)",
            "changes its model config",
        ),
        ("class M(TorchModelV2, nn.Module)", "class M(Other, TorchModelV2)", "inherits from Other"),
        ("def helper", "def is_time_major", "is time-major"),
        ("return 1", "return self.forward({}, [], None)", "calls its own forward"),
        ("self.vf = nn", "self.config = nn", "sets self.config, which RLModule keeps"),
        ("self.vf =", "setattr(self, name, 1); self.vf =", "names its parts after the name"),
    ],
)
def test_problem_is_noted(old: str, new: str, problem: str) -> None:
    assert old in MODEL
    texts = [p.text for p in facts_of(MODEL.replace(old, new)).problems]
    assert any(text.startswith(problem) for text in texts), texts


def plans_of(code: str, *names: str):
    index = RepoIndex.of_texts({"m.py": code})
    return {name: plan_model(index, index.classes[f"m.{name}"]) for name in names}


def test_child_without_a_body_is_native_with_its_base() -> None:
    plans = plans_of(MODEL + "\n\nclass Child(M):\n    pass\n", "M", "Child")
    assert {plan.outcome for plan in plans.values()} == {"native"}


def test_family_is_bridged_with_the_class_that_stops_it() -> None:
    code = MODEL + (
        "\n\nclass Child(M):\n    def custom_loss(self, policy_loss, loss_inputs):\n"
        "        return policy_loss\n\n\nclass Other(M):\n    pass\n"
    )
    plans = plans_of(code, "M", "Child", "Other")
    assert {plan.outcome for plan in plans.values()} == {"bridged"}
    assert plans["Child"].reason.startswith("has a custom_loss")
    assert plans["M"].reason.startswith("is the base of Child, which has a custom_loss")
    assert plans["Other"].reason.startswith("shares a base with Child, which has a custom_loss")


def test_base_goes_native_with_most_of_its_heirs_and_stays_for_the_rest() -> None:
    child = "\n\nclass {}(M):\n    pass\n"
    stuck = (
        "\n\nclass Stuck(M):\n    def helper(self):\n        return self.context()\n"
        "\n\nclass Below(Stuck):\n    pass\n"
    )
    free = "".join(map(child.format, ("A", "B", "C")))
    plans = plans_of(MODEL + stuck + free, "M", "A", "Stuck", "Below")
    assert [plan.outcome for plan in plans.values()] == ["native", "native", "bridged", "bridged"]
    assert plans["M"].kept_for == ("Below", "Stuck")
    assert plans["Below"].reason.startswith("inherits from Stuck, which uses its context()")


@pytest.mark.parametrize("key", ["use_lstm", "use_attention"])
def test_model_with_arguments_that_its_config_wraps_is_bridged(key: str) -> None:
    code = MODEL + f"\nCONFIG = {{'model': {{'custom_model': M, '{key}': True}}}}\n"
    index = RepoIndex.of_texts({"m.py": code})
    plan = plan_model(index, index.classes["m.M"])
    assert plan.outcome == "bridged"
    assert plan.reason.startswith("is put into RLlib's LSTM")


def test_model_with_a_custom_distribution_is_bridged() -> None:
    code = MODEL + "\nCONFIG = {'custom_model': M, 'custom_action_dist': 'mine'}\n"
    index = RepoIndex.of_texts({"m.py": code})
    assert "custom action distribution" in plan_model(index, index.classes["m.M"]).reason


def test_distribution_counts_for_both_classes_that_a_name_may_stand_for() -> None:
    code = MODEL + (
        "\nfrom ray.rllib.models import ModelCatalog\n"
        "ModelCatalog.register_custom_model('m', M if FLAG else Other)\n"
        "CONFIG = {'custom_model': 'm', 'custom_action_dist': 'mine'}\n"
    )
    assert "custom action distribution" in plans_of(code, "M")["M"].reason


def test_the_first_model_of_rllib_is_left_to_a_person() -> None:
    code = "from ray.rllib.models import Model\nclass M(Model): pass\n"
    plan = plans_of(code, "M")["M"]
    assert plan.outcome == "manual"
    assert plan.reason.startswith("extends the first Model of RLlib")
    alone = code.replace("models import Model", "models.modelv2 import ModelV2 as Model")
    assert "neither torch nor TensorFlow" in plans_of(alone, "M")["M"].reason


def test_tensorflow_is_left_to_a_person() -> None:
    code = "from ray.rllib.models.tf.tf_modelv2 import TFModelV2\nclass M(TFModelV2): pass\n"
    index = RepoIndex.of_texts({"m.py": code})
    assert plan_model(index, index.classes["m.M"]).outcome == "manual"


@pytest.mark.parametrize(
    ("body", "way"),
    [
        ('x = input_dict["obs"]; x = x * 2', "never"),
        ('x = input_dict["obs"] + 1; x += 1; x[0] = 2; x.mul_(3)', "never"),
        ('x = input_dict["obs"].clone(); x += 1', "never"),
        ('x = input_dict["obs"]; x /= 255', "copied"),
        ('x = input_dict["obs"].float(); x /= 255', "copied"),
        ('x = input_dict["obs"]["a"]; x[:, 0] = 1', "copied"),
        ('x = input_dict["obs"].permute(0, 2, 1); x.clamp_(0, 1)', "copied"),
        ('x, y = input_dict["obs"], 1; y += 1; x.clamp_(0, 1)', "copied"),
        ('x: torch.Tensor = input_dict["obs"]; torch.relu_(x)', "copied"),
        ('x = torch.relu(y := input_dict["obs"]); torch.abs(x, out=y)', "copied"),
        ('self.x = input_dict["obs"]; x = nn.functional.relu(self.x, inplace=True)', "copied"),
        ('x = input_dict["obs"]["a"]; y = input_dict["obs"]["b"]; x *= y', "copied"),
        ('input_dict["obs"].mul_(2); x = input_dict["obs"]', "copied"),
        ('input_dict["obs"]["a"] = 1; x = input_dict["obs"]', "copied"),
        ('input_dict["obs"]["a"] *= 2; x = input_dict["obs"]["a"]', "copied"),
        ('x = input_dict["obs"]["a"]; y = input_dict["obs"]["a"]; x *= y', "copied"),
        ('x = input_dict["obs"]; y = x["a"]["b"]; y *= 2; x = x["a"]', "copied"),
        ('x = [input_dict["obs"].mul_(2) for _ in range(2)]', "copied"),
        ('x = input_dict["obs"]; x = self.net(x); x += 1', "never"),
        ('x = self.first(input_dict["obs"])', "copied"),
        ('x = torch.reshape(input_dict["obs"], (-1, 4)); x[:, 1] = 0', "copied"),
        ('x, y = torch.split(input_dict["obs"], 2); x *= 2', "copied"),
        ('x = input_dict["obs"].unbind(1); x[0].fill_(0.5)', "copied"),
        ('x = [row.mul_(2) for row in input_dict["obs"]]', "copied"),
        ('x = {"a": input_dict["obs"]}; x["a"] += 1', "copied"),
        ('x = input_dict["obs"]; y = x if x.dim() == 2 else x[0]; y -= 1', "copied"),
        ('x = input_dict["obs"].numpy(); x *= 2', "copied"),
        ('x = input_dict["obs"]; x.__setitem__(0, 1)', "copied"),
        ('x = input_dict["obs"]; x.data = x * 2', "copied"),
        ('write = input_dict["obs"].mul_; x = write(2)', "copied"),
        ('x = getattr(input_dict["obs"], "mul_")(2)', "copied"),
        ('x = (lambda t: t.mul_(2))(input_dict["obs"])', "copied"),
        ('x = nn.functional.relu(input_dict["obs"], True)', "copied"),
        ('x = nn.Dropout(0.5)(input_dict["obs"]); x += 1', "copied"),
        ('x = nn.Linear(2, 2)(input_dict["obs"]); x += 1', "never"),
        ('x = torch.stack([input_dict["obs"]]); x += 1', "never"),
        ('x = self.prepare(input_dict["obs"])', "copied"),
        ('x = input_dict["obs_flat"]; y = input_dict["obs"]; y *= 2', "changed"),
    ],
)
def test_changes_in_place(body, way) -> None:
    code = f"""
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn
class M(TorchModelV2, nn.Module):
    def __init__(self, *args):
        super().__init__(*args)
        nn.Module.__init__(self)
        self.first = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(2, 2))
        self.net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(inplace=True))
    def prepare(self, obs):
        obs -= 1
        return obs
    def forward(self, input_dict, state, seq_lens):
        {body}
        return x, state
"""
    facts = facts_of(code)
    problems = [p.text for p in facts.problems]
    assert ("changes its observation in place" in problems) == (way == "changed"), problems
    assert facts.copies == (way == "copied")


@pytest.mark.parametrize(
    ("first", "body", "problem"),
    [
        ("input_dict", 'batch = input_dict["obs"]; return batch, state', None),
        ("batch", 'return batch["obs"], state', None),
        ("input_dict", 'return [len(batch) for batch in input_dict["obs"]], state', None),
        ("input_dict", 'return map(lambda batch: batch + 1, [input_dict["obs"]]), state', None),
        (
            "input_dict",
            'return map(lambda batch: input_dict["obs"], [1]), state',
            "uses the name batch in forward",
        ),
        (
            "input_dict",
            'import torch as batch; return batch.abs(input_dict["obs"]), state',
            "uses the name batch in forward",
        ),
        (
            "input_dict",
            'return batch(input_dict["obs"]), state',
            "uses the name batch of its module in forward",
        ),
    ],
)
def test_names_that_the_new_forward_takes(first, body, problem) -> None:
    code = f"""
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn
class M(TorchModelV2, nn.Module):
    def forward(self, {first}, state, seq_lens):
        {body}
"""
    assert [p.text for p in facts_of(code).problems] == ([problem] if problem else [])


def test_window_of_the_observation_itself_is_supplied_to_the_bridge() -> None:
    code = """
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from ray.rllib.policy.view_requirement import ViewRequirement
from torch import nn
class M(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        self.view_requirements["obs"] = ViewRequirement(shift="-3:0", space=obs_space)
    def forward(self, input_dict, state, seq_lens):
        return input_dict["obs"].flatten(1), state
"""
    facts = facts_of(code)
    assert [p.text for p in facts.problems] == ["asks for several steps of its observation at once"]
    assert [(v.column, v.source, v.shift) for v in facts.views] == [("obs", "obs", "'-3:0'")]


@pytest.mark.parametrize("read", [False, True])
def test_column_that_only_a_policy_fills_is_said(read) -> None:
    code = """
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from ray.rllib.policy.view_requirement import ViewRequirement
from torch import nn
class M(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        self.view_requirements["central"] = ViewRequirement(space=obs_space)
    def forward(self, input_dict, state, seq_lens):
        return input_dict["obs"], state
"""
    facts = facts_of(code.replace('["obs"]', '["central"]') if read else code)
    problems = [p.text for p in facts.problems]
    assert ("asks for central, which a policy has to fill" in problems) == read
    assert facts.unread == (() if read else ("central",))
    assert facts.views == ()


RECURRENT = """
import torch
from ray.rllib.models.torch.recurrent_net import RecurrentNetwork
from torch import nn


class M(RecurrentNetwork, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        nn.Module.__init__(self)
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        self.gru = nn.GRU(obs_space.shape[0], num_outputs, batch_first=True)
        self.size = num_outputs

    def get_initial_state(self):
        return [torch.zeros(self.size)]

    def forward_rnn(self, inputs, state, seq_lens):
        x, h = self.gru(inputs, state[0].unsqueeze(0))
        return x, [h.squeeze(0)]
"""


def test_recurrent_model_is_configured_with_the_length_of_sequences() -> None:
    plan = plans_of(RECURRENT, "M")["M"]
    assert (plan.outcome, plan.stateful) == ("native", True)
    assert plan.model_config == {"max_seq_len": 20}


@pytest.mark.parametrize(
    ("old", "new", "listed"),
    [
        ("return x, [h.squeeze(0)]", "return x, [h.squeeze(0)]", False),
        ("state[0].unsqueeze(0)", "(state[0] * len(seq_lens)).unsqueeze(0)", True),
        ("return x, [h.squeeze(0)]", "after = [h.squeeze(0)]\n        return x, after", True),
        ("[torch.zeros(self.size)]", "[torch.zeros(self.size) for _ in range(1)]", True),
    ],
)
def test_states_stay_a_list_where_they_cannot_be_named(old: str, new: str, listed: bool) -> None:
    assert old in RECURRENT
    facts = facts_of(RECURRENT.replace(old, new))
    assert (facts.problems, facts.sequential, bool(facts.states)) == ((), listed, not listed)


def test_class_that_may_have_no_state_returns_no_column_of_it() -> None:
    code = RECURRENT.replace(
        "return [torch.z", "if not self.size:\n            return []\n        return [torch.z"
    )
    assert facts_of(code).stateless_too
    assert not facts_of(RECURRENT).stateless_too


def test_time_first_is_bridged() -> None:
    code = RECURRENT.replace(
        "x, h = self.gru(inputs,",
        "from ray.rllib.policy.rnn_sequencing import add_time_dimension\n"
        "        add_time_dimension(inputs, seq_lens=seq_lens, time_major=True)\n"
        "        x, h = self.gru(inputs,",
    )
    texts = [p.text for p in facts_of(code).problems]
    assert "lays its sequences out with time first" in texts


STATES_BY_NAME = """
from ray.rllib.models.torch.recurrent_net import RecurrentNetwork
from torch import nn


class M(RecurrentNetwork, nn.Module):
    def get_initial_state(self):
        return [self.h]

    def forward_rnn(self, inputs, state, seq_lens):
        self._x, h = self.cell(inputs, state[0])
        self.last = self.value_function()
        after = [h]
        return self.pi(self._x), after

    def value_function(self):
        return self.vf(self._x)
"""


def test_a_return_that_is_not_understood_is_a_return() -> None:
    texts = [problem.text for problem in facts_of(STATES_BY_NAME).problems]
    assert "calls its own value_function" in texts
    assert "returns states that are not one list" in texts
    assert "never returns" not in texts
    silent = STATES_BY_NAME.replace("return self.pi(self._x), after", "self.pi(self._x)")
    assert "never returns" in [problem.text for problem in facts_of(silent).problems]


def test_class_that_is_built_under_another_name_is_bridged() -> None:
    other = "class Other:\n    pass\n"
    code = MODEL + other + "def build(*args, deep=True):\n    cls = M if deep else Other\n"
    assert plans_of(code + "    return cls(*args)\n", "M")["M"].outcome == "bridged"
    assert plans_of(code + "    return cls\n", "M")["M"].outcome == "native"
