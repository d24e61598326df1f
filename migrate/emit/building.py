"""The call that builds a native module, where other code built the old model by itself.

building_text   how the module is built with what the old model was given
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.strategy import ModelPlan
from rlmigrate.migrate.understanding.base_calls import Constructor, assign_roles
from rlmigrate.migrate.understanding.kin import read_kin, relative
from rlmigrate.migrate.understanding.vocabulary import MODEL_DEFAULTS

#: Configs that say nothing: the module knows RLlib's defaults of what it reads.
_EMPTY = frozenset({"None", "{}", "dict()", "MODEL_DEFAULTS", "MODEL_DEFAULTS.copy()"})


def building_text(
    source: SourceFile, index: RepoIndex, call: ast.Call, plan: ModelPlan
) -> str | None:
    """Write the call as the module takes it; None where its arguments cannot be told apart.

    The size of the outputs and the name go, and the class's own arguments become settings.
    """
    init = _constructor(index, plan.qualified)
    if init is None or any(isinstance(argument, ast.Starred) for argument in call.args):
        return None
    names = [p.arg for p in [*init.args.posonlyargs, *init.args.args][1:]]
    if len(call.args) > len(names) or any(k.arg is None for k in call.keywords):
        return None
    known = Constructor()
    assign_roles(init, known)
    spaces: dict[str, str] = {}
    settings: list[str] = []
    own: list[str] = []
    given = [*zip(names, call.args, strict=False), *((k.arg or "", k.value) for k in call.keywords)]
    for name, value in given:
        text = " ".join(source.segment(value).split())
        role = known.roles.get(name)
        if role in {"obs_space", "action_space"}:
            spaces["observation_space" if role == "obs_space" else role] = text
        elif role == "model_config":
            settings += _settings(source, value, own)
        elif role is None:
            own.append(f'"{name}": {text}')
    nested = [text for text in own if plan.apart or _key_of(text) in MODEL_DEFAULTS]
    settings += [text for text in own if text not in nested]
    if nested:
        settings.append(f'"custom_model_config": {{{", ".join(nested)}}}')
    settings += [
        f'"{key}": {value!r}'
        for key, value in plan.model_config.items()
        if not any(text.startswith((f'"{key}"', f"'{key}'")) for text in settings)
    ]
    arguments = [f"{name}={spaces[name]}" for name in sorted(spaces, reverse=True)]
    if settings:
        arguments.append(f"model_config={{{', '.join(settings)}}}")
    return f"{source.segment(call.func)}({', '.join(arguments)})"


def _key_of(entry: str) -> str:
    """The key of an entry of a dict, as written."""
    return entry.partition(":")[0].strip("'\"")


def _settings(source: SourceFile, config: ast.expr, own: list[str]) -> Iterator[str]:
    """Entries of a model config; the class's own go to `own`."""
    if ast.unparse(config).rpartition(".")[2] in _EMPTY or ast.unparse(config) in _EMPTY:
        return
    if not isinstance(config, ast.Dict):
        yield f"**{' '.join(source.segment(config).split())}"
        return
    for key, value in zip(config.keys, config.values, strict=True):
        if key is None:
            yield from _settings(source, value, own)
        elif isinstance(key, ast.Constant) and key.value == "custom_model_config":
            own += _settings(source, value, own)
        else:
            said = " ".join(source.segment(value).split())
            yield f"{source.segment(key)}: {said}"


def _constructor(index: RepoIndex, qualified: str) -> ast.FunctionDef | None:
    """The constructor that a class runs, its own or that of a base in the repository."""
    found = relative(index, qualified)
    if found is None:
        return None
    kin = read_kin(index, found.file, found.node, found.qualified)
    owner = kin.owner("__init__")
    return owner.methods["__init__"] if owner is not None else None
