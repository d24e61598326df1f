"""With which environment and model config a repository trains each model class.

Read from `.environment(...)` and `.training(model=...)` of config builders, from `env` and
`model` of dict configs, and from `register_env`. Nothing is imported or evaluated; what is not
a literal is left out and said.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.verifying.literals import constants_of, literal

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)


@dataclass(frozen=True)
class Guess:
    """How a class is trained, and where that stands."""

    env: str | None
    env_config: Mapping[str, Any]
    model_config: Mapping[str, Any]
    where: str
    notes: tuple[str, ...] = ()


@dataclass
class _Setup:
    """What one config says so far."""

    line: int
    env: ast.expr | None = None
    env_config: ast.expr | None = None
    model: dict[str, ast.expr] = field(default_factory=dict)


def infer(index: RepoIndex) -> dict[str, Guess]:
    """Map the qualified name of each model class to how it is trained; the first place counts."""
    guesses: dict[str, Guess] = {}
    trees = {path: index.source_of(path).tree for path in index.files}
    makers: dict[str, str] = {}
    for path, file in index.files.items():
        makers.update(_registered_envs(trees[path], file, index))
    for path, file in index.files.items():
        constants = constants_of(trees[path])
        for setup in _setups(trees[path]):
            custom = setup.model.get("custom_model")
            cls = _model_class(custom, file, index)
            if cls is None or (cls in guesses and guesses[cls].env):
                continue
            notes: list[str] = []
            guesses[cls] = Guess(
                _env_name(setup.env, file, index, makers),
                _literal_dict(setup.env_config, "env_config", notes, constants),
                _literals(setup.model, notes, constants),
                f"{path}:{setup.line}",
                tuple(notes),
            )
    return guesses


def _setups(tree: ast.Module) -> Iterator[_Setup]:
    for scope in nodes_in(tree):
        if isinstance(scope, _SCOPES):
            yield from _builders(scope)
    for node in nodes_in(tree):
        if isinstance(node, ast.Dict):
            items = _string_items(node)
            model = items.get("model")
            if isinstance(model, ast.Dict) and "env" in items:
                setup = _Setup(node.lineno, items["env"], items.get("env_config"))
                setup.model = _of_algorithm(items) | _string_items(model)
                yield setup


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Walk a scope without the scopes inside it."""
    stack = list(ast.iter_child_nodes(scope))
    while stack:
        node = stack.pop(0)
        yield node
        if not isinstance(node, _SCOPES):
            stack[:0] = list(ast.iter_child_nodes(node))


def _builders(scope: ast.AST) -> Iterator[_Setup]:
    """Gather the calls of each config builder: of one chain, and of one variable."""
    setups: dict[str, _Setup] = {}
    names: dict[int, str] = {}
    inner: set[int] = set()
    for node in _own_nodes(scope):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names[id(node.value)] = node.targets[0].id
        if not isinstance(node, ast.Call) or id(node) in inner:
            continue
        calls, root = _chain(node)
        inner.update(id(call) for call in calls)
        if isinstance(root, ast.Name):
            key = root.id
        else:
            key = names.get(id(node), f"#{node.lineno}")
        setup = setups.setdefault(key, _Setup(node.lineno))
        for call in reversed(calls):
            _read_call(call, setup)
    yield from (s for s in setups.values() if "custom_model" in s.model)


def _chain(node: ast.Call) -> tuple[list[ast.Call], ast.expr]:
    calls = [node]
    root: ast.expr = node
    while isinstance(root, ast.Call) and isinstance(root.func, ast.Attribute):
        root = root.func.value
        if isinstance(root, ast.Call):
            calls.append(root)
    return calls, root


