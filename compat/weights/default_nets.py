"""Names of RLlib's default nets in the old stack and in DefaultPPOTorchRLModule.

Fully connected and LSTM nets compute the same after this renaming. Vision nets do where the
new one is built with the old one's filters and padding (Ray 2.60 pads differently by default).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from rlmigrate.compat.weights.dqn_net import dqn_net_pairs, unused_in_dqn
from rlmigrate.compat.weights.layouts import Layout

# Buffers that only the new heads have (since Ray 2.38); they hold a constant.
KEPT = re.compile(r"(^|\.)(pi|vf|af|qf|qf_twin)\.log_std_clip_param_const$")
FIRST_LAYER = re.compile(r"^(_hidden_layers|_value_branch_separate)\.0\._model\.\d+\.weight$")

Arrays = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class DefaultNetMap:
    """Pairs (old name, new name, layouts), and the old names that the old net never used."""

    pairs: tuple[tuple[str, str, tuple[Layout, ...]], ...]
    unused: frozenset[str]


def default_net_map(old: Arrays, new: Arrays) -> DefaultNetMap | None:
    """Map a default ModelV2's parameters to a default module's.

    Returns None unless `new` has the names of a default module, PPO's or DQN's.
    """
    if (dqn := dqn_net_pairs(old, new)) is not None:
        known = tuple((source, target, ()) for source, target in dqn if target in new)
        return DefaultNetMap(known, unused_in_dqn(old))
    if "pi.net.mlp.0.weight" not in new or not any(name.startswith("encoder.") for name in new):
        return None
    shared = any(name.startswith("encoder.encoder.") for name in new)
    actor = "encoder.encoder" if shared else "encoder.actor_encoder"
    critic = "encoder.critic_encoder"
    unused: frozenset[str] = frozenset()
    if any(name.startswith("lstm.") for name in old):
        pairs = _layers(old, "_hidden_layers", new, f"{actor}.tokenizer.net.mlp", ndim=2)
        pairs += [(name, f"{actor}.{name}") for name in old if name.startswith("lstm.")]
        pairs += _head(old, "_logits_branch", "pi.net.mlp.0")
        # The wrapped net's own value layers: built, and never called by LSTMWrapper.
        unused = frozenset(name for name in old if name.startswith("_value_branch_separate."))
    else:
        pairs = _layers(old, "_hidden_layers", new, f"{actor}.net.mlp", ndim=2)
        pairs += _layers(old, "_convs", new, f"{actor}.net.0.cnn", ndim=4)
        pairs += _layers(old, "_value_branch_separate", new, f"{critic}.net.mlp", ndim=2)
        pairs += _layers(old, "_value_branch_separate", new, f"{critic}.net.0.cnn", ndim=4)
        pairs += _head(old, "_logits", "pi.net.mlp.0")
    pairs += _head(old, "_value_branch", "vf.net.mlp.0") or _last_value_layer(old)
    pairs.append(("_append_free_log_std.log_std", "pi.log_std"))
    return DefaultNetMap(
        tuple(
            (source, target, _head_layout(old[source], new[target]))
            for source, target in pairs
            if source in old and target in new
        ),
        unused,
    )


def _head_layout(source: torch.Tensor, target: torch.Tensor) -> tuple[Layout, ...]:
    """Let a 1x1 convolution, which the old vision net ends in, become a linear layer."""
    return ("drop_1x1",) if source.ndim == 4 and target.ndim == 2 else ()


def _layers(
    old: Arrays, old_stack: str, new: Arrays, new_stack: str, *, ndim: int
) -> list[tuple[str, str]]:
    """Pair the layers of two stacks in order: the n-th weight with the n-th weight."""
    sources = _weights(old, rf"{re.escape(old_stack)}\.(\d+)\._model\.\d+\.weight", ndim)
    targets = _weights(new, rf"{re.escape(new_stack)}\.(\d+)\.weight", ndim)
    return [
        (f"{source}.{part}", f"{target}.{part}")
        for source, target in zip(sources, targets, strict=False)
        for part in ("weight", "bias")
    ]


def _weights(names: Arrays, pattern: str, ndim: int) -> list[str]:
    found = [
        (int(match[1]), name.removesuffix(".weight"))
        for name, value in names.items()
        if (match := re.fullmatch(pattern, name)) and value.ndim == ndim
    ]
    return [name for _, name in sorted(found)]


def _head(old: Arrays, branch: str, target: str) -> list[tuple[str, str]]:
    pattern = re.compile(rf"{branch}\._model\.\d+\.(weight|bias)")
    return [(name, f"{target}.{match[1]}") for name in old if (match := pattern.fullmatch(name))]


def _last_value_layer(old: Arrays) -> list[tuple[str, str]]:
    """Take the last layer of a separate value stack for the head, as in vision nets."""
    stack = _weights(old, r"_value_branch_separate\.(\d+)\._model\.\d+\.weight", 4)
    return [(f"{last}.{p}", f"vf.net.mlp.0.{p}") for last in stack[-1:] for p in ("weight", "bias")]
