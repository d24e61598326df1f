"""RLlib's LSTM and attention nets around a model, where a config names both.

WRAPPERS        the settings, what the wrapped class is called after, and its base
with_wrappers   which of them stand around a class
wrapped_name    the class that stands for a model inside one of them
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rlmigrate.migrate.index.configured import (
    PREVIOUS,
    likely_with,
    models_with,
    named_with,
)
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.understanding.facts import ModelFacts, Problem

#: By setting: the end of the name, and the base in the layers file.
WRAPPERS: Mapping[str, tuple[str, str]] = {
    "use_lstm": ("WithLSTM", "LSTMWrapper"),
    "use_attention": ("WithAttention", "AttentionWrapper"),
}


def wrapped_name(model: str, setting: str) -> str:
    """Name the subclass that a config trains which sets `setting`.

    >>> wrapped_name("Encoder", "use_lstm")
    'EncoderWithLSTM'
    """
    return model + WRAPPERS[setting][0]


def with_wrappers(index: RepoIndex, facts: ModelFacts) -> ModelFacts:
    """Say of a torch model which of them stand around it, and what no subclass can say of it."""
    named = [s for s in WRAPPERS if facts.qualified in named_with(index, s)]
    likely = [s for s in WRAPPERS if facts.qualified in likely_with(index, s)]
    against = {
        "has memory of its own": bool(facts.states) or facts.sequential,
        "shares bases with other models": bool(facts.family),
        "extends a net of RLlib": bool(facts.net_base),
        "is trained with DQN": facts.q_model,
        "takes arguments that RLlib's wrappers never hand on": bool(facts.parameters),
        "has a loss of its own": facts.loss is not None,
        "is asked by its action distribution": bool(facts.action_dist.asks),
    }
    found = tuple(named if any(against.values()) else dict.fromkeys([*named, *likely]))
    if not found:
        return replace(facts, in_doubt=facts.qualified in models_with(index, *WRAPPERS))
    problems = [
        Problem(facts.line, f"is put into RLlib's LSTM or attention wrapper by a config, and {why}")
        for why, holds in against.items()
        if holds
    ]
    return replace(
        facts,
        wrappers=found,
        looks_back=facts.qualified in models_with(index, *PREVIOUS),
        problems=tuple(sorted([*facts.problems, *problems])),
    )
