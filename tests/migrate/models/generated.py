"""Legacy models made by chance from the idioms that real repositories use.

Each choice is one that people made: how the constructor calls its bases, where a parameter comes
from, what forward reads and keeps, how the head and the value are written. Together they make
combinations that nobody thought of.

source_of   the text of a model, the names of its spaces, and its custom_model_config
"""

from __future__ import annotations

import random
import textwrap
from dataclasses import dataclass, field

IMPORTS = """\
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from ray.rllib.models.modelv2 import ModelV2
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork
from ray.rllib.models.torch.misc import SlimFC, normc_initializer
from ray.rllib.models.torch.recurrent_net import RecurrentNetwork
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from ray.rllib.policy.sample_batch import SampleBatch
from ray.rllib.utils.annotations import override
from ray.rllib.policy.rnn_sequencing import add_time_dimension
from ray.rllib.utils.torch_utils import FLOAT_MIN


def doubled(x, times=2.0):
    return x * times
"""


@dataclass
class Made:
    """A model's text; `observations` and `actions` name spaces of test_pairs."""

    text: str
    observations: str
    actions: str
    custom: dict[str, object]


@dataclass
class Draft:
    """The parts of a class while it is put together."""

    pick: random.Random
    build: list[str] = field(default_factory=list)  # statements of __init__
    steps: list[str] = field(default_factory=list)  # statements of forward
    value: list[str] = field(default_factory=list)  # statements of value_function
    methods: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)  # parameters of __init__ with their defaults
    custom: dict[str, object] = field(default_factory=dict)

    def one_of(self, *options: str) -> str:
        return self.pick.choice(options)

    def chance(self, share: float) -> bool:
        return self.pick.random() < share


def source_of(seed: int) -> Made:
    """Make one model; the same seed makes the same."""
    draft = Draft(random.Random(seed))
    recurrent = draft.chance(0.25)
    kinds = (
        ("box", "number", "numbers") if recurrent else ("box", "box", "dict", "masked", "number")
    )
    observations = draft.one_of(*kinds)
    actions = "discrete" if observations == "masked" else draft.one_of("discrete", "gauss", "multi")
    _width(draft)
    _read(draft, observations, recurrent=recurrent)
    _trunk(draft, recurrent=recurrent)
    _between(draft, recurrent=recurrent)
    _head(draft, observations, actions)
    _value(draft)
    return Made(_written(draft, recurrent=recurrent), observations, actions, draft.custom)


def _width(draft: Draft) -> None:
    """Where the width of the layers comes from."""
    kind = draft.one_of(
        "literal", "parameter", "keyword", "custom", "custom_get", "attribute", "hiddens", "local"
    )
    if kind == "parameter":
        draft.extra.append("width=8")
        if draft.chance(0.5):
            draft.custom["width"] = 6
    elif kind == "custom":
        draft.build.append('width = model_config["custom_model_config"]["width"]')
        draft.custom["width"] = 7
    elif kind == "custom_get":
        draft.build.append('width = model_config.get("custom_model_config", {}).get("width", 9)')
    elif kind == "attribute":
        draft.build += ["self.width = 5", "width = self.width"]
    elif kind == "hiddens":
        draft.build.append('width = model_config["fcnet_hiddens"][-1] // 32')
    elif kind == "local":
        draft.build += [
            'options = model_config["custom_model_config"]',
            'width = options.get("width", 4) if options else 8',
        ]
        draft.custom["width"] = 5
    elif kind == "keyword":
        draft.extra.append("*")
        draft.extra.append("width: int = 8")
    else:
        draft.build.append("width = 8")


