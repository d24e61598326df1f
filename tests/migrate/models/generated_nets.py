"""Legacy models made by chance around RLlib's own nets, and around bases of their own.

source_of   the text of a model, the names of its spaces, and its custom_model_config
"""

from __future__ import annotations

import random
import textwrap
from dataclasses import dataclass, field

IMPORTS = """\
import copy
import numpy as np
import torch
from gymnasium.spaces import Box
from torch import nn
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork as TorchFC
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from ray.rllib.policy.sample_batch import SampleBatch
from ray.rllib.utils.torch_utils import FLOAT_MIN

SMALL = {"fcnet_hiddens": [5], "fcnet_activation": "relu"}
"""
NAMES = "obs_space, action_space, num_outputs, model_config, name"
FORWARD = "def forward(self, input_dict, state, seq_lens):"
VALUE = "def value_function(self):"


@dataclass
class Made:
    """A model's text; `observations` and `actions` name spaces of test_pairs."""

    text: str
    observations: str
    actions: str
    custom: dict[str, object] = field(default_factory=dict)


@dataclass
class Body:
    """Methods of a class while they are put together."""

    pick: random.Random
    methods: list[list[str]] = field(default_factory=list)

    def one_of(self, *options: str) -> str:
        return self.pick.choice(options)

    def chance(self, share: float) -> bool:
        return self.pick.random() < share

    def add(self, head: str, *statements: str) -> None:
        self.methods.append([head, *(f"    {each}" for each in statements)])

    def written(self, head: str) -> str:
        text = "\n\n".join("\n".join(method) for method in self.methods) or "pass"
        return f"\n\n{head}\n{textwrap.indent(text, '    ')}\n"


def source_of(seed: int) -> Made:
    """Make one model; the same seed makes the same."""
    return (heir, nested, family)[seed % 3](random.Random(seed))


def heir(pick: random.Random) -> Made:
    """A class that inherits from FullyConnectedNetwork."""
    body = Body(pick)
    extra = _heirs_constructor(body)
    kind = body.one_of("none", "after", "before", "parts", "spread")
    run = "super().forward(input_dict, state, seq_lens)"
    if kind == "after":
        more = ["logits = logits + self.extra(logits)"] if extra else []
        body.add(
            FORWARD,
            f"logits, state = {run}",
            *more,
            "logits = torch.clamp(logits, -10.0, 10.0)",
            "return logits, state",
        )
    elif kind == "before":
        body.add(
            FORWARD,
            'twice = {"obs_flat": input_dict["obs_flat"].float() * 2.0}'
            if body.chance(0.3)
            else 'given = input_dict["obs_flat"].float() * 2.0',
            'return super().forward({"obs_flat": input_dict["obs_flat"] * 2.0}, state, seq_lens)',
        )
    elif kind == "parts":
        body.add(
            FORWARD,
            'seen = input_dict["obs_flat"].float() + 1.0',
            'out, _ = super().forward({"obs": seen, "obs_flat": seen}, state, seq_lens)',
            "return out, []",
        )
    elif kind == "spread":
        body.add(FORWARD, f"out, _ = {run}", "return torch.where(out > 0, out, out * 0.1), []")
    value = body.one_of("none", "none", "same", "half", "checked")
    if value == "same":
        body.add(VALUE, "return super().value_function()")
    elif value == "half":
        body.add(VALUE, "return super().value_function() * 0.5")
    elif value == "checked":
        body.add(VALUE, "value = super().value_function()", "return value.reshape(-1)")
    bases = body.one_of("FullyConnectedNetwork", "TorchFC", "FullyConnectedNetwork, nn.Module")
    observations = body.one_of("box", "dict", "number", "tuple")
    actions = body.one_of("discrete", "gauss", "multi")
    return Made(IMPORTS + body.written(f"class Policy({bases}):"), observations, actions)


def _heirs_constructor(body: Body) -> bool:
    """Add a constructor, or none; says whether it adds a layer."""
    style = body.one_of("keywords", "names", "starred", "config", "none")
    if style == "none":
        return False
    signature = {"keywords": f"self, {NAMES}, **kwargs", "starred": "self, *args, **kwargs"}
    call = body.one_of(f"super().__init__({NAMES})", f"super(Policy, self).__init__({NAMES})")
    statements = [call if style != "starred" else "super().__init__(*args, **kwargs)"]
    if style == "config":
        change = body.one_of(
            'model_config["fcnet_hiddens"] = [7]', 'model_config.update(fcnet_activation="relu")'
        )
        statements.insert(0, change)
    extra = body.chance(0.5)
    if extra:
        statements.append("self.extra = nn.Linear(self.num_outputs, self.num_outputs)")
    body.add(f"def __init__({signature.get(style, f'self, {NAMES}')}):", *statements)
    return extra


