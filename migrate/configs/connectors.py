"""Connectors that a custom model needs: its view requirements, served on the new stack.

connectors_of   what the config gains, and what is left to say
"""

from __future__ import annotations

from rlmigrate.migrate.configs.decision import Gain
from rlmigrate.migrate.configs.wrapped_model import Inside
from rlmigrate.migrate.edits import Imports
from rlmigrate.migrate.emit.file import layers_module
from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.rules.base import FileContext

WRAPPED = "rlmigrate.compat.wrap.on_ray.views"


def connectors_of(
    context: FileContext, model: str, inside: Inside | None = None
) -> tuple[tuple[Gain, ...], Imports, str]:
    """Put ViewColumns into both pipelines, where a model sees more than its observation.

    `inside` is the net of RLlib's around it, which may see more than the model.
    """
    found, plan = context.index.class_named(model), context.index.plan_for(model)
    if found is None or plan is None:
        return (), Imports(), ""
    columns = [*plan.columns, *(inside.columns if inside is not None else ())]
    if not columns:
        return (), Imports(), ""
    reach = [plan.lookback, inside.lookback if inside is not None else 1]
    native = plan.outcome is Outcome.NATIVE
    file = context.index.files[found.path]
    module = layers_module(context.index, file, context.settings) if native else WRAPPED
    gains = [
        Gain("env_runners", "env_to_module_connector", "lambda *_, **__: ViewColumns()"),
        Gain(
            "learners",
            "learner_connector",
            "lambda *_, **__: ViewColumns(as_learner_connector=True)",
        ),
    ]
    said = f"; the ViewColumns connectors supply {', '.join(dict.fromkeys(columns))}"
    lookback = None if None in reach else max(each for each in reach if each)
    if lookback is None:
        said += ", for which episode_lookback_horizon must be as long as they reach back"
    elif lookback > 1:
        gains.append(Gain("env_runners", "episode_lookback_horizon", str(lookback)))
    return tuple(gains), Imports(frozenset({(module, "ViewColumns")})), said
