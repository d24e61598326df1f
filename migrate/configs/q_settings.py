"""Settings of DQN's heads and SAC's nets, which Ray's configs keep from the module.

q_settings   what such a module must find in its model config besides
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.understanding.role import has_q_heads, is_sac_model

#: What DQNConfig does not put into the model config; `sigma0` it calls std_init.
UNSAID = ("hiddens", "noisy", "sigma0", "dueling_activation")
#: The same of SACConfig.
UNSAID_OF_SAC = ("policy_model_config", "q_model_config", "normalize_actions")


def q_settings(context: FileContext, target: str, node: ast.AST) -> list[tuple[str, str]]:
    """Entries of a model config, from the call or the dict that `node` sets the model in."""
    found = context.index.class_named(target)
    if found is None:
        return []
    unsaid: tuple[str, ...] = UNSAID if has_q_heads(context.index, found.qualified) else ()
    if is_sac_model(context.index, found.qualified):
        unsaid = UNSAID_OF_SAC
    if not unsaid:
        return []
    given: dict[str, ast.expr] = {}
    for up in nodes_of(context).up(node):
        if isinstance(up, ast.Call):
            given = {k.arg: k.value for k in up.keywords if k.arg is not None}
        elif isinstance(up, ast.Dict):
            keys = zip(up.keys, up.values, strict=True)
            given = {str(k.value): v for k, v in keys if isinstance(k, ast.Constant)}
        if "model" in given or isinstance(up, ast.stmt):
            break
    return [
        (f'"{name}": ', context.source.segment(given[name])) for name in unsaid if name in given
    ]
