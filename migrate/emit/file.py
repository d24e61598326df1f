"""All model classes of one file, studied together and written one by one.

ModelResult     one class: its plan and the edits that carry it out
model_results   study a file and emit its classes
layers_beside   the layers file that some classes need
"""

from __future__ import annotations

import ast
from collections.abc import Set
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rlmigrate.migrate.distributions.choice import distribution_layers
from rlmigrate.migrate.edits import Imports
from rlmigrate.migrate.emit.bridge import emit_bridge, emit_twin
from rlmigrate.migrate.emit.layers_file import layers_text, names_in_file
from rlmigrate.migrate.emit.moves import Moves, plan_moves
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.emit.native import emit_native
from rlmigrate.migrate.emit.result import Emitted
from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.learners.study import learner_layers
from rlmigrate.migrate.policies.study import policy_layers
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.strategy import Study, study_class
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.kin import read_kin, related, relative

LAYERS_FILE = "rlmigrate_layers"


@dataclass(frozen=True)
class ModelResult:
    """One model class of a file; `emitted` is None where nothing is written."""

    study: Study
    emitted: Emitted | None


@lru_cache(maxsize=4)
def model_results(
    source: SourceFile, index: RepoIndex, settings: Settings
) -> tuple[ModelResult, ...]:
    """Study every model class of a file, and write those that can be written."""
    file = index.files.get(source.path)
    if file is None or not file.classes:
        return ()
    studies = _studies(source, index, file)
    if not studies:
        return ()
    moves = plan_moves(
        source,
        file,
        native=[s.reading.node for s in studies if s.plan.outcome is Outcome.NATIVE],
        bridged=[
            s.reading.node for s in studies if s.plan.outcome is Outcome.BRIDGED or s.plan.kept_for
        ],
        native_tf=[
            node
            for s in studies
            if s.plan.outcome is Outcome.NATIVE and index.framework(s.plan.qualified) == "tf"
            for node in (*_helpers(source, s), s.reading.node)
        ],
        ray_free=settings.target == "builtin",
    )
    emitted = [_emit(source, index, file, settings, study, moves) for study in studies]
    return tuple(map(ModelResult, studies, emitted))


def _helpers(source: SourceFile, study: Study) -> list[ast.stmt]:
    """Functions of the file that are ported with a class."""
    names = study.reading.facts.helpers
    return [s for s in source.tree.body if isinstance(s, ast.FunctionDef) and s.name in names]


def layers_beside(
    source: SourceFile, index: RepoIndex, settings: Settings, needed: Set[str]
) -> dict[str, str]:
    """The layers file of a folder, by its path, with what every class in the folder needs."""
    if settings.layers != "file" or not needed:
        return {}
    path = source.path.parent / f"{LAYERS_FILE}.py"
    beside = _needed_beside(source.path, index, settings)
    here = (
        needed | _layers_of(source.path, index, settings) if source.path in index.files else needed
    )
    names = here | beside | names_in_file(path)
    text = layers_text(names, target=settings.target, ray_version=settings.ray_version)
    return {str(path): text}


def _studies(source: SourceFile, index: RepoIndex, file: FileEntry) -> list[Study]:
    models = {
        entry.line: entry
        for entry in file.classes
        if entry.qualified not in file.wrapped and index.legacy_kind(entry.qualified) == "model"
    }
    if not models:
        return []
    return [
        study_class(index, file, node, qualified=models[node.lineno].qualified)
        for node in source.nodes(ast.ClassDef)
        if node.lineno in models
        and not _is_written(index, file, node, models[node.lineno].qualified)
    ]


#: Methods that a class has after it was written anew, while a base in another file is still old.
NEW_METHODS = frozenset({"setup", "_forward", "_forward_train", "compute_values"})


def _is_written(index: RepoIndex, file: FileEntry, node: ast.ClassDef, qualified: str) -> bool:
    """Say whether a class was written anew already, by itself or by what is tied to it."""
    kin = read_kin(index, file, node, qualified)
    near = [relative(index, name) for _, name in related(index, kin)] if kin else []
    nodes = [node, *(each.node for each in near if each is not None)]
    return any(
        isinstance(method, ast.FunctionDef) and method.name in NEW_METHODS
        for each in nodes
        for method in each.body
    )


