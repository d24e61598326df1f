"""A postprocessing that changes every reward by itself, as a learner connector.

reward_connector   write it; None where more than rewards change, or they depend on each other
"""

from __future__ import annotations

import ast
import copy

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.learners.other_words import EpisodeWords
from rlmigrate.migrate.learners.words import Surroundings
from rlmigrate.migrate.understanding.scope import body_without_docstring

CONNECTOR = "ray.rllib.connectors.connector_v2"
#: Functions of numpy that take each number by itself.
EACH = frozenset({"clip", "sign", "tanh", "abs", "absolute", "sqrt", "log1p", "exp", "square"})
EACH |= {"maximum", "minimum", "where", "array", "asarray"}
BODY = "            "


def reward_connector(
    around: Surroundings, policy: str, function: ast.FunctionDef, *, last: bool
) -> str | None:
    """Write the connector; `last` tells that the function's return is understood."""
    body = body_without_docstring(function)
    while len(body) == 1 and isinstance(body[0], ast.With):
        body = body[0].body
    words = EpisodeWords(around, function)
    if not last or len(function.args.args) < 2 or not isinstance(body[-1], ast.Return):
        return None
    batch = function.args.args[1].arg
    known, lines, changed = {"rewards"}, [], False
    for node in body[:-1]:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if not isinstance(node, ast.Assign) or len(node.targets) != 1 or target is None:
            return None
        value = _Rewards(words, batch).visit(copy.deepcopy(node.value))
        if not _alone(around, value, known):
            return None
        if isinstance(target, ast.Name):
            known.add(target.id)
            name = target.id
        elif _Rewards(words, batch).is_rewards(target):
            name, changed = "rewards", True
        else:
            return None
        if name != ast.unparse(value):
            lines.append(f"{BODY}{name} = {ast.unparse(value)}\n")
    return _text(around, policy, lines) if changed else None


class _Rewards(ast.NodeTransformer):
    """`sample_batch["rewards"]` as `rewards`."""

    def __init__(self, words: EpisodeWords, batch: str) -> None:
        self.words = words
        self.batch = batch

    def is_rewards(self, node: ast.AST) -> bool:
        """Say whether a node is the column of rewards."""
        of_batch = isinstance(node, ast.Subscript) and dotted(node.value) == self.batch
        return (
            of_batch and isinstance(node, ast.Subscript) and self.words.key(node.slice) == "rewards"
        )

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """The column, or what is inside of something else."""
        if self.is_rewards(node):
            return ast.copy_location(ast.Name("rewards", ast.Load()), node)
        return self.generic_visit(node)


def _alone(around: Surroundings, node: ast.expr, known: set[str]) -> bool:
    """Say whether an expression takes every reward by itself."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float)
    if isinstance(node, ast.Name):
        return node.id in known
    if isinstance(node, ast.UnaryOp):
        return _alone(around, node.operand, known)
    if isinstance(node, ast.BinOp):
        return _alone(around, node.left, known) and _alone(around, node.right, known)
    if isinstance(node, ast.Compare):
        return all(_alone(around, each, known) for each in (node.left, *node.comparators))
    if isinstance(node, ast.Call):
        home, _, name = (around.file.imports.qualified(node.func) or "").rpartition(".")
        given = [*node.args, *(k.value for k in node.keywords)]
        return home == "numpy" and name in EACH and all(_alone(around, a, known) for a in given)
    return False


def _text(around: Surroundings, policy: str, lines: list[str]) -> str:
    around.names.want(CONNECTOR, "ConnectorV2")
    numpy = around.file.imports.local_names("numpy")
    local = numpy[0] if numpy else around.names.want("numpy", "") or "numpy"
    column = f"{around.names.core('Columns')}.REWARDS"
    return (
        f"class {policy}Connector(ConnectorV2):\n"
        f'    """What {policy} did to its rewards, for config.learners(learner_connector=...)."""\n'
        "\n"
        "    def __call__(self, *, batch, episodes, **kwargs):\n"
        "        for episode in self.single_agent_episode_iterator(\n"
        f"{BODY}episodes, agents_that_stepped_only=False\n"
        "        ):\n"
        f"{BODY}rewards = {local}.asarray(episode.get_rewards(), {local}.float32)\n"
        f"{''.join(lines)}"
        f"{BODY}self.add_n_batch_items(batch, {column}, rewards, len(rewards), episode)\n"
        "        return batch\n"
    )
