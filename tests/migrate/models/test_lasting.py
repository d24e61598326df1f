"""What lasts from one call of a model to the next keeps it on the old model, with the reason."""

from __future__ import annotations

import textwrap

import pytest

from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.strategy import plan_model

HEAD = """
import itertools
from collections import deque
import torch
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn

SEEN = []
COUNT = 0

def remember(value, seen=[]):
    seen.append(value)
    return seen

def doubled(model, x):
    model.last = x
    return x * 2

class Running(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean = 0.0
    def forward(self, x):
        self.mean = 0.9 * self.mean + 0.1 * x.mean()
        return x - self.mean

class Encoder(nn.Module):
    def forward(self, x):
        self.shape = x.shape
        return x.reshape(self.shape)

class Graph(nn.Module):
    def __init__(self):
        super().__init__()
        self.edges = torch.zeros(2, 4)
    def use(self, adjacency):
        self.adjacency = adjacency
    def forward(self, x):
        self.edges = self.edges.to(x.device)
        return self.adjacency @ x + self.edges.sum()

class Layers(nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.parts = nn.ModuleList([])
        for each in settings:
            self.parts.append(Residual(each) if each else nn.Linear(4, 4))
    def forward(self, x):
        for part in self.parts:
            x = part(x)
        return x

class Residual(nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.inner = Layers(settings)
    def forward(self, x):
        return x + self.inner(x)

class Policy(TorchModelV2, nn.Module):
    calls = []
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.register_buffer("mean", torch.zeros(4))
        self.log_std = nn.Parameter(torch.zeros(1))
        self.past = deque(maxlen=3)
        self.ticks = itertools.count()
        self.table = {"n": 0}
        self.grid = torch.ones(4)
        self.pi = nn.Linear(4, num_outputs)
        {SETUP}
    def doubled(self, x):
        return x * 2
    def forward(self, input_dict, state, seq_lens):
        x = input_dict["obs"]
        {FORWARD}
        self._features = x
        return self.pi(x), state
    def value_function(self):
        {VALUES}
        return self._features.sum(1)
"""


def reason_for(forward: str = "pass", *, setup: str = "pass", values: str = "pass") -> str:
    """Why a class with these statements is bridged; empty where it is native."""
    text = HEAD
    for name, body in (("SETUP", setup), ("FORWARD", forward), ("VALUES", values)):
        text = text.replace(f"        {{{name}}}", textwrap.indent(body, " " * 8))
    index = RepoIndex.of_texts({"m.py": text})
    plan = plan_model(index, index.classes["m.Policy"])
    return "" if plan.outcome == "native" else plan.reason.split(" (line")[0]


@pytest.mark.parametrize(
    "forward",
    [
        "x = x + self.mean",
        "y = x * 2\ny += 1",
        "self.log_std.data.clamp_(-20, 2)",
        "parts = []\nparts.append(x)",
        "self.grid = self.grid.to(x.device)\nx = x + self.grid",
        "seen = {}\nseen['x'] = x",
        "x = torch.stack(list(self.past)).sum() + x if self.past else x",
        "self.past.append(x)",  # which only others read
        "self.calls.append(1)",
        "def add(a, b=1):\n    return a + b\nx = add(x)",
    ],
)
def test_what_does_not_last_is_native(forward) -> None:
    assert reason_for(forward) == ""


@pytest.mark.parametrize(
    ("forward", "what"),
    [
        ("self.mean[0] = x.mean()", "self.mean"),
        ("self.mean.mul_(0.9)", "self.mean"),
        ("self.mean.data = self.mean + 1", "self.mean"),
        ("mean = self.mean\nmean += 1", "self.mean"),
        ("self.past.append(x)\nx = x + len(self.past)", "self.past"),
        ("past = self.past\npast.append(x)", "self.past"),
        ("x = x * next(self.ticks)", "self.ticks"),
        ("self.table['n'] += 1", "self.table"),
        ("self.table.update(n=1)", "self.table"),
        ("self.calls.append(1)\nx = x * len(self.calls)", "self.calls"),
        ("Policy.calls.append(1)", "Policy"),
        ("type(self).calls = []", "Policy"),
        ("SEEN.append(1)", "SEEN"),
        ("global COUNT\nCOUNT += 1", "COUNT"),
        ("x = x * len(remember(1))", "the default of seen"),
        ("setattr(self, 'n', 1)", "an attribute by name"),
        ("vars(self)['n'] = 1", "an attribute by name"),
        ("self.__dict__['n'] = 1", "self.__dict__"),
    ],
)
def test_what_forward_changes_for_the_next_call(forward, what) -> None:
    assert reason_for(forward) == f"changes {what}, which lasts until the next call"


