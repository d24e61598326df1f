"""The keys by which old configs described their replay buffer, one beside the other.

REPLAY        those keys
decide_buffer  one decision for each of them: together they are a replay_buffer_config
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

from rlmigrate.migrate.configs.decision import Decision, Gain
from rlmigrate.migrate.configs.literals import Entry
from rlmigrate.migrate.configs.special import constant
from rlmigrate.migrate.configs.writing import Piece, mapping
from rlmigrate.migrate.findings import Outcome

#: Keys that a buffer of today takes, and what it calls them.
NOW = {
    "buffer_size": "capacity",
    "prioritized_replay_alpha": "alpha",
    "prioritized_replay_beta": "beta",
}
#: Keys of the old buffers alone, with what became of them.
GONE = {
    "prioritized_replay_eps": "today's buffer adds no constant to priorities",
    "prioritized_replay_beta_annealing_timesteps": "today's buffer keeps beta constant",
    "final_prioritized_replay_beta": "today's buffer keeps beta constant",
    "beta_annealing_fraction": "today's buffer keeps beta constant",
    "replay_sequence_length": "set max_seq_len in the model's config",
    "replay_batch_size": "train_batch_size is what is drawn",
}
HARMLESS = {"replay_sequence_length": 1, "prioritized_replay_eps": 1e-6}
REPLAY = frozenset({*NOW, *GONE, "prioritized_replay"})

#: Size of the old buffers, and whether they were prioritized, unless the config said otherwise.
ASSUMED = {"DQN": (50_000, True), "SAC": (1_000_000, False), "CQL": (1_000_000, False)}
CODE = "RLM408"


def decide_buffer(
    entries: Sequence[tuple[Entry, ast.expr]],
    algorithm: str,
    segment: Callable[[ast.expr], str],
) -> Mapping[str, Decision]:
    """Decide on the buffer's keys among some entries, for algorithms that have a buffer."""
    own = {entry.key: (entry.value, node) for entry, node in entries if entry.key in REPLAY}
    if not own or algorithm not in ASSUMED:
        return {}
    found: dict[str, Decision] = {}
    given = {key: segment(value) for key, (value, _) in own.items() if key is not None}
    twice = any(entry.key == "replay_buffer_config" for entry, _ in entries)
    buffer = _buffer(given, algorithm)
    first = next((key for key in own if key not in GONE), None)
    for key, (value, node) in own.items():
        name = key or ""
        if name in GONE and constant(value) != HARMLESS.get(name, "never"):
            found[name] = _decision(name, node, f"{name} is gone: {GONE[name]}")
        elif name in GONE:
            found[name] = _decision(name, node, f'"{name}" is dropped: {GONE[name]}', ())
        elif twice or buffer is None:
            text = f"{name} belongs to training(replay_buffer_config=)"
            found[name] = _decision(name, node, text)
        else:
            gain = (Gain("training", "replay_buffer_config", buffer),) if name == first else ()
            text = f'"{name}" becomes training(replay_buffer_config=)'
            found[name] = _decision(name, node, text, gain)
    return found


def _buffer(given: Mapping[str, str], algorithm: str) -> Piece | None:
    """Describe the buffer; None where it is computed which one it is."""
    size, prioritized = ASSUMED[algorithm]
    said = given.get("prioritized_replay", str(prioritized))
    if said not in ("True", "False"):
        return None
    kind = "PrioritizedEpisodeReplayBuffer" if said == "True" else "EpisodeReplayBuffer"
    rows: list[tuple[str, Piece | str]] = [('"type": ', f'"{kind}"')]
    rows.append(('"capacity": ', given.get("buffer_size", str(size))))
    if said == "True":
        rows.append(('"alpha": ', given.get("prioritized_replay_alpha", "0.6")))
        rows.append(('"beta": ', given.get("prioritized_replay_beta", "0.4")))
    return mapping(rows)


def _decision(
    name: str, node: ast.expr, message: str, gains: tuple[Gain, ...] | None = None
) -> Decision:
    if gains is None:
        return Decision(CODE, name, Outcome.MANUAL, message, node)
    return Decision(CODE, name, Outcome.NATIVE, message, node, gains)
