"""Objects that nobody here knows keep a class on the old model where forward calls them."""

from __future__ import annotations

import textwrap

import pytest

from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.strategy import plan_model

MODEL = """
import functools
from functools import cached_property, lru_cache

import numpy as np
import torch
import torch_geometric
from einops import rearrange
from fancy import Base, Gate, Tokenizer, scale
from fancy import prepared
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from stats.running import MeanStd
from torch import nn

NORM = MeanStd(4)
SIZES = {"a": 4}

@lru_cache(maxsize=None)
def ramp(size):
    return torch.arange(size).float()

@functools.cache
def noise(size):
    return torch.randn(size)

def make():
    return MeanStd(4)

def normed(x):
    return NORM.apply(x)

def counting(function):
    seen = {}
    def inner(self):
        seen[self] = seen.get(self, 0) + 1
        return seen[self]
    return inner

def timing(function):
    def inner(self):
        return function(self)
    return inner

class Table(nn.Embedding):
    @classmethod
    def made(cls, table):
        return cls.from_pretrained(table)

class Part(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size
        self.stats = MeanStd(size)
    def forward(self, x):
        return self.stats.normalize(x)

class Quiet(Base):
    def forward(self, x):
        return x * 2

class More(Base):
    def forward(self, x):
        return super().forward(x) * 2

class Count:
    seen = 0
    @property
    def value(self):
        self.seen += 1
        return self.seen
    def __call__(self):
        return self.value
    def __mul__(self, x):
        self.seen += 1
        return x

class Scale:
    by = 2.0
    def __call__(self, x):
        return x * self.by

def counter():
    seen = [0]
    def tick():
        seen[0] += 1
        return seen[0]
    return tick

def doubler():
    def double(x):
        return x * 2
    return double

COUNT = Count()
SCALE = Scale()
TICK = counter()

class Policy(TorchModelV2, nn.Module):
    def __init__(
        self, obs_space, action_space, num_outputs, model_config, name, env=None, act=None
    ):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.env = env
        self.act = act
        self.rng = np.random.default_rng(0)
        self.gen = torch.Generator()
        self.stats = MeanStd(4)
        self.several = nn.ModuleList([Gate(4), nn.Linear(4, 4)])
        self.by_name = {"a": MeanStd(4)}
        self.table = np.ones(4)
        self.embed = Table.made(torch.ones(9, 4))
        self.size = 4
        self.sizes = [4, 2]
        self.names = set()
        self.pi = nn.Linear(4, num_outputs)
        {SETUP}

    @lru_cache(maxsize=8)
    def mask(self, size):
        return torch.ones(size) * self.size

    @lru_cache(maxsize=8)
    def learned(self, size):
        return self.pi.weight.sum() * size

    @counting
    def counted(self):
        return 1

    @timing
    def timed(self):
        return 1

    @cached_property
    def steps(self):
        return torch.arange(self.size)

    def forward(self, input_dict, state, seq_lens):
        x = input_dict["obs"]
        {FORWARD}
        self._features = x
        return self.pi(x), state

    def value_function(self):
        return self._features.sum(1)
"""


def reason_for(forward: str, setup: str = "pass") -> str:
    """Why a class with these statements is bridged; empty where it is native."""
    text = MODEL
    for name, body in (("SETUP", setup), ("FORWARD", forward)):
        text = text.replace(f"        {{{name}}}", textwrap.indent(body, " " * 8))
    index = RepoIndex.of_texts({"m.py": text})
    plan = plan_model(index, index.classes["m.Policy"])
    return "" if plan.outcome == "native" else plan.reason.split(" (line")[0]


@pytest.mark.parametrize(
    "forward",
    [
        "x = rearrange(x, 'b c -> b c')",
        "x = scale(x)",  # a function
        "x = x + ramp(4)",
        "x = x * self.mask(4)",
        "x = x * self.steps",
        "x = x * torch.as_tensor(self.table.astype(np.float32))",
        "x = self.act(x) if self.act is not None else x",
        "x = x + (self.env.get('bias', 0) if self.env else 0)",
        "x = x * self.stats.scale",  # looked at, not called
        "x = x if self.stats is None else x * 2",
        "assert isinstance(self.stats, MeanStd)",
        "print(self.stats.describe())",
        "rng = np.random.default_rng(0)\nx = x + torch.as_tensor(rng.normal())",  # made each time
        "x = x + self.embed(torch.zeros(1).long())",
        "x = x * SIZES.get('a', 1)",
        "x = SCALE(x)",
        "x = x.add(1) + torch.ones(4).add(x)",
        "x = x * self.timed()",
        "import os\nx = x * len(os.environ)",
    ],
)
def test_what_is_known_is_native(forward) -> None:
    assert reason_for(forward) == ""


