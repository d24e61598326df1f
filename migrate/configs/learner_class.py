"""The Learner that a config needs where its model has a loss of its own.

own_loss   `.learners(learner_class=...)` for a custom model, or what is left to do
"""

from __future__ import annotations

from rlmigrate.migrate.configs.decision import Gain
from rlmigrate.migrate.edits import Imports
from rlmigrate.migrate.index.entries import ClassEntry
from rlmigrate.migrate.rules.base import FileContext

LEGACY_LOSS = ("rlmigrate", "legacy_loss")

#: Algorithms whose Learner stands where their names say.
LEARNERS = {
    name: (f"ray.rllib.algorithms.{name.lower()}.torch.{name.lower()}_torch_learner", learner)
    for name in ("PPO", "APPO", "IMPALA", "DQN", "SAC", "CQL", "MARWIL")
    for learner in (f"{name}TorchLearner",)
}


def own_loss(
    context: FileContext, target: str, written: str, *, algorithm: str
) -> tuple[tuple[Gain, ...], Imports, str]:
    """Return gains, imports, and what the message says beside.

    `written` is how the config names the module class.
    """
    found = context.index.class_named(target)
    plan = context.index.plan_for(found.qualified) if found is not None else None
    if found is None or plan is None or (plan.learner is None and not plan.legacy_loss):
        return (), Imports(), ""
    if plan.legacy_loss:
        home = LEARNERS.get(algorithm)
        if home is None:
            said = "; its loss counts with .learners(learner_class=legacy_loss(...)) of rlmigrate"
            return (), Imports(), said
        gain = Gain("learners", "learner_class", f"legacy_loss({home[1]})")
        return (gain,), Imports(frozenset({LEGACY_LOSS, home})), "; its loss goes along"
    learner = plan.learner or ""
    if algorithm != "PPO":
        said = f"; derive {learner} from the Learner of {algorithm or 'the algorithm'} and set it"
        return (), Imports(), f"{said} with .learners(learner_class={learner})"
    name, imports = _named(context, found, written, learner)
    return (Gain("learners", "learner_class", name),), imports, f"; {learner} has its loss"


def _named(
    context: FileContext, found: ClassEntry, written: str, learner: str
) -> tuple[str, Imports]:
    """Name the Learner as the config names the model that it stands beside."""
    owner, _, _ = written.rpartition(".")
    if owner or found.path == context.source.path:
        return (f"{owner}.{learner}" if owner else learner), Imports()
    entry = context.index.files[context.source.path]
    known = entry.imports.names.get(written, "").rpartition(".")[0]
    module = context.index.name_of(found.path)
    direct = context.index.class_named(f"{known}.{found.name}") == found and known.endswith(
        module.rpartition(".")[2]
    )
    return learner, Imports(frozenset({(known if direct else module, learner)}))
