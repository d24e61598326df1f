"""The choice for one class.

ModelPlan   outcome, reason, and where the new class stands
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rlmigrate.migrate.findings import Outcome


@dataclass(frozen=True)
class ModelPlan:
    """What becomes of one model class.

    `kept_for` are heirs that are bridged while the class is native: its old form stays for them.

    `new_name` is importable from `module`; `model_config` holds what the class reads and the old
    code supplied without saying so (keys of the old model dict that must be passed on). `columns`
    must come from a connector, which reaches back `lookback` steps; None where the source does not
    say how many. `learner` is the Learner beside a native class that has its loss, on PPO's;
    `apart` says that the class's own keys stay in custom_model_config: RLlib has one of them too.
    `values` says that a native class computes values.
    `wrappers` are settings for which a native class has a subclass inside RLlib's LSTM or
    attention net.
    `legacy_loss` says that a bridged class needs one that calls its custom_loss.
    """

    qualified: str
    outcome: Outcome
    reason: str
    new_name: str
    module: str
    model_config: dict[str, object] = field(default_factory=dict)
    stateful: bool = False
    kept_for: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    lookback: int | None = 1
    learner: str | None = None
    legacy_loss: bool = False
    role: str | None = None
    wrappers: tuple[str, ...] = ()
    apart: bool = False
    values: bool = False
