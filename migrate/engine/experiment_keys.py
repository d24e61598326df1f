"""What becomes of the config keys of a YAML experiment: the rules for Python, said in YAML.

Verdict        the outcome of one key, and the entries that stand in its place
decide_config  the verdicts of one config
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlmigrate.migrate.configs.consumers import SUPPORTED
from rlmigrate.migrate.configs.decision import Decision
from rlmigrate.migrate.configs.dict_chain import decide_entries
from rlmigrate.migrate.configs.dict_parts import parts_of
from rlmigrate.migrate.configs.loose import TRANSLATED
from rlmigrate.migrate.configs.required import misfit
from rlmigrate.migrate.configs.writing import Piece, write
from rlmigrate.migrate.engine.experiment_text import plain
from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.index.reader import read_file
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

#: Keys of the old dict that a config of today still takes when it is updated from a dict.
TAKEN = TRANSLATED - {"num_workers"} | {"env", "env_config", "callbacks", "input", "output"}
#: Where a dict, which knows no builder methods, sets what rl_module(model_config=) sets.
MODEL = "_model_config"
#: Keys that are names of a config's attributes, which no argument has.
OF_TODAY = frozenset({MODEL, "framework_str", "lambda_", "input_", "callbacks_class"})
#: Algorithms that went, and the one that their keys are read for.
KIN = {
    "APEX": "DQN",
    "R2D2": "DQN",
    "SimpleQ": "DQN",
    "A2C": "PPO",
    "A3C": "IMPALA",
    "DDPPO": "PPO",
}
UNKNOWN = "no argument of the config builder is known for it"


@dataclass(frozen=True)
class Verdict:
    """One key: with `entries` None it stays as it is, else these stand in its place.

    An entry's value is None where the key's own value is kept.
    """

    outcome: Outcome
    message: str
    entries: Mapping[str, Any] | None = None


class Same:
    """The value of an entry that keeps what is written."""


def decide_config(
    algorithm: str, config: Mapping[str, Any], index: RepoIndex, settings: Settings, *, way: str
) -> dict[str, Verdict]:
    """Decide on each key; keys of today have no verdict.

    `way` says what to do where YAML cannot say it.
    """
    config = {k: v for k, v in config.items() if isinstance(k, str) and k not in OF_TODAY}
    text = "CONFIG = {\n" + "".join(f"    {plain(k)}: {plain(v)},\n" for k, v in config.items())
    script = SourceFile.from_text(text + "}\n", Path("experiment.py"))
    entry = read_file(script, module="experiment", path=script.path, mentions_rllib=True)
    extended = dataclasses.replace(
        index,
        files={**index.files, script.path: entry},
        texts={**index.texts, script.path: script.raw},
    )
    context = FileContext(script, extended, settings)
    assigned = script.tree.body[0]
    assert isinstance(assigned, ast.Assign)
    parts = parts_of(context, assigned.value) or []
    decisions = decide_entries(context, parts, algorithm=KIN.get(algorithm, algorithm))
    found: dict[str, Verdict] = {}
    for part, decision in zip(parts, decisions, strict=True):
        key = part.entry.key or ""
        if algorithm not in SUPPORTED and UNKNOWN in decision.message:
            continue
        value = script.segment(part.entry.value)
        verdict = _verdict(key, value, decision, way)
        if verdict is not None:
            found[key] = verdict
    wrong = misfit({_name(key, found): value for key, value in config.items()})
    if wrong is not None and algorithm == "PPO":
        found["rollout_fragment_length"] = Verdict(Outcome.MANUAL, wrong)
    return _once(config, found)


def _name(key: str, found: Mapping[str, Verdict]) -> str:
    """What a key is called in the end."""
    entries = found[key].entries if key in found else None
    return next(iter(entries)) if entries and len(entries) == 1 else key


def _once(config: Mapping[str, Any], found: dict[str, Verdict]) -> dict[str, Verdict]:
    """Let a schedule take the place of the constant beside it; what else is given twice stays."""
    for key, verdict in list(found.items()):
        twice = [name for name in verdict.entries or () if name != key and name in config]
        if twice and key == f"{twice[0]}_schedule":
            found[twice[0]] = Verdict(Outcome.NATIVE, f"{twice[0]} is the schedule beside it", {})
        elif twice:
            message = f"{key} is now {twice[0]}, which is given as well; keep one of them"
            found[key] = Verdict(Outcome.MANUAL, message)
    return found


def _verdict(key: str, value: str, decision: Decision, way: str) -> Verdict | None:
    if decision.outcome is Outcome.MANUAL:
        message = decision.message.partition(" (it was ")[0].partition("; set .rl_module(")[0]
        if decision.name in ("model", "custom_model") and "custom model" in message:
            message += f"; YAML cannot name a module class: {way}"
        return Verdict(Outcome.MANUAL, message)
    entries: dict[str, Any] = {}
    for gain in decision.gains:
        name = gain.name or gain.method
        if name == "rl_module_spec":
            return Verdict(Outcome.MANUAL, f"YAML cannot name a module class: {way}")
        if name == "model_config" and isinstance(gain.value, Piece):
            entries[MODEL] = {
                label.removesuffix("="): _literal(str(inner)) for label, inner in gain.value.items
            }
        elif isinstance(gain.value, Piece):
            entries[name] = _literal(write(gain.value))
        elif isinstance(gain.value, str) and gain.value == value:
            entries[name] = Same
        else:
            made = _literal(gain.value) if isinstance(gain.value, str) else Same
            if made is Same:
                return Verdict(Outcome.MANUAL, f"{key} has no place in YAML: {way}")
            entries[name] = made
    if key in TAKEN or entries == {key: Same} or (key == "framework" and value == '"torch"'):
        return None
    if MODEL in entries and key == "model":
        return Verdict(Outcome.NATIVE, f"the model dict is {MODEL} in a dict of today", entries)
    if not decision.gains:
        return Verdict(Outcome.NATIVE, decision.message, {})
    new = ", ".join(entries)
    return Verdict(Outcome.NATIVE, f"{key} is now {new} ({decision.gains[0].method}())", entries)


def _literal(text: str) -> Any:
    """Read a Python literal; Same where it is none."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError):
        return Same
