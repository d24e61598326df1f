"""Which environments a repository trains on, as far as its source says.

environment_of      what one call or dict says
trained_in          the model that one chain of calls or dict trains, and where
registered_class    the class behind a name given to register_env
is_plain            whether an environment of a repository has only such observations
class_on_disk       a class of a file that has nothing of RLlib, as environments' files often have
roots_of            the folders that files are imported from
has_plain_boxes     whether observations of an environment surely reach a model as they are
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from rlmigrate.errors import SourceError
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.tree import nodes_in

if TYPE_CHECKING:  # which needs this module itself
    from rlmigrate.migrate.index.entries import FileEntry
    from rlmigrate.migrate.index.repo import RepoIndex

#: Stands for an environment that only a run of the code would tell.
UNKNOWN = "?"

#: Environments of gymnasium whose observations are Boxes that no preprocessor changed.
PLAIN = re.compile(
    r"(CartPole|Pendulum|MountainCar(Continuous)?|Acrobot|LunarLander(Continuous)?|CarRacing"
    r"|BipedalWalker(Hardcore)?|Ant|HalfCheetah|Hopper|Humanoid(Standup)?|InvertedPendulum"
    r"|InvertedDoublePendulum|Pusher|Reacher|Swimmer|Walker2d)-v\d+"
)

#: Shapes that the old stack took for an Atari's memory and screen.
ATARI = ((128,), (210, 160, 3))


def roots_of(files: Iterable[FileEntry]) -> tuple[Path, ...]:
    """Folders that the imports of files start from, each once."""
    found: dict[Path, None] = {}
    for file in files:
        depth = file.module.count(".") + (file.path.name == "__init__.py")
        found[file.path.parents[min(depth, len(file.path.parents) - 1)]] = None
    return tuple(found)


def environment_of(node: ast.Call | ast.Dict) -> ast.expr | None:
    """The expression that names an environment for RLlib; None where nothing does."""
    if isinstance(node, ast.Dict):
        return _item(node, "env")
    for keyword in node.keywords:
        if keyword.arg == "env":
            return keyword.value
    named = isinstance(node.func, ast.Attribute) and node.func.attr == "environment"
    return node.args[0] if named and node.args else None


def trained_in(node: ast.Call | ast.Dict) -> tuple[ast.Dict, ast.expr] | None:
    """The model dict and the environment of one config, where both stand in one expression."""
    model: ast.expr | None = None
    environment: ast.expr | None = None
    if isinstance(node, ast.Dict):
        environment = environment_of(node)
        model = _item(node, "model")
    elif isinstance(node.func, ast.Attribute) and node.func.attr in {"environment", "training"}:
        step: ast.expr = node  # the later of the two; the chain goes back from it
        while isinstance(step, ast.Call) and isinstance(step.func, ast.Attribute):
            if step.func.attr == "environment":
                environment = environment or environment_of(step)
            elif step.func.attr == "training":
                model = model or next((k.value for k in step.keywords if k.arg == "model"), None)
            step = step.func.value
    if isinstance(model, ast.Dict) and environment is not None and _item(model, "custom_model"):
        return model, environment
    return None


def _item(node: ast.Dict, name: str) -> ast.expr | None:
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and key.value == name:
            return value
    return None


def registered_class(node: ast.Call) -> tuple[str, ast.expr] | None:
    """The name and the class in `register_env(name, lambda config: Class(...))`."""
    called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
    called = called.id if isinstance(called, ast.Name) else called
    if called != "register_env" or len(node.args) != 2:
        return None
    name, maker = node.args
    made = maker.body if isinstance(maker, ast.Lambda) else maker
    made = made.func if isinstance(made, ast.Call) else made
    plain = isinstance(name, ast.Constant) and isinstance(name.value, str)
    return (str(name.value), made) if plain and isinstance(name, ast.Constant) else None


def switches_preprocessing_off(node: ast.Call | ast.Dict) -> bool:
    """Say whether a config may set `_disable_preprocessor_api`."""
    pairs: Iterable[tuple[object, ast.expr]]
    if isinstance(node, ast.Dict):
        keys = (k.value if isinstance(k, ast.Constant) else None for k in node.keys)
        pairs = zip(keys, node.values, strict=True)
    else:
        pairs = ((k.arg, k.value) for k in node.keywords)
    return any(
        key == "_disable_preprocessor_api"
        and not (isinstance(value, ast.Constant) and not value.value)
        for key, value in pairs
    )


@lru_cache(maxsize=256)
def is_plain(index: RepoIndex, environment: str) -> bool:
    """Say whether all observations of an environment are Boxes that no preprocessor changes."""
    environment = index.environment_classes.get(environment, environment)
    if PLAIN.fullmatch(environment):
        return True
    entry = index.class_named(environment)
    if entry is None:
        found = class_on_disk(environment, index.roots)
        return found is not None and has_plain_boxes(found)
    classes = index.source_of(entry.path).nodes(ast.ClassDef)
    return any(node.lineno == entry.line and has_plain_boxes(node) for node in classes)


def class_on_disk(qualified: str, roots: Iterable[Path]) -> ast.ClassDef | None:
    """Find a class by its dotted name in the folders that imports start from."""
    module, _, name = qualified.rpartition(".")
    if not module:
        return None
    for root in roots:
        stem = root.joinpath(*module.split("."))
        for path in (stem.with_suffix(".py"), stem / "__init__.py"):
            if not path.is_file():
                continue
            try:
                classes = SourceFile.read(path).nodes(ast.ClassDef)
            except (SourceError, RecursionError):
                return None
            return next((node for node in classes if node.name == name), None)
    return None


def has_plain_boxes(node: ast.ClassDef) -> bool:
    """Say whether a class of an environment sets `observation_space` to plain Boxes only."""
    spaces = []
    for each in nodes_in(node):
        targets = each.targets if isinstance(each, ast.Assign) else ()
        if isinstance(each, ast.AnnAssign):
            targets = [each.target]
        for target in targets:
            name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
            if name == "observation_space" and isinstance(each, ast.Assign | ast.AnnAssign):
                spaces.append(each.value)
    return bool(spaces) and all(space is not None and _is_plain_box(space) for space in spaces)


def _is_plain_box(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call) or (dotted(node.func) or "").rpartition(".")[2] != "Box":
        return False
    given: Mapping[str, ast.expr] = dict(zip(("low", "high", "shape"), node.args, strict=False)) | {
        k.arg: k.value for k in node.keywords if k.arg
    }
    shape = given.get("shape")
    if shape is None:
        return any(_is_short_array(given.get(name)) for name in ("low", "high"))
    try:
        value = ast.literal_eval(shape)
    except ValueError:
        return False
    return isinstance(value, tuple | list) and tuple(value) not in ATARI


def _is_short_array(node: ast.expr | None) -> bool:
    """Say whether `node` is an array that is written out."""
    if isinstance(node, ast.Call) and node.args:
        return _is_short_array(node.args[0])
    return isinstance(node, ast.List | ast.Tuple) and len(node.elts) not in (0, 128)