@pytest.mark.parametrize(
    ("forward", "what"),
    [
        ("x = x + self.rng.normal()", "calls normal() of self.rng, an object of default_rng of"),
        ("rng = self.rng\nx = x + rng.normal()", "calls normal() of rng"),
        ("x = x + torch.rand(4, generator=self.gen)", "hands on self.gen, an object of Generator"),
        ("self.stats.update(x)", "changes self.stats, which lasts until the next call"),
        ("x = self.stats(x)", "calls self.stats, an object of MeanStd of stats"),
        ("x = scale(x, self.stats)", "hands on self.stats"),
        ("for part in self.several:\n    x = part(x)", "goes through self.several"),
        ("x = self.several[0](x)", "calls self.several, an object of Gate of fancy"),
        ("x = self.by_name['a'].apply(x)", "calls apply() of self.by_name"),
        ("x = NORM.apply(x)", "calls apply() of NORM, an object of MeanStd of stats"),
        ("x = normed(x)", "calls apply() of NORM"),
        ("self.env.step(x)", "calls step() of self.env, which it is given"),
        ("x = x * self.model_config['tokenizer'].encode(1)", "calls encode() of self.model_config"),
        ("x = x * TICK()", "calls TICK, the function tick, which may keep something"),
        ("x = COUNT * x", "holds Count, which keeps self.seen from one call to the next"),
        ("import os\nos.environ['n'] = '1'", "changes os, which lasts until the next call"),
        ("x = x + len(open('f').read())", "opens a file when it is called"),
        ("self.sizes.sort()\nx = x * self.sizes[0]", "changes self.sizes, which lasts"),
        ("import heapq\nx = x * heapq.heappop(self.sizes)", "changes self.sizes, which lasts"),
        ("list(map(self.sizes.append, [1]))", "changes self.sizes, which lasts"),
        ("getattr(self.sizes, 'append')(1)", "changes self.sizes, which lasts"),
        ("self.names.add(1)\nx = x * len(self.names)", "changes self.names, which lasts"),
        ("np.add(self.table, 1, self.table)", "changes self.table, which lasts"),
        ("np.add.at(self.table, 0, 1)", "changes self.table, which lasts"),
        ("self.register_buffer('last', x)", "changes what it registers, which lasts"),
        ("x = x * self.counted()", "calls counted through counting, which may keep something"),
        ("x = x + noise(4)", "calls noise, which remembers what it drew"),
        ("x = x * self.learned(2)", "calls learned, which remembers what came of self.pi"),
    ],
)
def test_what_may_keep_something_is_bridged(forward, what) -> None:
    assert reason_for(forward).startswith(what)


@pytest.mark.parametrize(
    ("setup", "forward", "what"),
    [
        ("self.norm = make()", "x = self.norm.apply(x)", "calls apply() of self.norm, an object"),
        ("self.tok = prepared", "self.tok.encode(x)", "calls encode() of self.tok"),
        ("self.f = scale", "x = self.f(x)", ""),
        ("self.part = Part(4)", "x = self.part(x)", "holds Part, which calls normalize() of"),
        ("self.quiet = Quiet()", "x = self.quiet(x)", ""),
        ("self.more = More()", "x = self.more(x)", "holds More, which inherits from Base of fancy"),
        (
            "layers = [nn.Linear(4, 4)]\nlayers.append(Gate(4))\nself.net = nn.Sequential(*layers)",
            "x = self.net(x)",
            "calls self.net, an object of Gate of fancy",
        ),
        ("self.gcn = torch_geometric.nn.GCNConv(4, 4)", "x = self.gcn(x, x)", ""),
        (
            "self.gcn = torch_geometric.nn.GCNConv(4, 4, cached=True)",
            "x = self.gcn(x, x)",
            "calls self.gcn, an object of GCNConv of torch_geometric",
        ),
        ("self.out = ramp(4)", "x = x + self.out", ""),
        ("self.count = Count()", "x = x * self.count()", "holds Count, which keeps self.seen"),
        ("self.count = Count()", "x = x * self.count.value", "holds Count, which keeps self.seen"),
        ("self.scale = Scale()", "x = self.scale(x)", ""),
        ("self.tick = counter()", "x = x * self.tick()", "calls self.tick, the function tick"),
        ("self.double = doubler()", "x = self.double(x)", ""),
        ("todo = [1, 2]\nself.take = todo.pop", "x = x * self.take()", "calls self.take"),
        ("def many():\n    yield 1\nself.many = many()", "self.many.send(None)", "calls send() of"),
    ],
)
def test_what_is_held(setup, forward, what) -> None:
    found = reason_for(forward, setup)
    assert found.startswith(what) if what else not found


def test_a_remembered_result_is_not_changed() -> None:
    changes = "t = ramp(4)\nt += 1\nx = x + t"
    assert reason_for(changes).startswith("changes the result that ramp remembers, which lasts")
