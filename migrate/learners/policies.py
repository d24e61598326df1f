"""Policies that learn in their own way, by class or by builder, as one kind of thing.

LearningPolicy     one of them: its functions by place, and what keeps it from being certain
learning_policies  those of a file
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from rlmigrate.migrate.emit.text import indent_of
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.learners.elsewhere import HOOK, function_behind
from rlmigrate.migrate.learners.setup import MIXINS, PREPARING, SCHEDULES, Kept, aliases, read_init
from rlmigrate.migrate.learners.words import Place
from rlmigrate.migrate.policies.builders import BuilderCall, builder_calls
from rlmigrate.migrate.policies.given import algorithm_of, read_given
from rlmigrate.migrate.policies.hooks import HOOKS, NO_MEANING
from rlmigrate.migrate.policies.reading import does_nothing
from rlmigrate.migrate.policies.study import studied_policies
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import body_without_docstring

METHODS = {
    "loss": Place.LOSS,
    "optimizer": Place.OPTIMIZER,
    "postprocess_trajectory": Place.EPISODES,
}
ARGUMENTS = {
    "loss_fn": Place.LOSS,
    "optimizer_fn": Place.OPTIMIZER,
    "postprocess_fn": Place.EPISODES,
}
STATS = frozenset({"stats_fn", "extra_grad_info"})
#: Functions that builders call around a policy's constructor.
PREPARES = frozenset({"before_init", "after_init", "before_loss_init"})
CLIPS = frozenset({"extra_grad_process", "extra_grad_process_fn"})
#: Builder arguments that say nothing about learning.
SAYS_NOTHING = frozenset({"name", "framework", "get_default_config"})
#: Functions of RLlib that the new stack's Learners and connectors carry out themselves.
RAYS = frozenset(
    {"compute_gae_for_sample_batch", "postprocess_ppo_gae", "post_process_advantages"}
    | {"postprocess_advantages", "apply_grad_clipping", "vf_preds_fetches", "kl_and_loss_stats"}
    | {"choose_optimizer", *PREPARING}
)


@dataclass
class LearningPolicy:
    """`nodes` are the statements that say it, `problems` what is not certain of it.

    `homes` are the files of functions that stand in others, `lent` those that change its samples;
    `elsewhere` says what to do about those that were not found.
    `stats` reports on updates; None where the base's own does. `aliases` are attributes that
    mixins take from the model. `like` is RLlib's policy whose algorithm's functions or mixins it
    has, where it does not build on that policy.
    """

    name: str
    line: int
    base: str
    node: ast.stmt
    nodes: list[ast.stmt]
    hooks: dict[Place, ast.FunctionDef] = field(default_factory=dict)
    helpers: tuple[ast.FunctionDef, ...] = ()
    elsewhere: tuple[str, ...] = ()
    homes: dict[ast.FunctionDef, tuple[SourceFile, FileEntry]] = field(default_factory=dict)
    lent: list[tuple[SourceFile, FileEntry, ast.FunctionDef]] = field(default_factory=list)
    stats: ast.FunctionDef | None = None
    kept: Kept = field(default_factory=Kept)
    mixins: set[str] = field(default_factory=set)
    scheduled: bool = False
    aliases: dict[str, str] = field(default_factory=dict)
    like: str = ""
    problems: list[str] = field(default_factory=list)


def learning_policies(source: SourceFile, index: RepoIndex) -> Iterator[LearningPolicy]:
    """Yield each policy of torch that brings functions to learn by."""
    file = index.files[source.path]
    for studied in studied_policies(source, index):
        facts = studied.facts
        if facts.learning and facts.framework == "torch" and not indent_of(source, studied.node):
            policy = LearningPolicy(
                facts.name, facts.line, facts.base, studied.node, [studied.node]
            )
            _read_class(source, index, file, policy, studied.node)
            named = [n for n in nodes_in(studied.node) if isinstance(n, ast.Attribute | ast.Name)]
            homes = [file.imports.qualified(node) or "" for node in named]
            policy.like = like_rays(policy.base, algorithm_of(homes))
            if any(index.legacy_kind(base) == "policy" for base in facts.local_bases):
                policy.problems.append("builds on a policy of its own repository")
            if policy.hooks:
                yield policy
    for call in builder_calls(source, file):
        if call.framework == "torch" and call.statement in source.tree.body:
            policy = _read_call(source, index, file, call)
            policy.like = like_rays(call.base, read_given(file, call).algorithm)
            if policy.hooks or policy.elsewhere or policy.lent:
                yield policy


def like_rays(base: str, algorithm: str) -> str:
    """RLlib's policy of an algorithm, for policies on a base that belongs to none.

    PPO's coefficients belong to mixins that its policy and others share, so that it says nothing.
    """
    plain = base in {"", "TorchPolicy", "TorchPolicyV2"}
    known = {"IMPALA": "ImpalaTorchPolicy", "PPO": ""}
    return known.get(algorithm, f"{algorithm}TorchPolicy") if plain and algorithm else ""


def _handed_to(source: SourceFile, method: ast.FunctionDef) -> ast.FunctionDef | None:
    """The function of the file that a method only hands its parameters to, in their order."""
    body = body_without_docstring(method)
    while len(body) == 1 and isinstance(body[0], ast.With):
        body = body[0].body
    last = body[0]
    call = last.value if len(body) == 1 and isinstance(last, ast.Return) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.keywords:
        return None
    given = [each.id if isinstance(each, ast.Name) else "" for each in call.args]
    if given != [a.arg for a in method.args.args]:
        return None
    for node in source.tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == call.func.id:
            return node if len(node.args.args) == len(given) else None
    return None


def _read_class(
    source: SourceFile,
    index: RepoIndex,
    file: FileEntry,
    policy: LearningPolicy,
    node: ast.ClassDef,
) -> None:
    methods = {m.name: m for m in node.body if isinstance(m, ast.FunctionDef)}
    policy.hooks = {METHODS[name]: methods[name] for name in METHODS if name in methods}
    for place, method in policy.hooks.items():
        function = _handed_to(source, method)
        if function is not None:
            policy.hooks[place] = function
            policy.nodes.append(function)
    called = _called([*policy.hooks.values()], methods)
    policy.helpers = tuple(methods[name] for name in called)
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            if item.name not in METHODS and item not in policy.helpers:
                _read_method(file, policy, item)
        elif not isinstance(item, ast.Expr | ast.Pass):
            policy.problems.append(f"has more than methods in its body (line {item.lineno})")
    for base in node.bases:
        written = dotted(base) or ""
        if written.rpartition(".")[2] != policy.base:
            _read_mixin(index, file, policy, base)


def _read_method(file: FileEntry, policy: LearningPolicy, method: ast.FunctionDef) -> None:
    name = method.name
    if name == "__init__":
        policy.kept = read_init(file, method)
        if policy.kept.problem:
            policy.problems.append(f"its constructor {policy.kept.problem}")
    elif name in STATS:
        policy.stats = method
    elif name in CLIPS:
        if "apply_grad_clipping" not in ast.unparse(method.body[-1]) or len(method.body) > 2:
            policy.problems.append(f"{name}() changes the gradients")
    elif name == "extra_action_out":
        if not _only_values(method):
            policy.problems.append("extra_action_out() gives more than values")
    elif name in HOOKS and not (name in NO_MEANING and does_nothing(method)):
        policy.problems.append(f"{name}() is not among what is understood")
    elif name not in HOOKS:
        policy.problems.append(f"{name}() is called from nothing that is understood")


def _only_values(method: ast.FunctionDef) -> bool:
    """Say whether the only extra outputs are values, which Learners compute themselves."""
    last = method.body[-1]
    value = last.value if isinstance(last, ast.Return) else None
    if not isinstance(value, ast.Dict) or len(body_without_docstring(method)) > 1:
        return False
    asked = [ast.unparse(each) for each in value.values]
    return all(text.endswith("model.value_function()") for text in asked)


def _read_mixin(index: RepoIndex, file: FileEntry, policy: LearningPolicy, node: ast.expr) -> None:
    """Understand a class that a policy has besides its base."""
    written = dotted(node) or ast.unparse(node)
    found = file.imports.resolve(written) or ""
    name = written.rpartition(".")[2]
    if found.startswith("ray.rllib.") and name in MIXINS:
        policy.scheduled = policy.scheduled or name in SCHEDULES
        return
    entry = index.class_named(found or f"{file.module}.{written}")
    taken = None
    if entry is not None:
        nodes = index.source_of(entry.path).nodes(ast.ClassDef)
        taken = next((aliases(n) for n in nodes if n.lineno == entry.line), None)
    if taken is None:
        policy.problems.append(f"has the methods of {written}")
        return
    policy.mixins.add(written)
    policy.aliases |= taken


def _called(functions: list[ast.FunctionDef], methods: dict[str, ast.FunctionDef]) -> list[str]:
    """Methods of the class that some of its methods call, and those that these call."""
    found: list[str] = []
    waiting = list(functions)
    while waiting:
        for node in nodes_in(waiting.pop()):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "self"
                and node.attr in methods
                and node.attr not in {*found, *METHODS, "__init__"}
                and node.attr not in HOOKS
            ):
                found.append(node.attr)
                waiting.append(methods[node.attr])
    return found


def _read_call(
    source: SourceFile, index: RepoIndex, file: FileEntry, call: BuilderCall
) -> LearningPolicy:
    functions = {f.name: f for f in source.tree.body if isinstance(f, ast.FunctionDef)}
    policy = LearningPolicy(call.name, call.line, call.base, call.statement, [call.statement])
    elsewhere = []
    changes = set(call.own) - SAYS_NOTHING  # a link that only has a name learns as that before it
    for argument, value in call.all.items() if changes else ():
        if argument in SAYS_NOTHING or (isinstance(value, ast.Constant) and value.value is None):
            continue
        written = dotted(value) or ""
        function = functions.get(written)
        of_ray = (file.imports.resolve(written) or "").startswith("ray.")
        if of_ray and written.rpartition(".")[2] in RAYS:
            continue
        if argument == "mixins" and isinstance(value, ast.List | ast.Tuple):
            for each in value.elts:
                _read_mixin(index, file, policy, each)
        elif function is not None:
            _read_function(file, policy, argument, function)
        elif argument in PREPARES and _only_prepares(index, file, value):
            continue
        elif argument == HOOK and (found := function_behind(index, file, value)) is not None:
            policy.lent.append((index.source_of(found[0].path), *found))
        elif argument in ARGUMENTS and (found := function_behind(index, file, value)) is not None:
            policy.hooks[ARGUMENTS[argument]] = found[1]
            policy.homes[found[1]] = (index.source_of(found[0].path), found[0])
        elif argument in ARGUMENTS and isinstance(value, ast.Name) and not of_ray:
            elsewhere.append(f"move {value.id}() here, {argument} of the policy")
        else:
            policy.problems.append(f"{argument} is given {ast.unparse(value)[:40]}")
    policy.elsewhere = tuple(elsewhere)
    return policy


def _only_prepares(index: RepoIndex, file: FileEntry, value: ast.expr) -> bool:
    """Say whether a function of another file prepares what the new stack prepares itself."""
    found = function_behind(index, file, value)
    if found is None:
        return False
    kept = read_init(found[0], found[1])
    return not kept.problem and not kept.values


def _read_function(
    file: FileEntry, policy: LearningPolicy, argument: str, function: ast.FunctionDef
) -> None:
    policy.nodes.append(function)
    if argument in ARGUMENTS:
        policy.hooks[ARGUMENTS[argument]] = function
    elif argument in STATS:
        policy.stats = function
    elif argument in PREPARES:
        found = read_init(file, function)
        policy.kept.values |= found.values
        if found.problem:
            policy.problems.append(f"{argument} {found.problem}")
    elif argument in {"extra_action_out_fn", "extra_action_fetches_fn"} and _only_values(function):
        return
    else:
        policy.problems.append(f"{argument} is not among what is understood")
