"""RLlib's RLModule stack, running without Ray.

The names are loaded on first use: `import rlmigrate.new_stack` needs neither torch nor TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlmigrate.new_stack.actions import actions_from_outputs
    from rlmigrate.new_stack.apis import (
        TARGET_NETWORK_ACTION_DIST_INPUTS,
        InferenceOnlyAPI,
        QNetAPI,
        SelfSupervisedLossAPI,
        TargetNetworkAPI,
        ValueFunctionAPI,
        make_target_network,
        update_target_network,
    )
    from rlmigrate.new_stack.columns import Columns
    from rlmigrate.new_stack.compiling import TorchCompileConfig
    from rlmigrate.new_stack.multi_rl_module import MultiRLModule
    from rlmigrate.new_stack.multi_specs import MultiRLModuleSpec
    from rlmigrate.new_stack.rl_module import DEFAULT_MODULE_ID, RLModule
    from rlmigrate.new_stack.specs import RLModuleConfig, RLModuleSpec
    from rlmigrate.new_stack.state import StateReport
    from rlmigrate.new_stack.torch_rl_module import TorchRLModule

_HOME = {
    "Columns": "columns",
    "DEFAULT_MODULE_ID": "rl_module",
    "InferenceOnlyAPI": "apis",
    "MultiRLModule": "multi_rl_module",
    "MultiRLModuleSpec": "multi_specs",
    "QNetAPI": "apis",
    "RLModule": "rl_module",
    "RLModuleConfig": "specs",
    "RLModuleSpec": "specs",
    "SelfSupervisedLossAPI": "apis",
    "StateReport": "state",
    "TARGET_NETWORK_ACTION_DIST_INPUTS": "apis",
    "TargetNetworkAPI": "apis",
    "TorchCompileConfig": "compiling",
    "TorchRLModule": "torch_rl_module",
    "ValueFunctionAPI": "apis",
    "actions_from_outputs": "actions",
    "make_target_network": "apis",
    "update_target_network": "apis",
}

__all__ = [
    "DEFAULT_MODULE_ID",
    "TARGET_NETWORK_ACTION_DIST_INPUTS",
    "Columns",
    "InferenceOnlyAPI",
    "MultiRLModule",
    "MultiRLModuleSpec",
    "QNetAPI",
    "RLModule",
    "RLModuleConfig",
    "RLModuleSpec",
    "SelfSupervisedLossAPI",
    "StateReport",
    "TargetNetworkAPI",
    "TorchCompileConfig",
    "TorchRLModule",
    "ValueFunctionAPI",
    "actions_from_outputs",
    "make_target_network",
    "update_target_network",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'rlmigrate.new_stack' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"rlmigrate.new_stack.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
