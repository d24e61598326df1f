"""A Learner and a connector with the code that a policy learned by.

Hooks          functions that learned, by their place
Skeleton       the text of the new classes, and the imports they need
write_learner  write them
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from rlmigrate.migrate.edits import Imports
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.learners.words import CODE, LearnerWords, Place
from rlmigrate.migrate.source import SourceFile

BODY = "        "
CONNECTOR = "ray.rllib.connectors.connector_v2"
LEARNERS: Mapping[str, tuple[str, str]] = {
    name: (f"ray.rllib.algorithms.{folder}.torch.{folder}_torch_learner", f"{prefix}TorchLearner")
    for name, folder, prefix in (
        ("PPOTorchPolicy", "ppo", "PPO"),
        ("APPOTorchPolicy", "appo", "APPO"),
        ("AsyncPPOTorchPolicy", "appo", "APPO"),
        ("ImpalaTorchPolicy", "impala", "IMPALA"),
        ("VTraceTorchPolicy", "impala", "IMPALA"),
        ("DQNTorchPolicy", "dqn", "DQN"),
        ("SACTorchPolicy", "sac", "SAC"),
        ("CQLTorchPolicy", "cql", "CQL"),
        ("MARWILTorchPolicy", "marwil", "MARWIL"),
    )
}
PLAIN = ("ray.rllib.core.learner.torch.torch_learner", "TorchLearner")
#: Parameters of a loss after the policy.
LOSS_ROLES = ("model", "dist_class", "batch")


@dataclass(frozen=True)
class Hooks:
    """Functions of a policy by where their code goes; each with the name of its first parameter.

    `elsewhere` are functions of other files: the argument they were given to, and their name.
    """

    found: Mapping[Place, ast.FunctionDef] = field(default_factory=dict)
    helpers: tuple[ast.FunctionDef, ...] = ()
    elsewhere: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Skeleton:
    """What stands beside the policy; `names` are the new classes."""

    text: str
    imports: Imports
    names: tuple[str, ...]
    asked: tuple[str, ...]


def write_learner(
    source: SourceFile, file: FileEntry, names: Names, *, policy: str, base: str, hooks: Hooks
) -> Skeleton:
    """Write the Learner of a policy, and a connector where it changed its samples."""
    home, learner = LEARNERS.get(base, PLAIN)
    known = frozenset(helper.name for helper in hooks.helpers)
    asked: set[str] = set()
    ppo = base in {"PPOTorchPolicy", "APPOTorchPolicy"}

    def words(function: ast.FunctionDef, place: Place) -> LearnerWords:
        return LearnerWords(
            source, file, names, function,
            place=place, roles=_roles(function, place), known=known, ppo=ppo,
        )  # fmt: skip

    methods = []
    for place, function in hooks.found.items():
        if place is Place.EPISODES:
            continue
        each = words(function, place)
        methods.append(_whole(_method(each, place, names), function))
        asked |= each.asked
    for helper in hooks.helpers:
        each = words(helper, Place.HELPER)
        plain = [ast.unparse(d) for d in helper.decorator_list]
        mark = "".join(f"    @{d}\n" for d in plain if d in {"staticmethod", "property"})
        text = f"{mark}    def {helper.name}({ast.unparse(helper.args)}):\n{each.written(BODY)}"
        methods.append(_whole(text, helper))
        asked |= each.asked
    blocks, made = [], []
    if methods or hooks.elsewhere:
        names.want(home, learner)
        lines = [f'    """What {policy} learned by, for config.training(learner_class=...)."""\n']
        for argument, function_name in hooks.elsewhere:
            lines.append(
                f"\n    # TODO(rlmigrate {CODE}): move {function_name}() here, {argument} of the"
                " policy.\n"
            )
        made.append(f"{policy}Learner")
        body = "".join(lines) + "".join(f"\n{method}" for method in methods)
        blocks.append(f"class {policy}Learner({learner}):\n{body}")
    if Place.EPISODES in hooks.found:
        each = words(hooks.found[Place.EPISODES], Place.EPISODES)
        made.append(f"{policy}Connector")
        blocks.append(_connector(each, policy, names))
        asked |= each.asked
    text = "\n\n".join(blocks)
    return Skeleton(text, Imports(frozenset(names.wanted)), tuple(made), tuple(sorted(asked)))


def _whole(method: str, function: ast.FunctionDef) -> str:
    """A method that can be parsed; one that cannot is left where it was."""
    try:
        ast.parse(f"class _:\n{method}")
    except SyntaxError:
        head = method[: method.index(":\n") + 2]
        return (
            f"{head}{BODY}# TODO(rlmigrate {CODE}): move {function.name}() of the policy here.\n"
            f"{BODY}raise NotImplementedError\n"
        )
    return method


def _roles(function: ast.FunctionDef, place: Place) -> dict[str, str]:
    arguments = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    static = not arguments
    if static:
        return {}
    roles = {arguments[0]: "policy"}
    if place is Place.LOSS:
        roles |= dict(zip(arguments[1:], LOSS_ROLES, strict=False))
    elif place is Place.OPTIMIZER:
        roles |= dict(zip(arguments[1:], ("config",), strict=False))
    return roles


def _method(words: LearnerWords, place: Place, names: Names) -> str:
    body = words.written(BODY)
    if place is Place.OPTIMIZER:
        head = "    def configure_optimizers_for_module(self, module_id, config):\n"
        return f"{head}{BODY}module = self._module[module_id]\n{body}"
    opening = ""
    if re.search(r"\bmodule\b", body):
        opening += f"{BODY}module = self.module[module_id].unwrapped()\n"
    dist = next((n for n, role in words.roles.items() if role == "dist_class"), "")
    if dist and re.search(rf"\b{dist}\b", body):
        opening = f"{BODY}module = self.module[module_id].unwrapped()\n"
        opening += f"{BODY}{dist} = module.get_train_action_dist_cls()\n"
    if not words.masked and "torch.mean" in body:
        opening += (
            f"{BODY}# TODO(rlmigrate {CODE}): leave out padded steps, where\n"
            f"{BODY}#     batch[{names.core('Columns')}.LOSS_MASK] is False, from every mean.\n"
        )
    head = "    def compute_loss_for_module(self, *, module_id, config, batch, fwd_out):\n"
    return f"{head}{opening}{body}"


def _connector(words: LearnerWords, policy: str, names: Names) -> str:
    names.want(CONNECTOR, "ConnectorV2")
    columns = names.core("Columns")
    positional = len(words.function.args.args) - 1
    values = ["dict(columns)", "{}", "episode"]
    given = values if words.function.args.vararg else values[:positional]
    head = ast.unparse(words.function.args).partition(",")[2].strip()
    body = words.written(BODY)
    others = ""
    if len(given) > 1:
        mark = f"# TODO(rlmigrate {CODE})"
        others = f"{BODY}    {mark}: other agents' samples are in the other episodes.\n"
    configured = ""
    if "self.config" in body:
        configured = (
            "    def __init__(self, *args, config, **kwargs):\n"
            f"{BODY}super().__init__(*args, **kwargs)\n"
            f"{BODY}self.config = config  # that of the algorithm\n"
            "\n"
        )
    moved = _whole(f"    def postprocess(self, module, {head}):\n{body}", words.function)
    return (
        f"class {policy}Connector(ConnectorV2):\n"
        f'    """What {policy} did to its samples, for config.learners(learner_connector=...)."""\n'
        "\n"
        f"{configured}"
        "    def __call__(\n"
        "        self, *, rl_module, batch, episodes, explore=None, shared_data=None, **kwargs\n"
        "    ):\n"
        f"{BODY}iterator = self.single_agent_episode_iterator(\n"
        f"{BODY}    episodes, agents_that_stepped_only=False\n"
        f"{BODY})\n"
        f"{BODY}for episode in iterator:\n"
        f"{BODY}    steps = len(episode)\n"
        f"{BODY}    columns = {{\n"
        f"{BODY}        {columns}.OBS: episode.get_observations(slice(0, steps)),\n"
        f"{BODY}        {columns}.ACTIONS: episode.get_actions(),\n"
        f"{BODY}        {columns}.REWARDS: episode.get_rewards(),\n"
        f"{BODY}        **{{\n"
        f"{BODY}            key: episode.get_extra_model_outputs(key)\n"
        f"{BODY}            for key in episode.extra_model_outputs\n"
        f"{BODY}        }},\n"
        f"{BODY}    }}\n"
        f"{BODY}    module = rl_module[episode.module_id] if episode.module_id else rl_module\n"
        f"{others}"
        f"{BODY}    changed = self.postprocess(module, {', '.join(given)})\n"
        f"{BODY}    for key, values in changed.items():\n"
        f"{BODY}        if values is not columns.get(key):\n"
        f"{BODY}            self.add_n_batch_items(batch, key, values, steps, episode)\n"
        f"{BODY}return batch\n"
        "\n"
        f"{moved}"
    )