def _read(draft: Draft, observations: str, *, recurrent: bool) -> None:
    """What forward reads, and the number of its features."""
    if recurrent:
        draft.build.append("size = int(np.prod(obs_space.shape))")
        draft.steps.append("x = inputs" if draft.chance(0.5) else "x = inputs.float()")
    elif observations == "dict" and draft.chance(0.6):
        draft.build += [
            "space = obs_space.original_space",
            'size = space["position"].shape[0] + space["room"].n',
        ]
        key = draft.one_of('"obs"', "SampleBatch.OBS")
        draft.steps += [
            f"obs = input_dict[{key}]",
            'x = torch.cat([obs["position"], obs["room"]], dim=1)',
        ]
    elif observations == "masked":
        draft.build.append('size = obs_space.original_space["position"].shape[0]')
        draft.steps += ['x = input_dict["obs"]["position"]']
    elif observations == "dict" or draft.chance(0.4):
        draft.build.append("size = int(np.prod(obs_space.shape))")
        draft.steps.append('x = input_dict["obs_flat"]' + draft.one_of("", ".float()"))
    else:
        draft.build.append(
            draft.one_of("size = obs_space.shape[0]", "size = self.obs_space.shape[0]")
        )
        draft.steps.append('x = input_dict["obs"]' + draft.one_of("", ".float()"))
    if not recurrent and draft.chance(0.2):
        draft.steps.append("x = x.reshape(x.shape[0], -1)")
    if draft.chance(0.2):
        draft.build.append("self.scale = 0.5")
        draft.steps.append("x = x * self.scale")


def _trunk(draft: Draft, *, recurrent: bool) -> None:
    """Layers between the input and the heads; `features` has `width` of them."""
    kind = draft.one_of("sequential", "slim", "loop", "method", "functional")
    activation = draft.one_of("ReLU", "Tanh")
    if kind == "slim":
        draft.build.append(
            f'self.trunk = SlimFC(size, width, activation_fn="{activation.lower()}",'
            " initializer=normc_initializer(1.0))"
        )
        draft.steps.append("features = self.trunk(x)")
    elif kind == "loop":
        draft.build += [
            "layers, last = [], size",
            "for _ in range(2):",
            f"    layers += [nn.Linear(last, width), nn.{activation}()]",
            "    last = width",
            "self.trunk = nn.Sequential(*layers)",
        ]
        draft.steps.append("features = self.trunk(x)")
    elif kind == "functional":
        draft.build += [
            "self.first = nn.Linear(size, width)",
            "self.second = nn.Linear(width, width)",
        ]
        name = "torch.tanh" if activation == "Tanh" else "F.relu"
        draft.steps += [f"x = {name}(self.first(x))", f"features = {name}(self.second(x))"]
    elif kind == "method":
        draft.build.append(f"self.trunk = nn.Sequential(nn.Linear(size, width), nn.{activation}())")
        draft.methods.append("def encode(self, x):\n    return self.trunk(x)")
        draft.steps.append("features = self.encode(x)")
    else:
        draft.build.append(f"self.trunk = nn.Sequential(nn.Linear(size, width), nn.{activation}())")
        draft.steps.append("features = self.trunk(x)")
    if recurrent:
        _cell(draft)


def _cell(draft: Draft) -> None:
    """A cell over the features, and its states."""
    if draft.chance(0.5):
        draft.build.append("self.cell = nn.LSTM(width, width, batch_first=True)")
        draft.steps += [
            "features, [h, c] = self.cell("
            "features, [torch.unsqueeze(state[0], 0), torch.unsqueeze(state[1], 0)])",
            "after = [torch.squeeze(h, 0), torch.squeeze(c, 0)]",
        ]
        count = 2
    else:
        draft.build.append("self.cell = nn.GRU(width, width, batch_first=True)")
        draft.steps += [
            "features, h = self.cell(features, state[0].unsqueeze(0))",
            "after = [h.squeeze(0)]",
        ]
        count = 1
    draft.build.append("self.state_size = width")
    zeros = draft.one_of(
        "np.zeros(self.state_size, np.float32)",
        "self.cell.weight_ih_l0.new_zeros(self.state_size)",
    )
    states = ", ".join([zeros] * count)
    draft.methods.append(f"@override(ModelV2)\ndef get_initial_state(self):\n    return [{states}]")