def _read_call(call: ast.Call, setup: _Setup) -> None:
    if not isinstance(call.func, ast.Attribute):
        return
    keywords = {k.arg: k.value for k in call.keywords if k.arg}
    if call.func.attr == "environment":
        setup.env = keywords.get("env", call.args[0] if call.args else setup.env)
        setup.env_config = keywords.get("env_config", setup.env_config)
    elif call.func.attr == "training":
        setup.model |= _of_algorithm(keywords)
        model = keywords.get("model")
        if not isinstance(model, ast.Dict):
            return
        setup.model |= _string_items(model)
        setup.line = call.func.end_lineno or setup.line


def _of_algorithm(given: Mapping[str, ast.expr]) -> dict[str, ast.expr]:
    """Pick DQN's and SAC's own settings, which a module reads from its model config."""
    from rlmigrate.compat.parity.role_settings import NAMES

    return {name: value for name, value in given.items() if name in NAMES}


def _string_items(node: ast.Dict) -> dict[str, ast.expr]:
    return {
        key.value: value
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def _literals(
    items: Mapping[str, ast.expr], notes: list[str], constants: Mapping[str, ast.expr]
) -> dict[str, Any]:
    values = {}
    for key, node in items.items():
        if key == "custom_model":
            continue
        try:
            values[key] = literal(node, constants)
        except ValueError:
            notes.append(f"model config {key} is {ast.unparse(node)!r}, not a literal: left out")
    return values


def _literal_dict(
    node: ast.expr | None, what: str, notes: list[str], constants: Mapping[str, ast.expr]
) -> dict[str, Any]:
    if node is None:
        return {}
    try:
        value = literal(node, constants)
    except ValueError:
        notes.append(f"{what} is {ast.unparse(node)!r}, not a literal: left out")
        return {}
    return value if isinstance(value, dict) else {}


def _qualified(node: ast.expr, file: FileEntry) -> str | None:
    """Resolve a name through imports, or to a class of the same file."""
    found = file.imports.qualified(node)
    if found is None and isinstance(node, ast.Name):
        own = {entry.name for entry in file.classes}
        return f"{file.module}.{node.id}" if node.id in own else None
    return found


def _model_class(node: ast.expr | None, file: FileEntry, index: RepoIndex) -> str | None:
    if node is None:
        return None
    if isinstance(node, ast.Constant):
        known = index.registrations.get(str(node.value))
        name = known.class_name if known else None
    else:
        name = _qualified(node, file)
    entry = index.class_named(name) if name else None
    return entry.qualified if entry else name


def _env_name(
    node: ast.expr | None, file: FileEntry, index: RepoIndex, makers: Mapping[str, str]
) -> str | None:
    """Give `module:Class` or a gymnasium id."""
    if node is None:
        return None
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return makers.get(node.value, node.value)
    return _as_target(_qualified(node, file), index)


def _as_target(qualified: str | None, index: RepoIndex) -> str | None:
    if qualified is None:
        return None
    entry = index.class_named(qualified)
    module, _, name = (entry.qualified if entry else qualified).rpartition(".")
    return f"{module}:{name}" if module else None


def _registered_envs(tree: ast.Module, file: FileEntry, index: RepoIndex) -> dict[str, str]:
    """Map names given to `register_env` to the class that their function calls."""
    found = {}
    functions = {
        node.name: node.body[-1].value
        for node in nodes_in(tree)
        if isinstance(node, ast.FunctionDef) and isinstance(node.body[-1], ast.Return)
    }
    for node in nodes_in(tree):
        if not isinstance(node, ast.Call) or len(node.args) != 2:
            continue
        if not (file.imports.qualified(node.func) or "").endswith("register_env"):
            continue
        name, maker = node.args
        made: ast.expr | None = maker.body if isinstance(maker, ast.Lambda) else maker
        if isinstance(made, ast.Name):
            made = functions.get(made.id, made)
        made = made.func if isinstance(made, ast.Call) else made
        target = _as_target(_qualified(made, file), index) if made is not None else None
        if isinstance(name, ast.Constant) and isinstance(name.value, str) and target:
            found[name.value] = target
    return found
