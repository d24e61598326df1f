"""What is left of `ray.rllib.agents`: trainers as values, default configs, registries."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from rlmigrate.migrate.configs.consumers import (
    SUPPORTED,
    algorithm_of,
    config_name,
    consumers_of,
)
from rlmigrate.migrate.configs.dict_config import dict_findings
from rlmigrate.migrate.configs.lost_algorithms import nearest
from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.learners.algorithms import written_trainers
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule

CODE = "RLM413"
OLD_HOME = "ray.rllib.agents."
BASE_CONFIG = ("ray.rllib.algorithms.algorithm_config", "AlgorithmConfig")
BASE = ("ray.rllib.algorithms.algorithm", "Algorithm")
GETTER = ("ray.tune.registry", "get_trainable_cls")
GETTERS = frozenset({"get_agent_class", "get_trainer_class"})
DERIVE = "derive from {name} of {module} and override its methods"
#: Methods that an Algorithm has with the same arguments.
KEPT_METHODS = frozenset({"save_checkpoint", "load_checkpoint", "log_result", "cleanup"})
#: Methods of trainers that it lacks, or that do other things there.
HOOKS = frozenset(
    {"setup", "step", "train", "build", "evaluate", "execution_plan", "training_iteration"}
    | {"training_step", "get_default_config", "get_default_policy_class", "validate_config"}
    | {"validate_env", "default_resource_request", "resource_help", "merge_trainer_configs"}
    | {"compute_action", "compute_actions", "compute_single_action", "get_policy", "get_config"}
    | {"get_weights", "set_weights", "add_policy", "remove_policy", "export_model", "restore"}
    | {"save", "reset_config", "try_recover_from_step_attempt", "on_worker_failures"}
    | {"try_recover", "collect_metrics", "export_policy_model", "export_policy_checkpoint"}
)


@dataclass(frozen=True)
class Became:
    """What a name becomes; without text it is left to a person."""

    message: str
    text: str = ""
    wanted: frozenset[tuple[str, str]] = frozenset()


def check(context: FileContext) -> Iterable[Finding]:
    """Find the names where no config rule has rewritten the call around them."""
    entry = context.index.files.get(context.source.path)
    if entry is None:
        return
    nodes = nodes_of(context)
    consumers = consumers_of(context)
    taken = {id(node) for c in consumers for node in (c.call.func, c.what) if node is not None}
    for each in written_trainers(context.source, context.index):
        taken.add(id(each.trainer.reference))
    rewritten = [edit.span for finding in dict_findings(context) for edit in finding.edits]
    for node in (*nodes.of(ast.Name), *nodes.of(ast.Attribute)):
        qualified = entry.imports.qualified(node) or ""
        stored = not isinstance(getattr(node, "ctx", None), ast.Load)
        if stored or not qualified.startswith(OLD_HOME) or id(node) in taken:
            continue
        start = context.source.span(node).start
        if any(span.start <= start < span.end for span in rewritten):
            continue
        became = _became(context, nodes, node, qualified)
        if became is not None:
            yield _finding(context, node, qualified, became)


def _became(context: FileContext, nodes: Nodes, node: ast.expr, qualified: str) -> Became | None:
    name = qualified.rpartition(".")[2]
    algorithm = algorithm_of(qualified)
    parent = nodes.parents.get(node)
    if name == "DEFAULT_CONFIG":
        owner = qualified.split(".")[3].upper()
        if owner not in SUPPORTED:
            return Became(f"{qualified} is gone: {nearest(owner) or owner}")
        config, imports = config_name(context, owner)
        text = f"{config}().to_dict()"
        return Became(f"{name} is now {text}", text, imports.wanted)
    if name == "COMMON_CONFIG":
        return Became(
            f"{name} is now AlgorithmConfig().to_dict()",
            "AlgorithmConfig().to_dict()",
            frozenset({BASE_CONFIG}),
        )
    if name in GETTERS:
        return Became(f"{name} is now get_trainable_cls", GETTER[1], frozenset({GETTER}))
    if name == "build_trainer":
        return Became("build_trainer() is gone: " + DERIVE.format(name=BASE[1], module=BASE[0]))
    home = BASE if name == "Trainer" else None
    if algorithm and name.endswith("Trainer"):
        if algorithm not in SUPPORTED:
            return Became(f"{name} is gone: {nearest(algorithm) or algorithm}")
        home = (f"ray.rllib.algorithms.{SUPPORTED[algorithm]}", algorithm)
    if home is None:
        return None
    derives = DERIVE.format(name=home[1], module=home[0])
    if isinstance(parent, ast.ClassDef) and node in parent.bases and not _overrides_same(parent):
        return Became(f"{name} is gone: {derives}")
    if isinstance(parent, ast.Attribute) and parent.attr == "with_updates":
        return Became(f"{name}.with_updates() is gone: {derives}")
    if _bound(context, nodes, ".".join(home), home[1]):
        return Became(f"{name} is now {'.'.join(home)}, but the file has another {home[1]}")
    return Became(f"{name} is now {home[1]}", home[1], frozenset({home}))


def _overrides_same(node: ast.ClassDef) -> bool:
    """Whether a class overrides nothing of a trainer but what an Algorithm has as well."""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef):
            own = not statement.name.startswith("_") and statement.name not in HOOKS
            if statement.name not in KEPT_METHODS and not own:
                return False
        elif not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            return False
    return any(isinstance(statement, ast.FunctionDef) for statement in node.body)


def _bound(context: FileContext, nodes: Nodes, qualified: str, name: str) -> bool:
    """Whether the file knows something else by the name."""
    known = context.index.files[context.source.path].imports.names.get(name)
    if known is not None:
        return not (known.startswith("ray.rllib.") and qualified.endswith(f".{name}"))
    return bool(nodes.bindings(name, nodes.tree))


def _finding(context: FileContext, node: ast.expr, qualified: str, became: Became) -> Finding:
    item = Item(
        path=str(context.source.path),
        line=node.lineno,
        name=qualified,
        kind=Kind.CONFIG,
        outcome=Outcome.NATIVE if became.text else Outcome.MANUAL,
        code=CODE,
        message=became.message,
        new_name=became.text or None,
        column=node.col_offset,
    )
    if not became.text:
        return Finding(item)
    imports = Imports(became.wanted, frozenset({qualified}))
    whole = _copied(nodes_of(context), node) if became.text.endswith(".to_dict()") else None
    return Finding(item, (Edit(context.source.span(whole or node), became.text, CODE),), imports)


def _copied(nodes: Nodes, node: ast.expr) -> ast.Call | None:
    """The call in `node.copy()`, which what to_dict() made does not need."""
    method = nodes.parents.get(node)
    call = nodes.parents.get(method) if isinstance(method, ast.Attribute) else None
    if not (isinstance(method, ast.Attribute) and isinstance(call, ast.Call)):
        return None
    return call if method.attr == "copy" and call.func is method and not call.args else None


RULE = Rule(
    code=CODE,
    name="agents-names",
    kind=Kind.CONFIG,
    summary="Trainers as values, default configs and registries of ray.rllib.agents move.",
    explanation="""
