"""What an RLModule may offer beyond its forward methods, one API per file.

value_function   ValueFunctionAPI: values of a batch
q_net            QNetAPI: Q-values of a batch
target_network   TargetNetworkAPI, make_target_network, update_target_network
inference_only   InferenceOnlyAPI: what can be left out where nothing is learned
self_supervised  SelfSupervisedLossAPI: a loss of the module's own
"""

from __future__ import annotations

from rlmigrate.new_stack.apis.inference_only import InferenceOnlyAPI
from rlmigrate.new_stack.apis.q_net import QNetAPI
from rlmigrate.new_stack.apis.self_supervised import SelfSupervisedLossAPI
from rlmigrate.new_stack.apis.target_network import (
    TARGET_NETWORK_ACTION_DIST_INPUTS,
    TargetNetworkAPI,
    make_target_network,
    update_target_network,
)
from rlmigrate.new_stack.apis.value_function import ValueFunctionAPI

__all__ = [
    "TARGET_NETWORK_ACTION_DIST_INPUTS",
    "InferenceOnlyAPI",
    "QNetAPI",
    "SelfSupervisedLossAPI",
    "TargetNetworkAPI",
    "ValueFunctionAPI",
    "make_target_network",
    "update_target_network",
]
