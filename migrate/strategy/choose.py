"""Choose an outcome.

Study         the plan for a class, with the reading that it rests on
learner_name  what the Learner with a model's loss is called
study_class   read a class and choose
plan_model    the plan alone, for rules that only point at the result
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from rlmigrate.migrate.distributions.chosen import sharers
from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.index.entries import ClassEntry, FileEntry
from rlmigrate.migrate.index.known import ray_kind
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.strategy.plan import ModelPlan
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding import Problem, Reading, read_model
from rlmigrate.migrate.understanding.facts import View
from rlmigrate.migrate.understanding.kin import relative
from rlmigrate.migrate.understanding.role import role_of
from rlmigrate.migrate.understanding.vocabulary import HOOKS


@dataclass(frozen=True)
class Study:
    """A plan and what it rests on."""

    plan: ModelPlan
    reading: Reading


def study_class(index: RepoIndex, file: FileEntry, node: ast.ClassDef, *, qualified: str) -> Study:
    """Read a model class and choose: native only where nothing speaks against it."""
    if node not in index.studies:
        index.studies[node] = _study(index, file, node, qualified)
    study: Study = index.studies[node]
    return study


def _study(index: RepoIndex, file: FileEntry, node: ast.ClassDef, qualified: str) -> Study:
    reading = _read(index, file, node, qualified)
    outcome, reason = _choose(index, reading)
    native = outcome is Outcome.NATIVE
    stateful = bool(reading.facts.states) or reading.facts.sequential
    plan = ModelPlan(
        qualified=qualified,
        outcome=outcome,
        reason=reason,
        new_name=node.name,
        module=index.name_of(file.path),
        stateful=stateful,
        # Ray's connectors cut sequences by it and know no default
        model_config={"max_seq_len": 20} if native and stateful else {},
        columns=tuple(view.column for view in reading.facts.views),
        lookback=_lookback(reading.facts.views),
        learner=learner_name(node.name) if native and reading.facts.loss else None,
        legacy_loss=outcome is Outcome.BRIDGED and _has_loss(index, qualified),
        kept_for=tuple(sorted(h.facts.name for h in stuck_heirs(index, reading)[0]))
        if native
        else (),
        apart=native and reading.facts.apart,
        values=native and reading.facts.value != "none",
        wrappers=reading.facts.wrappers if native else (),
        role=role_of(index, qualified) if outcome is Outcome.BRIDGED else None,
    )
    return Study(plan, reading)


def _choose(index: RepoIndex, reading: Reading) -> tuple[Outcome, str]:
    facts = reading.facts
    framework = index.framework(facts.qualified)
    if framework == "tf" and index.settings.target == "ray" and (why := _port_stop(index, reading)):
        return Outcome.MANUAL, f"{FOREIGN}, and is not ported because it {why}"
    if framework is None:
        bases = filter(ray_kind, index.bases_of(facts.qualified))
        first = any(base.endswith(".Model") for base in bases)
        return Outcome.MANUAL, FIRST if first else "is tied to neither torch nor TensorFlow"
    if RECURRENT_SAC in {name.rpartition(".")[2] for name in index.bases_of(facts.qualified)}:
        return Outcome.MANUAL, "carries the nets of recurrent SAC, which no TfRLModule has"
    own = _own_stop(index, reading)
    if own is not None:
        line = f" (line {_telling(reading).line})" if facts.problems else ""
        return Outcome.BRIDGED, f"{own}{line}"
    for how, name in facts.family:
        base = _reading_of(index, name) if how == INHERITS else None
        if base is None:
            continue
        stop = _own_stop(index, base)
        if stop is not None:
            return Outcome.BRIDGED, f"{how} {base.facts.name}, which {stop}"
        held = held_back(index, base)
        if held:
            return Outcome.BRIDGED, _because_of(index, "shares a base with", held[0])
    held = held_back(index, reading)
    if held:
        return Outcome.BRIDGED, _because_of(index, "is the base of", held[0])
    return Outcome.NATIVE, "needs nothing that only the old stack has"


FOREIGN = "is written for TensorFlow, which Ray's new stack has no place for"
INHERITS = "inherits from"
#: What models were before ModelV2, for TensorFlow's graphs alone.
FIRST = "extends the first Model of RLlib, whose _build_layers_v2() makes a graph of TensorFlow"
RECURRENT_SAC = "RNNSACTFModel"


def _because_of(index: RepoIndex, how: str, heir: Reading) -> str:
    stop = _own_stop(index, heir)
    if stop is None:  # one between the two is what stops it
        stop = _choose(index, heir)[1]
    return f"{how} {heir.facts.name}, which {stop}"


def _own_stop(index: RepoIndex, reading: Reading) -> str | None:
    """What keeps a class from going native by itself, whatever its kin do."""
    if reading.facts.problems:
        return _telling(reading).text
    for name in sharers(index, reading.facts.qualified):
        other = _reading_of(index, name)
        if other is None or other.facts.problems:
            dist = reading.facts.action_dist.name
            return f"shares {dist} with {name.rpartition('.')[2]}, which stays on the old stack"
    for policy in sorted(index.built.get(reading.facts.qualified, ())):
        from rlmigrate.migrate.policies.study import becomes_native

        if not becomes_native(index, policy):
            return f"is built by {policy.rpartition('.')[2]}, which stays a policy"
    return None


def _port_stop(index: RepoIndex, reading: Reading) -> str | None:
    """What keeps a TensorFlow class from being ported: itself, its kin, or its helpers' users."""
    why = _own_stop(index, reading)
    if why is not None:
        return f"{why} (line {_telling(reading).line})" if reading.facts.problems else why
    for how, name in reading.facts.family:
        other = _reading_of(index, name)
        stop = _own_stop(index, other) if other is not None else "cannot be read"
        if stop is not None:
            return f"{how} {name.rpartition('.')[2]}, which {stop}"
    for name in reading.facts.helpers:
        user = _other_user(index, reading, name)
        if user:
            return f"calls {name}, which {user} needs as it is"
    return None


