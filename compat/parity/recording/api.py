"""record and compare, for use from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import gymnasium as gym

from rlmigrate.compat.parity.cases import Case, CaseOptions, plan_cases
from rlmigrate.compat.parity.check import compare_sides
from rlmigrate.compat.parity.judge import NOISE_LIMIT
from rlmigrate.compat.parity.model_configs import new_model_config as default_model_config
from rlmigrate.compat.parity.recording.format import Recording, load, record_side, save
from rlmigrate.compat.parity.recording.recorded import RecordedSide
from rlmigrate.compat.parity.results import ParityReport
from rlmigrate.compat.parity.space_text import read_space, write_space


def record(
    old: object,
    path: str | Path | None = None,
    *,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    model_config: Mapping[str, Any] | None = None,
    cases: Sequence[Case] | None = None,
    seed: int = 0,
    role: Literal["policy", "dqn", "sac"] = "policy",
) -> Recording:
    """Run an old model over cases and keep inputs, weights and outputs; write them to `path`.

    `old` is a legacy torch model, a Policy, or a legacy class, which is built with seeded weights
    as the algorithm of `role` did.
    """
    from rlmigrate.compat.parity.sides import building

    config = dict(model_config or {})
    side = building.legacy_side(
        old,
        observation_space=observation_space,
        action_space=action_space,
        model_config=config,
        seed=seed,
        role=role,
    )
    if cases is None:
        options = CaseOptions(seed=seed, state_sizes=side.state_sizes, columns=side.columns)
        cases = plan_cases(observation_space, action_space, options=options)
    recording = record_side(
        side,
        cases,
        observation_space=write_space(observation_space),
        action_space=write_space(action_space),
        model_config=config,
        segments=side.segments,
    )
    if path is not None:
        save(recording, Path(path))
    return recording


def compare(
    recording: str | Path | Recording,
    new: object,
    *,
    model_config: Mapping[str, Any] | None = None,
    mapping: Mapping[str, str] | None = None,
    allow_unmatched: Sequence[str] = (),
    limit: float = NOISE_LIMIT,
    name: str | None = None,
) -> ParityReport:
    """Compare a recording with an RLModule, or with its class, built with the recorded weights.

    Raises:
        UsageError: the file is no recording, or `new` no RLModule.
    """
    from rlmigrate.compat.parity.sides import building

    path = None if isinstance(recording, Recording) else Path(recording)
    loaded = recording if isinstance(recording, Recording) else load(Path(recording))
    old = RecordedSide(loaded, path=path)
    config = model_config if model_config is not None else default_model_config(loaded.model_config)
    side = building.module_side(
        new,
        observation_space=read_space(loaded.observation_space),
        action_space=read_space(loaded.action_space),
        model_config=config,
    )
    if isinstance(new, type):
        mapping = side.adopt(old.parameters(), mapping)
    result = compare_sides(
        old,
        side,
        loaded.cases,
        name=name or side.label,
        prefix=side.prefix,
        mapping=mapping,
        allow_unmatched=allow_unmatched,
        limit=limit,
        localise=True,
        gradients=bool(loaded.gradients),
        segments=old.segments,
        notes=old.gaps(),
    )
    return ParityReport((result,), {"limit": f"{limit:g}"})