def _between(draft: Draft, *, recurrent: bool) -> None:
    """Statements that people write between the trunk and the heads."""
    for kind, share in (
        ("norm", 0.15),
        ("dropout", 0.1),
        ("residual", 0.15),
        ("local", 0.2),
        ("comprehension", 0.1),
        ("grad", 0.1),
        ("condition", 0.2),
        ("names", 0.2),
    ):
        if not draft.chance(share):
            continue
        if kind == "norm":
            draft.build.append("self.norm = nn.LayerNorm(width)")
            draft.steps.append("features = self.norm(features)")
        elif kind == "dropout":
            draft.build.append("self.dropout = nn.Dropout(0.5)")
            draft.steps.append("features = self.dropout(features)")
        elif kind == "residual":
            draft.build.append("self.more = nn.Linear(width, width)")
            draft.steps.append("features = features + torch.relu(self.more(features))")
        elif kind == "local":
            draft.steps.append(
                draft.one_of(
                    "features = doubled(features)",
                    "features = doubled(features, times=0.5)",
                    "features = (lambda y: y + 1.0)(features)",
                )
            )
        elif kind == "comprehension":
            draft.build.append(
                "self.many = nn.ModuleList([nn.Linear(width, width) for _ in range(3)])"
            )
            draft.steps.append(
                "features = torch.stack([one(features) for one in self.many]).sum(0)"
            )
        elif kind == "grad":
            draft.steps += [
                "with torch.no_grad():",
                "    shift = features.mean()",
                "features = features - shift",
            ]
        elif kind == "condition":
            draft.build.append(f"self.use_gate = {draft.one_of('True', 'False')}")
            draft.build += ["if self.use_gate:", "    self.gate = nn.Linear(width, width)"]
            draft.steps += [
                "if self.use_gate:",
                "    features = features * torch.sigmoid(self.gate(features))",
            ]
        elif not recurrent:  # names that the rewriting itself might want
            draft.steps += [
                "batch = features",
                "outs = batch + 0.25",
                "embeddings = outs",
                "features = embeddings",
            ]


def _head(draft: Draft, observations: str, actions: str) -> None:
    if actions == "gauss" and draft.chance(0.4):
        draft.build += [
            "self.head = nn.Linear(width, num_outputs // 2)",
            "self.log_std = nn.Parameter(torch.zeros(num_outputs // 2))",
        ]
        draft.steps += [
            "mean = self.head(features)",
            "logits = torch.cat([mean, self.log_std.expand_as(mean)], dim=-1)",
        ]
        return
    draft.build.append(
        draft.one_of(
            "self.head = nn.Linear(width, num_outputs)",
            "self.head = SlimFC(width, num_outputs, initializer=normc_initializer(0.01))",
            "self.head = nn.Linear(width, self.num_outputs)",
        )
    )
    draft.steps.append("logits = self.head(features)")
    if observations == "masked":
        draft.steps.append('mask = input_dict["obs"]["action_mask"]')
        draft.steps += draft.pick.choice(
            [
                ["logits = logits + torch.clamp(torch.log(mask), min=FLOAT_MIN)"],
                ["logits = torch.where(mask > 0, logits, torch.full_like(logits, FLOAT_MIN))"],
                ["logits = logits.masked_fill(mask == 0, -1e9)"],
                ["logits = logits + (1 - mask) * -1e10"],
            ]
        )
    if draft.chance(0.2):
        draft.steps += ["if self.training:", "    logits = logits * 1.0"]