def _other_user(index: RepoIndex, reading: Reading, helper: str) -> str:
    """Who else calls a function of the file and is not ported with it, "" if nobody."""
    entry = index.class_named(reading.facts.qualified)
    if entry is None:
        return ""
    file = index.files[entry.path]
    for other in index.files.values():
        names = other.imports.names.values()
        if other is not file and f"{file.module}.{helper}" in names:
            return other.module
    inside: dict[int, str] = {}
    for statement in index.source_of(entry.path).tree.body:
        for node in nodes_in(statement):
            inside[id(node)] = getattr(statement, "name", "the file")
    ported = {reading.facts.name, *reading.facts.helpers}
    for each in file.classes:
        if index.legacy_kind(each.qualified) != "model" or each.name in ported:
            continue
        found = _reading_of(index, each.qualified)
        calls = found is not None and helper in found.facts.helpers
        if found is not None and calls and _own_stop(index, found) is None:
            ported |= {each.name, *found.facts.helpers}
    for node in index.source_of(entry.path).nodes(ast.Name):
        if node.id == helper and isinstance(node.ctx, ast.Load) and inside[id(node)] not in ported:
            return inside[id(node)]
    return ""


def stuck_heirs(index: RepoIndex, reading: Reading) -> tuple[list[Reading], list[Reading]]:
    """Heirs that cannot go native, by themselves or by a base below this class; and the others."""
    heirs = [
        heir
        for how, name in reading.facts.family
        if how == "is the base of" and (heir := _reading_of(index, name)) is not None
    ]
    below = {heir.facts.qualified: heir for heir in heirs}
    stuck: list[Reading] = []
    free: list[Reading] = []
    for heir in heirs:
        line = [below[name] for how, name in heir.facts.family if how == INHERITS and name in below]
        stops = any(_own_stop(index, each) is not None for each in (heir, *line))
        (stuck if stops else free).append(heir)
    return stuck, free


def held_back(index: RepoIndex, reading: Reading) -> list[Reading]:
    """Heirs that keep a class on the old model: no fewer than those that could go native.

    Where they are fewer, the class goes native and its old form stays beside it for them.
    """
    stuck, free = stuck_heirs(index, reading)
    return stuck if len(stuck) >= len(free) else []


def _telling(reading: Reading) -> Problem:
    """The problem that says most."""
    telling = set(HOOKS.values())

    def says_little(problem: Problem) -> bool:
        return problem.text not in telling and not problem.text.endswith(" of TensorFlow 1")

    return min(reading.facts.problems, key=lambda p: (says_little(p), p))


def _read(index: RepoIndex, file: FileEntry, node: ast.ClassDef, qualified: str) -> Reading:
    if node not in index.readings:
        index.readings[node] = read_model(index, file, node, qualified=qualified)
    reading: Reading = index.readings[node]
    return reading


def _reading_of(index: RepoIndex, qualified: str) -> Reading | None:
    found = relative(index, qualified)
    return _read(index, found.file, found.node, found.qualified) if found is not None else None


def _lookback(views: Iterable[View]) -> int | None:
    """How many steps back columns reach; None where a shift is computed."""
    reach = [1]
    for view in views:
        try:
            shift = ast.literal_eval(view.shift)
            reach += [-int(str(s)) for s in ([shift] if isinstance(shift, int) else _ends(shift))]
        except (ValueError, TypeError):
            return None
    return max(reach)


def _ends(shift: object) -> list[object]:
    """The ends of "-3:0", or the steps of a list."""
    if isinstance(shift, str):
        return [*shift.split(":")[:2]]
    if isinstance(shift, list | tuple):
        return list(shift)
    raise ValueError(shift)


def learner_name(model: str) -> str:
    """Name the Learner that has the loss of a model.

    >>> learner_name("MaskedModel")
    'MaskedLearner'
    """
    return f"{model.removesuffix('Model') or model}Learner"


def _has_loss(index: RepoIndex, qualified: str) -> bool:
    """Say whether a class of the repository defines a loss or metrics of its own."""
    family = (index.class_named(name) for name in (qualified, *index.bases_of(qualified)))
    return any({"custom_loss", "metrics"} & set(entry.methods) for entry in family if entry)


def plan_model(index: RepoIndex, entry: ClassEntry) -> ModelPlan:
    """Plan what becomes of one model class of the repository."""
    file = index.files[entry.path]
    for node in nodes_in(index.source_of(entry.path).tree):
        if isinstance(node, ast.ClassDef) and node.lineno == entry.line:
            return study_class(index, file, node, qualified=entry.qualified).plan
    raise LookupError(f"{entry.path}:{entry.line}: class {entry.name} is not there any more")