def nested(pick: random.Random) -> Made:
    """A model that holds nets of RLlib, with configs of their own."""
    body = Body(pick)
    observations = body.one_of("box", "dict", "masked")
    whole = observations == "box"
    part = "obs_space" if whole else 'obs_space.original_space["position"]'
    read = 'input_dict["obs"]' if whole else 'input_dict["obs"]["position"]'
    size = body.one_of("num_outputs", "num_outputs", "int(num_outputs)", "8")
    build = [
        f"TorchModelV2.__init__(self, {NAMES})",
        "nn.Module.__init__(self)",
        "smaller = copy.deepcopy(model_config)",
        'smaller["fcnet_hiddens"] = [6]',
    ]
    config = body.one_of("model_config", '{**model_config, "fcnet_hiddens": [6, 6]}', "smaller")
    build.append(f'self.net = TorchFC({part}, action_space, {size}, {config}, name + "_net")')
    given = body.one_of("{'obs': %s}", "{'obs': %s, 'obs_flat': %s}", "{SampleBatch.OBS: %s}")
    given = given.replace("%s", read)
    steps = [f"out, _ = self.net({given})"]
    if whole and body.chance(0.4):
        steps = ["out, _ = self.net(input_dict, state, seq_lens)"]
    if size == "8":
        build.append("self.head = nn.Linear(8, num_outputs)")
        steps.append("logits = self.head(torch.relu(out))")
    else:
        steps.append("logits = out")
    if observations == "masked":
        steps.append('mask = torch.log(input_dict["obs"]["action_mask"])')
        steps.append("logits = logits + torch.clamp(mask, min=FLOAT_MIN)")
    values = body.one_of("net", "second", "kept", "helper")
    if values == "net":
        value = "return self.net.value_function()"
    elif values == "second":
        config = body.one_of("model_config", "SMALL", "smaller")
        build.append(f'self.critic = TorchFC({part}, action_space, 1, {config}, name + "_vf")')
        steps.append(f"self._value, _ = self.critic({given})")
        value = "return self._value.reshape(-1)"
    else:
        build.append("self.critic = nn.Linear(num_outputs, 1)")
        steps.append("self._last = logits" if values == "kept" else "logits = self.keep(logits)")
        if values == "helper":
            body.add("def keep(self, x):", "self._last = x + 1.0", "return x")
        value = "return self.critic(self._last).squeeze(1)"
    body.add(f"def __init__(self, {NAMES}, **kwargs):", *build)
    body.add(FORWARD, *steps, f"return logits, {body.one_of('state', '[]')}")
    body.add(VALUE, value)
    actions = "discrete" if observations == "masked" else body.one_of("discrete", "gauss")
    text = IMPORTS + body.written("class Policy(TorchModelV2, nn.Module):")
    return Made(text, observations, actions)


def family(pick: random.Random) -> Made:
    """A base of the repository that holds forward, and an heir that changes one of its hooks."""
    base, child = Body(pick), Body(pick)
    hook = base.chance(0.5)
    trunk = "self.trunk = nn.Linear(self.size, 6)"
    base.add(
        f"def __init__(self, {NAMES}, **kwargs):",
        "nn.Module.__init__(self)",
        f"super().__init__({NAMES})",
        "self.size = int(np.prod(obs_space.shape))",
        "self.make_layers()" if hook else trunk,
        "self.head = nn.Linear(6, num_outputs)",
        "self.critic = nn.Linear(6, 1)",
    )
    if hook:
        base.add("def make_layers(self):", base.one_of("raise NotImplementedError", trunk))
        layers = "self.trunk = nn.Sequential(nn.Linear(self.size, 6), nn.Tanh())"
        child.add("def make_layers(self):", layers)
    base.add("def encode(self, x):", "return torch.relu(self.trunk(x))")
    base.add("def decode(self, features):", "return self.head(features)")
    base.add(
        FORWARD,
        'self._features = self.encode(input_dict["obs_flat"].float())',
        "return self.decode(self._features), state",
    )
    base.add(VALUE, "return self.critic(self._features).squeeze(1)")
    _childs_change(child)
    text = IMPORTS + base.written("class Base(TorchModelV2, nn.Module):")
    text += child.written("class Policy(Base):")
    return Made(text, base.one_of("box", "dict", "number"), base.one_of("discrete", "gauss"))


def _childs_change(child: Body) -> None:
    kind = child.one_of("constructor", "encode", "decode", "forward", "value", "none")
    if kind == "constructor":
        child.add(
            f"def __init__(self, {NAMES}, **kwargs):",
            f"super().__init__({NAMES}, **kwargs)",
            "self.more = nn.Linear(6, 6)",
        )
        child.add("def encode(self, x):", "return torch.tanh(self.more(super().encode(x)))")
    elif kind == "encode":
        child.add("def encode(self, x):", "return super().encode(x) * 2.0")
    elif kind == "decode":
        child.add("def decode(self, features):", "return torch.tanh(self.head(features))")
    elif kind == "forward":
        run = "out, state = super().forward(input_dict, state, seq_lens)"
        child.add(FORWARD, run, "return out * 0.5, state")
    elif kind == "value":
        child.add(VALUE, "return super().value_function() + 1.0")
