"""Imports of RLlib's names that move with the classes that used them.

Moves            local names of one file and where they come from now
plan_moves       decide which imports move with models
imports_inside   imports of RLlib that only some classes use
removals         edits that take names out of imports
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rlmigrate.eras import builtin
from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.emit.frameworks import framework_imports, idle_frameworks
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.vocabulary import HARMLESS, NETS, plain_form


@dataclass(frozen=True)
class Moves:
    """`layers` are local names that move to the layers file, `legacy` those that move there.

    `wanted` are imports that the file needs besides.
    """

    layers: Mapping[str, str] = field(default_factory=dict)
    legacy: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    edits: tuple[Edit, ...] = ()
    wanted: frozenset[tuple[str, str]] = frozenset()


def plan_moves(
    source: SourceFile,
    file: FileEntry,
    *,
    native: Iterable[ast.ClassDef],
    bridged: Iterable[ast.ClassDef],
    native_tf: Iterable[ast.stmt] = (),
    ray_free: bool = False,
) -> Moves:
    """Move an import with the classes, if nothing else in the file needs it as it was.

    `native_tf` are those of the native classes that were written for TensorFlow. `ray_free` moves
    what native classes and `try_import_...()` need off Ray, too.
    """
    uses = _uses(source.tree)
    in_native, in_tf = _inside(native), _inside(native_tf)
    in_bridged = _inside(bridged)
    in_free = in_native | _framework_calls(source.tree) if ray_free else set()
    layers: dict[str, str] = {}
    legacy: dict[str, tuple[str, str]] = {}
    removable = _top_level(source.tree)
    for local, target in file.imports.names.items():
        if not target.startswith(("ray.rllib.", "rllib.")) or local not in removable:
            continue
        name = target.rpartition(".")[2]
        places = uses.get(local, set())
        framework = "tf" if places and places <= in_tf else "torch"
        if plain_form(target, framework=framework) and places & in_native:
            layers[local] = name  # a drop-in, so other uses in the file may have it too
        elif places and places <= in_native and _moves_whole(target):
            layers[local] = name
        elif places & (in_bridged | in_free) and places <= in_native | in_bridged | in_free:
            home = builtin(target) or ""
            free = ray_free and name not in {"override", *MODELS}
            if home.startswith("rlmigrate.legacy.") and (free or not target.startswith(HARMLESS)):
                module, _, original = home.rpartition(".")
                legacy[local] = (module, original)
    more: tuple[Edit, ...] = ()
    wanted: frozenset[tuple[str, str]] = frozenset()
    if ray_free:
        more, wanted, needless = framework_imports(source)
        legacy = {local: home for local, home in legacy.items() if home[1] not in needless}
        wanted |= {
            (module, name if name == local else f"{name} as {local}")
            for local, (module, name) in legacy.items()
        }
    else:
        more, needless = idle_frameworks(source, in_tf)
        layers |= {n: n for n in needless & removable if len(uses.get(n, ())) == len(more)}
    gone = {*layers, *legacy}
    return Moves(layers, legacy, (*removals(source, gone), *more), wanted)


#: Classes whose place native classes take.
MODELS = frozenset({"ModelV2", "TorchModelV2", "TFModelV2", "RecurrentNetwork"})


def _framework_calls(tree: ast.Module) -> set[int]:
    """Names in `torch, nn = try_import_torch()` and the like at the top of a file."""
    return {
        id(node.value.func)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id.startswith("try_import_")
    }


def _moves_whole(target: str) -> bool:
    """Say whether a name has a counterpart that only native modules can use."""
    name = target.rpartition(".")[2]
    framed = ".torch" in target or ".models.tf." in target
    return name == "ViewRequirement" or (framed and name in NETS)


def imports_inside(
    source: SourceFile, file: FileEntry, classes: Iterable[ast.ClassDef]
) -> dict[str, str]:
    """Give the imports of RLlib that nothing outside these classes uses: local name to target."""
    uses = _uses(source.tree)
    inside = _inside(classes)
    removable = _top_level(source.tree)
    return {
        local: target
        for local, target in file.imports.names.items()
        if target.startswith(("ray.rllib.", "rllib."))
        and local in removable
        and uses.get(local)
        and uses[local] <= inside
    }


def _uses(tree: ast.Module) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for node in nodes_in(tree):
        if isinstance(node, ast.Name):
            found.setdefault(node.id, set()).add(id(node))
    return found


def _inside(statements: Iterable[ast.stmt]) -> set[int]:
    return {id(node) for each in statements for node in nodes_in(each)}


def _top_level(tree: ast.Module) -> set[str]:
    return {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def removals(source: SourceFile, gone: set[str]) -> Iterable[Edit]:
    """Take local names out of the file's imports, and imports that become empty away."""
    for node in source.tree.body:
        if not isinstance(node, ast.ImportFrom):
            continue
        kept = [a for a in node.names if (a.asname or a.name) not in gone]
        if len(kept) == len(node.names):
            continue
        if not kept:
            yield Edit(source.line_span(node.lineno, node.end_lineno or node.lineno), "", "RLM101")
            continue
        spans = [source.span(a) for a in node.names]
        at = 0
        while at < len(spans):
            if node.names[at] in kept:
                at += 1
                continue
            end = at
            while end < len(spans) and node.names[end] not in kept:
                end += 1
            following = end < len(spans)
            first = spans[at].start if following else spans[at - 1].end
            last = spans[end].start if following else spans[end - 1].end
            yield Edit(Span(first, last), "", "RLM101")
            at = end