`ray.rllib.agents` is gone as a whole. A trainer class that is passed around is now the algorithm's
class, a DEFAULT_CONFIG is `XConfig().to_dict()`, `get_agent_class(name)` is Tune's
`get_trainable_cls(name)`. What derives from a trainer, or was built by `build_trainer` and
`with_updates`, is left to a person: an Algorithm of today is another class.
""",
    check=check,
    since="2.0",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    words=frozenset({"agents"}),
    unchanged=(
        Case(
            "agents_of_the_project",
            """
import ray.rllib
from agents.ppo import DEFAULT_CONFIG, PPOTrainer

TRAINERS = {"ppo": (PPOTrainer, DEFAULT_CONFIG)}
""",
        ),
    ),
    cases=(
        Case(
            "name_that_is_bound_again",
            """
import ray.rllib
from ray.rllib.agents.ppo import DEFAULT_CONFIG

DEFAULT_CONFIG = {}
print(ray)
""",
            """
import ray.rllib

DEFAULT_CONFIG = {}
print(ray)
""",
        ),
        Case(
            "values",
            """
from ray.rllib.agents import ppo
from ray.rllib.agents.dqn import DQNTrainer
from ray.rllib.agents.registry import get_agent_class

TRAINERS = {"dqn": DQNTrainer, "ppo": ppo.PPOTrainer}
SETTINGS = ppo.DEFAULT_CONFIG.copy()
other = get_agent_class("SAC")
""",
            """
from ray.rllib.algorithms.dqn import DQN
from ray.rllib.algorithms.ppo import PPO, PPOConfig
from ray.tune.registry import get_trainable_cls

TRAINERS = {"dqn": DQN, "ppo": PPO}
SETTINGS = PPOConfig().to_dict()
other = get_trainable_cls("SAC")
""",
        ),
        Case(
            "derived_trainer_that_saves_more",
            """
import torch
from ray.rllib.agents.dqn import DQNTrainer


class Saving(DQNTrainer):
    def save_checkpoint(self, checkpoint_dir):
        super().save_checkpoint(checkpoint_dir)
        torch.save(self.get_policy().model.state_dict(), checkpoint_dir + "/more")
""",
            """
import torch
from ray.rllib.algorithms.dqn import DQN


class Saving(DQN):
    def save_checkpoint(self, checkpoint_dir):
        super().save_checkpoint(checkpoint_dir)
        torch.save(self.get_module().state_dict(), checkpoint_dir + "/more")
""",
        ),
        Case(
            "derived_trainer",
            """
from ray.rllib.agents.ppo import PPOTrainer


class Mine(PPOTrainer):
    pass
""",
            """
from ray.rllib.agents.ppo import PPOTrainer


# TODO(rlmigrate RLM413): PPOTrainer is gone: derive from PPO of ray.rllib.algorithms.ppo and
#     override its methods
class Mine(PPOTrainer):
    pass
""",
        ),
    ),
)