def test_modules_that_hold_each_other() -> None:
    assert reason_for("x = self.layers(x)", setup="self.layers = Layers([None, [None]])") == ""


def test_what_values_change_for_the_next_call() -> None:
    assert reason_for(values="self.past.append(1)").startswith("changes self.past, which lasts")


def test_parts_that_keep_something() -> None:
    kept = "holds Running, which keeps self.mean from one call to the next"
    assert reason_for(setup="self.norm = Running()") == kept
    assert reason_for(setup="self.norm = nn.Sequential(Encoder(), Running())") == kept
    assert reason_for(setup="self.encoder = Encoder()") == ""
    assert reason_for("self.graph.use(x)\nx = self.graph(x)", setup="self.graph = Graph()") == ""
    looks = reason_for(setup="self.encoder = Encoder()", values="x = self.encoder.shape")
    assert looks == "holds Encoder, which keeps self.shape from one call to the next"


def test_closures_that_count() -> None:
    counting = "n = 0\ndef tick():\n    nonlocal n\n    n += 1\n    return n\nself.tick = tick"
    assert reason_for(setup=counting) == "changes n, which lasts until the next call"


def test_attributes_that_are_asked_for_by_name() -> None:
    asks = "x = x * getattr(self, 'scale', 2.0)\nself.scale = 3.0"
    assert reason_for(asks) == "asks for self.scale by name"


def test_helpers_that_call_each_other_all_over_are_gone_through_once() -> None:
    """Each of these calls the next eight times in a loop: 16 ** 8 ways for what is one."""
    names = [f"step{i}" for i in range(8)]
    helpers = [
        f"def {name}(x, n=0):\n    for _ in range(2):\n"
        + f"        x = {after}(x) if n else {after}(x, 1)\n" * 4
        + "    return x"
        for name, after in zip(names, [*names[1:], "torch.relu"], strict=True)
    ]
    forward = "\n".join([*reversed(helpers), "x = step0(x)"])
    assert reason_for(forward.replace("torch.relu(x, 1)", "torch.relu(x)")) == ""
    last = forward.replace("torch.relu(x, 1)", "self.mean.mul_(x.mean())")
    assert reason_for(last) == "changes self.mean, which lasts until the next call"


def test_hooks_that_lay_something_aside() -> None:
    sets = "self.seen = {}\ndef keep(module, given, out):\n    self.seen['pi'] = out\n"
    calls = "self.seen = {}\n"
    lays = "self.pi.register_forward_hook(lambda m, i, o: self.seen.__setitem__('pi', o))"
    reads = "self.pi.register_forward_hook(lambda module, given, out: print(out.shape))"
    asks = "changes what its hook {}lays aside, which lasts until the next call"
    assert reason_for(setup=sets + "self.pi.register_forward_hook(keep)") == asks.format("keep ")
    assert reason_for(setup=calls + lays) == asks.format("")
    assert reason_for(setup=reads) == ""


def test_a_model_under_another_name() -> None:
    assert reason_for("me = self\nme.last = x") == "gives itself another name"
    assert reason_for("x = doubled(self, x)") == "hands itself to doubled"
    assert reason_for("x = x * (2 if isinstance(self, nn.Module) else 1)") == ""
    assert reason_for("x = Policy.doubled(self, x)") == ""


def test_an_object_that_is_not_called_self() -> None:
    text = HEAD.replace("self, input_dict", "this, input_dict").replace("{FORWARD}", "this.x = x")
    text = text.replace("{SETUP}", "pass").replace("{VALUES}", "pass")
    index = RepoIndex.of_texts({"m.py": text})
    reason = plan_model(index, index.classes["m.Policy"]).reason
    assert reason.startswith("has a method forward whose first parameter is not self")


def test_what_modelv2_answers_and_no_module_does() -> None:
    assert reason_for("x = x * self.is_time_major()") == "asks for is_time_major()"


def test_class_is_itself_where_its_file_was_parsed_anew() -> None:
    import ast

    from rlmigrate.migrate.understanding.lasting import _is_same

    text = "class One:\n    pass\nclass Two:\n    pass\n"
    (one, two), (again, _) = ast.parse(text).body, ast.parse(text).body
    assert _is_same(one, one)
    assert _is_same(one, again)
    assert not _is_same(one, two)
    assert not _is_same(one.body[0], again)