def _value(draft: Draft) -> None:
    """How the value comes about."""
    kind = draft.one_of("stash", "early", "net", "two", "mean", "none", "keeps", "asked", "method")
    flat = draft.one_of(".reshape(-1)", ".view(-1)", ".squeeze(-1).reshape(-1)")
    if kind == "none":
        draft.value.append("return torch.zeros(self._rows)")
        draft.steps.append("self._rows = logits.reshape(-1, logits.shape[-1]).shape[0]")
        return
    if kind == "early":
        draft.build.append("self.critic = nn.Linear(width, 1)")
        draft.steps.append(f"self._value_out = self.critic(features){flat}")
        draft.value.append("return self._value_out")
    elif kind == "net":
        draft.build.append(
            "self.critic = nn.Sequential(nn.Linear(size, 4), nn.Tanh(), nn.Linear(4, 1))"
        )
        at = next(i for i, step in enumerate(draft.steps) if "x = " in step)
        draft.steps.insert(at + 1, "self._inputs = x")
        draft.value.append(f"return self.critic(self._inputs){flat}")
    elif kind == "mean":
        draft.build.append("self.critics = nn.ModuleList([nn.Linear(width, 1) for _ in range(2)])")
        draft.steps.append("self._features = features")
        draft.value += [
            "values = torch.stack([critic(self._features) for critic in self.critics])",
            f"return values.mean(0){flat}",
        ]
    elif kind == "two":
        draft.build.append("self.critic = nn.Linear(2 * width, 1)")
        draft.steps += ["self._features = features", "self._other = torch.tanh(features)"]
        draft.value += [
            "both = torch.cat([self._features, self._other], dim=-1)",
            f"return self.critic(both){flat}",
        ]
    elif kind == "asked":
        draft.build.append("self.critic = nn.Linear(width, 1)")
        draft.steps += ["self._features = features", "self._kept = self.value_function()"]
        draft.value.append(f"return self.critic(self._features){flat}")
    elif kind == "method":
        draft.build.append("self.critic = nn.Linear(width, 1)")
        draft.steps.append("self._features = features")
        draft.methods.append("def judge(self, features):\n    return self.critic(features)")
        draft.value += ["features = self._features", f"return self.judge(features){flat}"]
    elif kind == "keeps":
        draft.build += ["self.critic = nn.Linear(width, 1)", "self.seen = 0"]
        draft.steps += ["self.seen = self.seen + 1", "self._features = features"]
        draft.value.append(f"return self.critic(self._features){flat} + 0.0 * self.seen")
    else:
        draft.build += ["self.critic = nn.Linear(width, 1)", "self._features = None"]
        draft.steps.append("self._features = features")
        if draft.chance(0.5):
            draft.value.append('assert self._features is not None, "must call forward() first"')
        draft.value.append(f"return self.critic(self._features){flat}")


def _written(draft: Draft, *, recurrent: bool) -> str:
    base = "RecurrentNetwork" if recurrent else "TorchModelV2"
    names = "obs_space, action_space, num_outputs, model_config, name"
    bases = f"{base}, nn.Module"
    calls = draft.pick.choice(
        [
            [f"{base}.__init__(self, {names})", "nn.Module.__init__(self)"],
            ["nn.Module.__init__(self)", f"{base}.__init__(self, {names})"],
            ["nn.Module.__init__(self)", f"super().__init__({names})"],
            ["nn.Module.__init__(self)", f"super(Policy, self).__init__({names})"],
        ]
    )
    parameters = ["self", names, *draft.extra]
    if draft.chance(0.25):
        parameters.append("**kwargs")
    forward = (
        "forward_rnn(self, inputs, state, seq_lens)"
        if recurrent
        else ("forward(self, input_dict, state, seq_lens)")
    )
    after = "after" if recurrent else draft.one_of("state", "[]")
    lines = [f"def __init__({', '.join(parameters)}):", *_indented([*calls, *draft.build])]
    lines += ["", *(["@override(ModelV2)"] if draft.chance(0.3) and not recurrent else [])]
    lines += [f"def {forward}:", *_indented([*draft.steps, f"return logits, {after}"])]
    lines += ["", *(["@override(ModelV2)"] if draft.chance(0.3) else [])]
    lines += ["def value_function(self):", *_indented(draft.value)]
    for method in draft.methods:
        lines += ["", *method.split("\n")]
    return (
        f"{IMPORTS}\n\nclass Policy({bases}):\n" + textwrap.indent("\n".join(lines), "    ") + "\n"
    )


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]
