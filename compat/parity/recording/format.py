"""The recording file.

An .npz without object arrays. `manifest` is JSON as bytes: class, spaces, config, facts, the
names of parameters, and for each case its inputs, outputs and float64 outputs as keys of the
other arrays. The emitted recorder writes the same without importing rlmigrate.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.gradients import after_step
from rlmigrate.compat.parity.processes import wire
from rlmigrate.compat.parity.processes.wire import Arrays
from rlmigrate.compat.parity.sides.base import Precision, Run, Side
from rlmigrate.errors import UsageError

FORMAT = "rlmigrate recording 1"


@dataclass(frozen=True)
class Recording:
    """What an old model was given and gave.

    Layers, gradients and the outputs after an optimiser step are there of the case `studied` only;
    "" where they are not recorded.
    """

    label: str
    observation_space: str
    action_space: str
    model_config: Mapping[str, Any]
    facts: Mapping[str, str]
    state_sizes: tuple[tuple[int, ...], ...]
    segments: tuple[tuple[int, int], ...]
    parameters: Mapping[str, Array]
    trainable: frozenset[str]
    cases: tuple[Case, ...]
    runs: Mapping[str, Run]
    wide_runs: Mapping[str, Run] = field(default_factory=dict)
    studied: str = ""
    gradients: Mapping[str, Array | None] = field(default_factory=dict)
    wide_gradients: Mapping[str, Array | None] = field(default_factory=dict)
    step: Mapping[str, Array] = field(default_factory=dict)
    wide_step: Mapping[str, Array] = field(default_factory=dict)


def record_side(
    side: Side,
    cases: Sequence[Case],
    *,
    observation_space: str,
    action_space: str,
    model_config: Mapping[str, Any],
    segments: Any = None,
) -> Recording:
    """Run a side over cases, in float32 and, where it can, in float64."""
    runs: dict[str, Run] = {}
    wide: dict[str, Run] = {}
    rich = max(cases, key=Case.richness)
    with side.session():
        for case in cases:
            runs[case.name] = side.run(case, layers=case is rich)
            try:
                wide[case.name] = side.run(case, precision="float64", layers=case is rich)
            except Exception:
                continue
        parameters = side.parameters()
        gradients = _gradients(side, rich, "float32")
        wide_gradients = _gradients(side, rich, "float64")
        steps = [_step(side, rich, precision) for precision in ("float32", "float64")]
    logits = [run.outputs["dist_inputs"] for run in runs.values() if "dist_inputs" in run.outputs]
    width = logits[0].shape[-1] if logits else 0
    return Recording(
        side.label,
        observation_space,
        action_space,
        dict(model_config),
        dict(side.facts()),
        side.state_sizes,
        tuple(segments(width)) if segments else (),
        parameters,
        side.trainable(),
        tuple(cases),
        runs,
        wide,
        rich.name,
        gradients,
        wide_gradients,
        *steps,
    )


def _gradients(side: Side, case: Case, precision: Precision) -> Mapping[str, Array | None]:
    try:
        return side.gradients(case, precision=precision).values
    except Exception:  # the user's own code may raise anything; then there are none to compare
        return {}


def _step(side: Side, case: Case, precision: Precision) -> Mapping[str, Array]:
    try:
        return after_step(side, case, precision)
    except Exception:  # the user's own code may raise anything; then there is none to compare
        return {}


def save(recording: Recording, path: Path) -> None:
    """Write a recording."""
    arrays = Arrays()
    manifest = {
        "format": FORMAT,
        "label": recording.label,
        "observation_space": recording.observation_space,
        "action_space": recording.action_space,
        "model_config": recording.model_config,
        "facts": recording.facts,
        "state_sizes": recording.state_sizes,
        "segments": recording.segments,
        "parameters": wire.pack_named(recording.parameters, arrays),
        "trainable": sorted(recording.trainable),
        "cases": [wire.pack_case(case, arrays) for case in recording.cases],
        "runs": {name: wire.pack_run(run, arrays) for name, run in recording.runs.items()},
        "wide_runs": {
            name: wire.pack_run(run, arrays) for name, run in recording.wide_runs.items()
        },
        "studied": recording.studied,
        "gradients": wire.pack_named(recording.gradients, arrays),
        "wide_gradients": wire.pack_named(recording.wide_gradients, arrays),
        "step": wire.pack_named(recording.step, arrays),
        "wide_step": wire.pack_named(recording.wide_step, arrays),
    }
    text = json.dumps(manifest, default=str).encode()
    arrays.values["manifest"] = np.frombuffer(text, dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays.save(path)


def load(path: Path) -> Recording:
    """Read a recording; runs nothing from it.

    Raises:
        UsageError: the file is no recording, or of another version.
    """
    try:
        arrays = Arrays.load(path)
        manifest = json.loads(arrays.values["manifest"].tobytes())
        if manifest["format"] != FORMAT:
            raise UsageError(f"{path} is a {manifest['format']!r}; expected {FORMAT!r}")
        return _recording(manifest, arrays)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} is no recording ({type(error).__name__}: {error}); "
            "make one with `rlmigrate record`, or with the file that `record --emit` writes"
        ) from error


def _recording(manifest: Mapping[str, Any], arrays: Arrays) -> Recording:
    def runs(packed: Mapping[str, Any]) -> dict[str, Run]:
        return {
            name: wire.unpack_run({"layers": {}, **run}, arrays) for name, run in packed.items()
        }

    return Recording(
        manifest["label"],
        manifest["observation_space"],
        manifest["action_space"],
        manifest["model_config"],
        manifest["facts"],
        tuple(tuple(shape) for shape in manifest["state_sizes"]),
        tuple((a, b) for a, b in manifest["segments"]),
        wire.present(wire.unpack_named(manifest["parameters"], arrays)),
        frozenset(manifest["trainable"]),
        tuple(wire.unpack_case(case, arrays) for case in manifest["cases"]),
        runs(manifest["runs"]),
        runs(manifest["wide_runs"]),
        manifest.get("studied", ""),
        wire.unpack_named(manifest.get("gradients", {}), arrays),
        wire.unpack_named(manifest.get("wide_gradients", {}), arrays),
        *(
            wire.present(wire.unpack_named(manifest.get(name, {}), arrays))
            for name in ("step", "wide_step")
        ),
    )
