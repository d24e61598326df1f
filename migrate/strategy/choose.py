"""Choose an outcome.

plan_model   native only where the class is understood and nothing speaks against it
"""

from __future__ import annotations

from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.index.entries import ClassEntry
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.strategy.plan import ModelPlan


def plan_model(index: RepoIndex, entry: ClassEntry) -> ModelPlan:
    """Plan what becomes of one model class of the repository."""
    torch = index.framework(entry.qualified) == "torch"
    return ModelPlan(
        qualified=entry.qualified,
        outcome=Outcome.BRIDGED if torch else Outcome.MANUAL,
        reason="is not understood" if torch else "is written for TensorFlow",
        new_name=entry.name,
        module=index.files[entry.path].module,
    )
