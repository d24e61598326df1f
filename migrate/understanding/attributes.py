"""Attributes of a model that either stack has a say in.

read_attributes   judge every `self.x` that ModelV2 sets or RLModule keeps
check_nets        refuse uses of a net that its plain counterpart does not serve
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.configs import Configs
from rlmigrate.migrate.understanding.constructor import read_model_name, read_obs_space
from rlmigrate.migrate.understanding.scope import Scope, self_attribute

#: Attributes that ModelV2 sets and RLModule lacks.
MODEL_ATTRIBUTES: Mapping[str, str] = {
    "framework": "reads self.framework",
    "time_major": "reads self.time_major",
    "view_requirements": "changes its view requirements",
    "inference_view_requirements": "changes its view requirements",
    "_last_output": "reads the last output",
    "last_output": "reads the last output",
    "tower_stats": "keeps tower_stats",
    "var_list": "reads var_list",
    "trainable_variables": "asks for trainable_variables()",
    "variables": "asks for variables()",
    "register_variables": "registers variables",
    "value_function": "calls its own value_function",
    "forward": "calls its own forward",
    "get_initial_state": "calls its own get_initial_state",
    "context": "uses its context()",
    "is_time_major": "asks for is_time_major()",
    "import_from_h5": "loads weights by import_from_h5()",
}

#: What a net under its old attribute may still be asked for.
NET_ATTRIBUTES = frozenset(
    {"parameters", "named_parameters", "to", "train", "eval", "num_outputs", "state_dict"}
    | {"load_state_dict", "requires_grad_", "zero_grad", "buffers", "cpu", "cuda", "float"}
)


def read_attributes(scope: Scope, configs: Configs, nets: Mapping[str, str], *, obs: str) -> bool:
    """Judge every `self.x` that ModelV2 or RLModule has a say in; True if the head size is read."""
    stored = {
        name
        for n in nodes_in(scope.node)
        if (name := self_attribute(n))
        and isinstance(getattr(n, "ctx", None), ast.Store)
        and not any(m.node is scope.parent(n) for m in scope.marks if m.kind == "drop")
    }
    reads_head = False
    for node in nodes_in(scope.node):
        name = self_attribute(node)
        if name is None or not isinstance(node, ast.Attribute) or id(node) in scope.handled:
            continue
        if not isinstance(node.ctx, ast.Load):
            continue
        if name == "model_config" and name not in stored:
            configs.read(node)
        elif name == "obs_space" and name not in stored:
            read_obs_space(scope, node, obs)
        elif name == "num_outputs" and name not in stored:
            reads_head = True
        elif name == "name" and name not in stored:
            read_model_name(scope, node)
        elif name in MODEL_ATTRIBUTES and name not in stored and name not in nets:
            scope.problem(node, MODEL_ATTRIBUTES[name])
    return reads_head


def check_nets(scope: Scope, nets: Mapping[str, str]) -> None:
    """Refuse uses of a net that its plain counterpart does not serve."""
    kinds = {"net_input", "net_batch", "net_flat"}
    understood = {id(m.node) for m in scope.marks if m.kind in kinds}
    asked = {"net_value", "net_value_of", "net_value_here"}
    values = {id(m.node) for m in scope.marks if m.kind in asked}
    dropped = {id(m.node) for m in scope.marks if m.kind == "drop"}
    for node in nodes_in(scope.node):
        name = self_attribute(node)
        if name not in nets or not isinstance(getattr(node, "ctx", None), ast.Load):
            continue
        if any(id(a) in dropped for a in scope.ancestors(node)):
            continue
        outer = scope.parent(node)
        call = scope.parent(outer)
        if {id(outer), id(call)} & understood or id(call) in values:
            continue
        if not isinstance(outer, ast.Attribute) or outer.attr not in NET_ATTRIBUTES:
            scope.problem(node, f"uses self.{name} in a way that is not understood")