def _emit(
    source: SourceFile,
    index: RepoIndex,
    file: FileEntry,
    settings: Settings,
    study: Study,
    moves: Moves,
) -> Emitted | None:
    if study.plan.outcome is Outcome.NATIVE:
        names = Names(
            target=settings.target,
            layers_module=layers_module(index, file, settings),
            framework="torch"
            if settings.target == "ray"  # where TensorFlow is ported
            else index.framework(study.plan.qualified),
            taken=_taken(source, moves),
            layer_names={local: local for local in moves.layers},
        )
        emitted = emit_native(source, study.reading, names)
        if study.plan.kept_for:
            twin, imports = emit_twin(
                source,
                study.reading.node,
                moves=moves,
                renamed=renamed_models(index, file, twins=True),
                heirs=study.plan.kept_for,
            )
            emitted = Emitted((*emitted.edits, twin), emitted.imports | imports, emitted.layers)
    elif study.plan.outcome is Outcome.BRIDGED:
        emitted = emit_bridge(
            source,
            study.reading.node,
            moves=moves,
            renamed=renamed_models(index, file, twins=True),
            reason=study.plan.reason,
            role=study.plan.role,
        )
    else:
        return None
    imports = emitted.imports | Imports(moves.wanted)
    return Emitted((*emitted.edits, *moves.edits), imports, emitted.layers)


def layers_module(index: RepoIndex, file: FileEntry, settings: Settings) -> str:
    """Name the module that a file imports its layers from."""
    if settings.layers == "import":
        return "rlmigrate.new_stack.layers"
    module = index.name_of(file.path)
    package = module if file.path.name == "__init__.py" else module.rpartition(".")[0]
    return f"{package}.{LAYERS_FILE}" if package else LAYERS_FILE


def _taken(source: SourceFile, moves: Moves) -> frozenset[str]:
    """Names that the file binds, those whose import moves left out."""
    bound: set[str] = set()
    for node in nodes_in(source.tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            bound.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {a.asname or a.name.split(".")[0] for a in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
    return frozenset(bound - set(moves.layers))


def renamed_models(
    index: RepoIndex, file: FileEntry, *, twins: bool = False
) -> dict[str, tuple[str, str]]:
    """Other bridged classes that this file knows: local name to where the old class is now.

    With `twins` also native ones whose old form stays for their heirs.
    """
    found: dict[str, tuple[str, str]] = {}
    candidates = {entry.name: entry.qualified for entry in file.classes} | dict(file.imports.names)
    for local, target in candidates.items():
        entry = index.class_named(target)
        plan = index.plan_for(target) if entry is not None else None
        if entry is None or plan is None:
            continue
        if plan.outcome is Outcome.BRIDGED or (twins and plan.kept_for):
            here = entry.path == file.path
            found[local] = ("" if here else plan.module, f"Legacy{entry.name}")
    return found


def _needed_beside(path: Path, index: RepoIndex, settings: Settings) -> set[str]:
    """Layers that other files of the same folder need."""
    found: set[str] = set()
    for other in index.files:
        if other.parent == path.parent and other != path:
            found |= _layers_of(other, index, settings)
    return found


@lru_cache(maxsize=1024)
def _layers_of(path: Path, index: RepoIndex, settings: Settings) -> frozenset[str]:
    """Layers that the native models of one file need; each file is studied once for its folder."""
    file = index.files[path]
    source = index.source_of(path)
    found: set[str] = set()
    for study in _studies(source, index, file):
        if study.plan.outcome is Outcome.NATIVE:
            emitted = _emit(source, index, file, settings, study, Moves())
            found |= emitted.layers if emitted else set()
    found |= distribution_layers(source, index)
    return frozenset(found) | policy_layers(source, index) | learner_layers(source, index)
