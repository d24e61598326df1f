"""Every argument of a config builder that was ever renamed, written for every supported release.

The rows are those of the table of eras, which is held to Ray's wheels: what comes out must be an
argument that the release has, as more than a shim, or carry a marker.
"""

from __future__ import annotations

import ast
import re

import pytest

from rlmigrate import eras
from rlmigrate.migrate.configs.keys import HOME, OLD, SINCE, home_in
from rlmigrate.migrate.engine.rounds import rewrite
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.rules.registry import selected
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

CONFIG = "ray.rllib.algorithms.algorithm_config.AlgorithmConfig."
ARGUMENT = re.compile(re.escape(CONFIG) + r"(\w+)\((\w+)=\)")
ROWS = sorted(
    found.groups()
    for name, row in eras.names().items()
    if row.kind == "argument" and row.old and (found := ARGUMENT.fullmatch(name))
)
#: Arguments of which a wrong value would be refused before anything is renamed.
VALUES = {"policies": '{"a"}', "policy_mapping_fn": "lambda a, *b, **c: a"}


def written(text: str, target: str) -> str:
    settings = Settings(ray_version=target)
    index = RepoIndex.of_texts({"module.py": text}, settings)
    source = SourceFile.from_text(text, "module.py")
    done = rewrite(source, index, settings, selected(settings))
    assert done.error is None
    return (done.after or done.before).decode()


def arguments(text: str) -> list[tuple[str, str]]:
    return [
        (call.func.attr, keyword.arg)
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        for keyword in call.keywords
        if keyword.arg
    ]


def lives(method: str, name: str, target: str) -> bool:
    """Whether a release takes an argument, by the table; by the builder's of today otherwise."""
    row = eras.resolve(f"{CONFIG}{method}({name}=)")
    if row is not None:
        return row.alive_in(target)
    kept = (method, name, target) == ("env_runners", "remote_worker_envs", "2.40")
    return kept or home_in(name, target) == method


def test_there_are_rows() -> None:
    assert len(ROWS) > 50
    assert set(SINCE) <= set(HOME)


@pytest.mark.parametrize("target", eras.TARGETS)
def test_arguments_that_were_renamed(target: str) -> None:
    wrong = []
    for method, old in ROWS:
        if method not in HOME.values() and method not in ("rollouts", "exploration"):
            continue
        value = VALUES.get(old, "2")
        head = "from ray.rllib.algorithms.ppo import PPOConfig\n\n"
        text = written(f"{head}config = PPOConfig().{method}({old}={value})\n", target)
        if "TODO(rlmigrate" not in text:
            wrong += [(method, old, *it) for it in arguments(text) if not lives(*it, target)]
    assert not wrong


@pytest.mark.parametrize("target", eras.TARGETS)
def test_keys_of_dicts(target: str) -> None:
    """The same for dicts, with every key that is known."""
    wrong = []
    for key in sorted({*OLD, *HOME}):
        text = written(f'from ray import tune\n\ntune.run("PPO", config={{"{key}": 2}})\n', target)
        if "TODO(rlmigrate" not in text:
            told = [it for it in arguments(text) if it[0] in HOME.values()]
            wrong += [(key, *it) for it in told if it[1] in SINCE and not lives(*it, target)]
    assert not wrong
