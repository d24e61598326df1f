"""Algorithms and their configs, in the place of trainers with a policy of their own.

Written            one trainer written anew
written_trainers   those of a file
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache

from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.emit.text import indent_of
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.learners.study import learned_in, replaced
from rlmigrate.migrate.learners.trainers import DEFAULTS, OWN_LEARNERS, Trainer, trainers_in
from rlmigrate.migrate.policies.builders import BuilderCall, builder_calls
from rlmigrate.migrate.policies.old_imports import bound_names
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.tree import nodes_in

CODE = "RLM207"
HOME = "ray.rllib.algorithms.ppo"
#: Builder arguments of a policy that changes nothing.
NAMES_ONLY = frozenset({"name", "get_default_config", "framework"})


@dataclass(frozen=True)
class Written:
    """A trainer, its Learner, and the edits; `idle` is a policy that changed nothing and goes."""

    trainer: Trainer
    learner: str
    edits: tuple[Edit, ...]
    imports: Imports
    layers: frozenset[str] = frozenset()
    idle: ast.stmt | None = None


@lru_cache(maxsize=8)
def written_trainers(source: SourceFile, index: RepoIndex) -> tuple[Written, ...]:
    """Write each trainer of a file whose policy has its Learner there, or needs none."""
    from rlmigrate.migrate.emit.file import layers_module

    found = trainers_in(source, index)
    if not found:
        return ()
    file = index.files[source.path]
    learned = {each.name: each for each in learned_in(source, index) if each.complete}
    built = {call.name: call for call in builder_calls(source, file)}
    result = []
    for trainer in found:
        names = Names(
            "ray",
            layers_module(index, file, index.settings),
            taken=frozenset(bound_names(source)),
            ray_version=index.settings.ray_version,
        )
        done = learned.get(trainer.policy)
        idle = None
        if done is not None:
            learner = f"{trainer.policy}Learner"
            if learner not in done.skeleton.names:
                continue
        else:
            call = built.get(trainer.policy)
            if call is None or not _changes_nothing(source, trainer, call):
                continue
            layer = OWN_LEARNERS[call.base]
            learner = names.layer(layer) if layer else ""
            idle = call.statement
        edits = _edits(source, index, names, trainer, learner, idle)
        imports, layers = Imports(frozenset(names.wanted)), frozenset(names.layers)
        result.append(Written(trainer, learner, tuple(edits), imports, layers, idle))
    return tuple(result)


def _changes_nothing(source: SourceFile, trainer: Trainer, call: BuilderCall) -> bool:
    """Say whether a builder policy only has a name, and only this trainer uses it."""
    if call.base not in OWN_LEARNERS or not set(call.all) <= NAMES_ONLY:
        return False
    nodes = (call.statement, *trainer.parts, trainer.node)
    inside = {id(each) for node in nodes for each in nodes_in(node)}
    return all(id(name) in inside for name in source.nodes(ast.Name) if name.id == trainer.policy)


def _edits(
    source: SourceFile,
    index: RepoIndex,
    names: Names,
    trainer: Trainer,
    learner: str,
    idle: ast.stmt | None,
) -> list[Edit]:
    if trainer.config is not None:
        getter = trainer.parts[0]
        first = min([d.lineno for d in getter.decorator_list], default=getter.lineno)
        gone = source.line_span(first, getter.end_lineno or getter.lineno)
        return [Edit(gone, "", CODE), _asked(source, trainer.config, learner)]
    for name in ("PPO", "PPOConfig"):
        names.want(HOME, name)
    text = _text(trainer, learner)
    nodes: list[ast.stmt] = [trainer.node, *trainer.parts, *([idle] if idle else [])]
    edits = replaced(source, trainer.node, nodes, text)
    return [Edit(edit.span, edit.text, CODE) for edit in edits]


def _text(trainer: Trainer, learner: str) -> str:
    """The config and the Algorithm."""
    name = trainer.name
    said = f", with {learner}" if learner else ""
    lines = [
        f"class {name}Config(PPOConfig):",
        f'    """Settings of {name}{said}."""',
        "",
        "    def __init__(self, algo_class=None):",
        f"        super().__init__(algo_class or {name})",
    ]
    settings = [each for each in DEFAULTS[trainer.base].split(", ") if each]
    if settings:
        old = trainer.base.removesuffix("Trainer")
        lines.append(f"        self.training(  # what {old} had by default")
        lines += [f"            {each}," for each in settings]
        lines.append("        )")
    if learner:
        lines += ["", "    def get_default_learner_class(self):", f"        return {learner}"]
    lines += [
        "",
        "",
        f"class {name}(PPO):",
        "    @classmethod",
        "    def get_default_config(cls):",
        f"        return {name}Config(cls)",
    ]
    return "\n".join(lines) + "\n"


def _asked(source: SourceFile, config: ast.ClassDef, learner: str) -> Edit:
    """The method of a config that names the Learner, at the end of its class."""
    end = source.line_span(config.end_lineno or 1, config.end_lineno or 1).end
    step = indent_of(source, config.body[0])
    text = f"\n{step}def get_default_learner_class(self):\n{step}{step}return {learner}\n"
    return Edit(Span(end, end), text, CODE)
