"""A learner connector with the code that a policy changed its samples by.

adds_advantages   whether a statement does what the Learner's own connectors do
only_advantages   whether a postprocessing does what the Learner's own connectors do
write_connector   write one
"""

from __future__ import annotations

import ast
import copy

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.learners.other_words import EpisodeWords
from rlmigrate.migrate.learners.words import CODE, Surroundings, whole_method
from rlmigrate.migrate.understanding.scope import body_without_docstring

BODY = "        "
CONNECTOR = "ray.rllib.connectors.connector_v2"
#: Functions of RLlib that add advantages as the connectors of a Learner do, by old base.
SAME = {
    "PPOTorchPolicy": frozenset({"compute_gae_for_sample_batch", "postprocess_ppo_gae"}),
    "A3CTorchPolicy": frozenset({"compute_gae_for_sample_batch", "postprocess_advantages"}),
    "PGTorchPolicy": frozenset({"post_process_advantages", "postprocess_advantages"}),
}


def only_advantages(file: FileEntry, function: ast.FunctionDef, base: str) -> bool:
    """Say whether a function only does what the Learner of its base does of its own accord."""
    if base not in SAME:
        return False
    body = body_without_docstring(function)
    while len(body) == 1 and isinstance(body[0], ast.With):
        body = body[0].body
    return bool(body) and all(adds_advantages(file, each, base) for each in body)


def adds_advantages(file: FileEntry, node: ast.stmt, base: str) -> bool:
    """Say whether a statement only calls what the Learner of the base does itself."""
    value = node.value if isinstance(node, ast.Return | ast.Assign) else None
    if not isinstance(value, ast.Call) or base not in SAME:
        return False
    if isinstance(value.func, ast.Attribute) and isinstance(value.func.value, ast.Call):
        return value.func.attr == "postprocess_trajectory"
    name = (dotted(value.func) or "").rpartition(".")[2]
    return name in SAME[base] and _of_ray(file, value.func)


def last_statement(function: ast.FunctionDef) -> ast.stmt:
    """The last statement of a function, inside of a `with` around all of it."""
    body = body_without_docstring(function)
    while len(body) == 1 and isinstance(body[0], ast.With):
        body = body[0].body
    return body[-1]


def _of_ray(file: FileEntry, node: ast.expr) -> bool:
    return (file.imports.qualified(node) or "").startswith("ray.rllib.")


def _unannotated(arguments: ast.arguments) -> str:
    """Parameters without types: batches, policies and episodes are no longer the old ones."""
    plain = copy.deepcopy(arguments)
    for node in ast.walk(plain):
        if isinstance(node, ast.arg):
            node.annotation = None
    return ast.unparse(plain)


def write_connector(around: Surroundings, policy: str, function: ast.FunctionDef) -> str:
    """Write the connector; other agents' samples are left to a person."""
    words = EpisodeWords(around, function)
    names = around.names
    names.want(CONNECTOR, "ConnectorV2")
    columns = names.core("Columns")
    positional = len(function.args.args) - 1
    values = ["dict(columns)", "{}", "episode"]
    given = values if function.args.vararg else values[:positional]
    head = _unannotated(function.args).partition(",")[2].strip()
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
    moved = whole_method(f"    def postprocess(self, module, {head}):\n{body}", function)
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
