"""Old names inside a policy's methods, and what the new stack calls them.

Words      one method being written for an RLModule
COLUMNS    what Columns of the new stack knows, by the old value
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.policies.problem import NotMovable
from rlmigrate.migrate.policies.reading import inner_returns
from rlmigrate.migrate.policies.remarks import opening
from rlmigrate.migrate.policies.rewriting import KeyRead, Rewriting
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.understanding.scope import self_attribute
from rlmigrate.migrate.understanding.vocabulary import CUSTOM_CONFIG, MODEL_DEFAULTS

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        name.lower(): name
        for name in [
            "OBS",
            "INFOS",
            "ACTIONS",
            "REWARDS",
            "TERMINATEDS",
            "TRUNCATEDS",
            "EPS_ID",
            "AGENT_ID",
            "MODULE_ID",
            "SEQ_LENS",
            "T",
            "ACTION_DIST_INPUTS",
            "ACTION_PROB",
            "ACTION_LOGP",
            "VF_PREDS",
            "ADVANTAGES",
            "VALUE_TARGETS",
        ]
    }
    | {"new_obs": "NEXT_OBS"}
)
#: Names of SampleBatch and Postprocessing whose values are not the name in small letters.
VALUES = {"CUR_OBS": "obs", "NEXT_OBS": "new_obs", "DONES": "dones"}

#: Where distributions of the old stack live.
OLD_DISTRIBUTIONS = "ray.rllib.models.torch.torch_action_dist."
#: Those whose new counterpart computes the same numbers, after from_logits().
SAME_DISTRIBUTIONS = frozenset({"TorchCategorical", "TorchDiagGaussian"})

#: Modules of RLlib whose names mean the same on both stacks.
SHARED = ("ray.rllib.utils.", "ray.rllib.core.", "ray.rllib.env.")

#: What a policy of the old stack offers and an RLModule does not.
POLICY_MEMBERS = frozenset(
    [
        "action_space_struct",
        "exploration",
        "global_timestep",
        "view_requirements",
        "model_gpu_towers",
        "target_model",
        "target_models",
        "tower_stats",
        "_lazy_tensor_dict",
        "framework",
        "callbacks",
        "devices",
        "max_seq_len",
        "num_grad_updates",
        "dist_inputs",
        "unwrapped_model",
        "observation_space_struct",
        "_optimizers",
        "_state_inputs",
        "compute_actions",
        "compute_single_action",
        "get_exploration_state",
        "compute_actions_from_input_dict",
        "postprocess_trajectory",
    ]
)


@dataclass
class Owner:
    """The class that methods are written for.

    `known` are attributes and methods that the new class has; `recurrent` tells that its batches
    have a time axis; `obs` whether observations are as the old policy saw them; `asked`
    collects keys of the old config that it reads.
    """

    source: SourceFile
    file: FileEntry
    names: Names
    known: set[str] = field(default_factory=set)
    inherited: set[str] = field(default_factory=set)
    recurrent: bool = False
    embedded: bool = False  # its _forward_train() returns EMBEDDINGS, and the others call it
    phased: bool = False  # exploration and inference have distributions of their own
    obs: str = "whole"
    asked: set[str] = field(default_factory=set)
    inputs: set[str] = field(default_factory=set)  # columns that PolicyInputs supplies
    used: set[str] = field(default_factory=set)  # attributes that methods other than __init__ read
    distributions: dict[str, str] = field(default_factory=dict)  # rewritten ones: name to name


class Words(Rewriting):
    """One method; `roles` tells what its parameters were: "model", "batch", "states" and so on.

    `explore` fixes which of the two forward methods is written; None leaves both possible.
    """

    def __init__(
        self,
        owner: Owner,
        method: ast.FunctionDef,
        roles: Mapping[str, str],
        *,
        explore: bool | None = None,
    ) -> None:
        super().__init__(owner.source)
        self.owner = owner
        self.method = method
        self.roles = dict(roles)
        self.explore = explore

    def column(self, key: str) -> str:
        """A key of a batch as the new stack writes it."""
        known = COLUMNS.get(key)
        return f"{self.owner.names.core('Columns')}.{known}" if known else f'"{key}"'

    def role(self, node: ast.AST | None) -> str | None:
        """What a name is: one of the roles; `self.model` is the model too."""
        if isinstance(node, ast.Name):
            return self.roles.get(node.id)
        if node is not None and self_attribute(node) == "model":
            return "model"
        return None

    def key(self, node: ast.expr) -> str | None:
        """The string that a key stands for, names of SampleBatch and Postprocessing included."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        owner, _, name = (dotted(node) or "").rpartition(".")
        found = self.owner.file.imports.resolve(owner) or owner if owner else ""
        if found.endswith(("SampleBatch", "Postprocessing", "Columns")):
            return VALUES.get(name, name.lower())
        return None

    def rllib(self, node: ast.expr) -> str | None:
        """The dotted name of something of RLlib; None for anything else."""
        found = self.owner.file.imports.qualified(node)
        return found if found and found.startswith(("ray.rllib.", "rllib.")) else None

    def truth(self, node: ast.expr) -> bool | None:
        """Say what a condition on `explore` is in the method that is written."""
        if self.role(node) == "explore" or self._from_kwargs(node) == "explore":
            return self.explore
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.truth(node.operand)
            return None if inner is None else not inner
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            inner, value = self.truth(node.left), node.comparators[0]
            if (
                inner is not None
                and isinstance(value, ast.Constant)
                and value.value in (True, False)
            ):
                same = inner is value.value
                return not same if isinstance(node.ops[0], ast.IsNot | ast.NotEq) else same
        if isinstance(node, ast.BoolOp):
            values = [self.truth(each) for each in node.values]
            decisive = isinstance(node.op, ast.Or)
            if decisive in values:
                return decisive
            return (not decisive) if None not in values else None
        return None

    def _from_kwargs(self, node: ast.expr) -> str | None:
        """The key of `kwargs["key"]` and `kwargs.get("key", ...)`."""
        if isinstance(node, ast.Subscript) and self.role(node.value) == "kwargs":
            return self.key(node.slice)
        func = node.func if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and isinstance(func, ast.Attribute) and node.args:
            asks = func.attr in {"get", "pop"} and self.role(func.value) == "kwargs"
            return self.key(node.args[0]) if asks else None
        return None

    def replacement(self, node: ast.AST) -> str | None:
        """Ask `on_...` for the node's type; look inside where that has nothing to say."""
        if isinstance(node, ast.Return) and node in inner_returns(self.method):
            return None
        handler = getattr(self, f"on_{type(node).__name__}", None)
        return handler(node) if handler is not None else None

    def block(self, statements: Sequence[ast.stmt], *, first: int, indent: str) -> str:
        """Leave out what stands behind a return that is reached for certain."""
        for i, each in enumerate(statements):
            chosen = self.truth(each.test) if isinstance(each, ast.If) else None
            if isinstance(each, ast.If) and chosen is not None:
                side = each.body if chosen else each.orelse
                if side and isinstance(side[-1], ast.Return | ast.Raise):
                    statements = statements[: i + 1]
                    break
        return super().block(statements, first=first, indent=indent)

    def on_If(self, node: ast.If) -> str | None:
        """Keep the side that is meant, without the question."""
        chosen = self.truth(node.test)
        if chosen is None:
            return None
        side = node.body if chosen else node.orelse
        if not side:
            return ""
        start = self.source.line_span(node.lineno, node.lineno).start
        line = self.source.text[start : self.source.offset(node.lineno, node.col_offset)]
        if line.strip():  # an elif
            raise NotMovable(node, "asks for explore in an elif")
        header = node.test.end_lineno if chosen else node.body[-1].end_lineno
        first = opening(self.source, side[0]) if not chosen else (header or node.lineno) + 1
        return self.block(side, first=first, indent=line).rstrip("\n")[len(line) :]

    def on_IfExp(self, node: ast.IfExp) -> str | None:
        """Keep the side that is meant."""
        chosen = self.truth(node.test)
        if chosen is None:
            return None
        return self.text(node.body if chosen else node.orelse)

    def on_Name(self, node: ast.Name) -> str | None:
        """Judge a name that stands by itself."""
        if not isinstance(node.ctx, ast.Load):
            if node.id in self.roles and self.roles[node.id] in {"model", "batch", "explore"}:
                raise NotMovable(node, f"rebinds {node.id}")
            return None
        role = self.roles.get(node.id)
        if role == "explore":
            if self.explore is None:
                raise NotMovable(node, "reads explore")
            return str(self.explore)
        if role is not None:
            return self.on_role(node, role)
        return self._ray_name(node)

    def on_role(self, node: ast.Name, role: str) -> str | None:
        """What a parameter becomes that is used as a whole."""
        if role == "config":
            raise NotMovable(node, "uses its config as a whole")
        raise NotMovable(node, f"uses {node.id} in a way that is not understood")

    def _ray_name(self, node: ast.Name | ast.Attribute) -> str | None:
        found = self.rllib(node)
        if found is None or found.startswith(SHARED):
            return None
        raise NotMovable(node, f"uses {found.rpartition('.')[2]} of RLlib")

    def on_Attribute(self, node: ast.Attribute) -> str | None:
        """Judge `self.x`, `model.x` and dotted names of RLlib."""
        if node.attr == "original_space" and self._is_space(node.value):
            return "self.observation_space"
        key = self.key(node)
        if key is not None and not isinstance(node.value, ast.Constant):
            return self.column(key)
        if self.role(node) == "model":
            raise NotMovable(node, "uses self.model in a way that is not understood")
        if self.role(node.value) == "model":
            return self.on_model_attribute(node)
        attribute = self_attribute(node)
        if attribute is not None:
            return self.on_own(node, attribute)
        return self._ray_name(node)

    def _is_space(self, node: ast.expr) -> bool:
        """The observation space, which is the environment's own on the new stack."""
        return self_attribute(node) == "observation_space" or self.role(node) == "obs_space"

    def on_model_attribute(self, node: ast.Attribute) -> str | None:
        """`model.x` is `self.x` of the module that the model became."""
        if node.attr not in self.owner.inherited:
            raise NotMovable(node, f"uses {node.attr} of its model")
        return f"self.{node.attr}"

    def on_own(self, node: ast.Attribute, attribute: str) -> str | None:
        """`self.x` of the old policy."""
        if attribute in {"action_space", "observation_space", *self.owner.known}:
            return None
        if attribute == "device":
            return "next(self.parameters()).device"
        if attribute == "config":
            raise NotMovable(node, "uses its config as a whole")
        if not isinstance(node.ctx, ast.Load):
            if attribute in POLICY_MEMBERS:
                raise NotMovable(node, f"sets self.{attribute} of the old policy")
            return None
        raise NotMovable(node, f"uses self.{attribute} of the old policy")

    def on_Subscript(self, node: ast.Subscript) -> str | None:
        """Keys of the batch, of kwargs and of the config."""
        if self.role(node.value) == "batch":
            return self.on_batch_key(node, self.key(node.slice))
        if self.role(node.value) == "kwargs":
            return self.on_kwargs_key(node, self.key(node.slice))
        return self.config_text(node)

    def on_batch_key(self, node: ast.expr, key: str | None) -> str:
        """One column of what the policy was given."""
        if key != "obs":
            raise NotMovable(node, f"reads {key or 'a computed key'} of its input")
        return self.obs_text(node)

    def obs_text(self, node: ast.AST) -> str:
        """The observation as the old policy saw it."""
        text = f"batch[{self.column('obs')}]"
        if self.owner.obs != "whole":
            names = self.owner.names
            made = names.layer("preprocess" if names.framework == "tf" else "preprocessed")
            text = f"{made}({text}, self.observation_space)"
        return f"{text}.flatten(0, 1)" if self.owner.recurrent else text

    def on_kwargs_key(self, node: ast.expr, key: str | None) -> str:
        """One keyword of what the policy was called with."""
        if key == "explore" and self.explore is not None:
            return str(self.explore)
        if key == "timestep" and self.explore:
            return 'kwargs.get("t", 0)'
        raise NotMovable(node, f"reads the keyword {key or 'of a computed name'}")

    def on_Call(self, node: ast.Call) -> str | None:
        """Calls of kwargs.get, config.get and the model."""
        found = self._from_kwargs(node)
        if found is not None:
            return self.on_kwargs_key(node, found)
        if isinstance(node.func, ast.Attribute):
            if node.func.attr == "get" and self.role(node.func.value) == "batch" and node.args:
                return self.on_batch_key(node, self.key(node.args[0]))
            if isinstance(node.func.value, ast.Call) and dotted(node.func.value.func) == "super":
                raise NotMovable(node, f"calls super().{node.func.attr}()")
        return self.config_text(node)

    def config_text(self, node: ast.expr) -> str | None:
        """Where `config["key"]`, `.get("key")` and the model config inside are read now."""
        steps = self._config_steps(node)
        if not steps:
            return None
        (key, _), rest = steps[0], steps[1:]
        if key == "model":
            if not rest:
                raise NotMovable(node, "uses its model config as a whole")
            (key, default), rest = rest[0], rest[1:]
            if key in CUSTOM_CONFIG:
                if not rest:
                    raise NotMovable(node, "uses custom_model_config as a whole")
                steps = rest
            elif key in MODEL_DEFAULTS:
                return f'self.model_config.get("{key}", {MODEL_DEFAULTS[key]})' + _keys(rest)
            else:
                steps = [(key, default), *rest]
        self.owner.asked.add(steps[0][0])
        return "self.model_config" + _keys(steps)

    def _config_steps(self, node: ast.expr) -> list[tuple[str, str | None]]:
        """Keys from the config down to a node; nothing where it is not read there."""
        read = KeyRead.of(node)
        if read is None:
            return []
        owner, index, call = read
        default = None
        if call is not None:
            given = call.args[1:] or [k.value for k in call.keywords]
            default = self.text(given[0]) if given else "None"
        whole = self_attribute(owner) == "config" or self.role(owner) == "config"
        before = [] if whole else self._config_steps(owner)
        if not whole and not before:
            return []
        key = self.key(index)
        if key is None:
            raise NotMovable(node, "reads a computed key of its config")
        return [*before, (key, default)]


def _keys(steps: list[tuple[str, str | None]]) -> str:
    return "".join(
        f'["{key}"]' if default is None else f'.get("{key}"' + _default(default) + ")"
        for key, default in steps
    )


def _default(text: str) -> str:
    return "" if text == "None" else f", {text}"
