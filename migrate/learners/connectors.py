"""A learner connector with the code that a policy changed its samples by.

adds_advantages   whether a statement does what the Learner's own connectors do
only_advantages   whether a postprocessing does what the Learner's own connectors do
write_connector   write one
"""

from __future__ import annotations

import ast
import copy

from rlmigrate.migrate.engine.todo import render
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.learners.other_words import EpisodeWords
from rlmigrate.migrate.learners.words import CODE, Surroundings, whole_method
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import body_without_docstring

BODY = "        "
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


def write_connector(
    around: Surroundings, policy: str, function: ast.FunctionDef, *, what: str = ""
) -> str:
    """Write the connector; `what` says what it does where it is not that of one policy."""
    words = EpisodeWords(around, function)
    base = around.names.layer("SampleConnector")
    head = _unannotated(function.args).partition(",")[2].strip()
    body = words.written(BODY)
    named, mark = _others(function)
    moved = whole_method(f"    def postprocess(self, module, {head}):\n{body}", function)
    return (
        f"class {policy}Connector({base}):\n"
        f'    """What {what or f"{policy} did to its samples"}, '
        'for config.learners(learner_connector=...)."""\n'
        "\n"
        f"{named}{mark}"
        f"{moved}"
    )


def _others(function: ast.FunctionDef) -> tuple[str, str]:
    """How the function takes the samples of another agent: as pairs, or with a policy's name.

    Ray 1 handed out (policy, batch), Ray 2 (id, policy, batch).
    """
    arguments = [a.arg for a in function.args.args][2:3]
    read = [n for n in nodes_in(function) if isinstance(n, ast.Name) and n.id in arguments]
    if not read:
        return "", ""
    sizes = set()
    for node in nodes_in(function):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.For | ast.comprehension):
            targets = [node.target]
        for target in targets:
            within = [n for n in nodes_in(target) if isinstance(n, ast.Tuple | ast.List)]
            inner = [n for n in within if not any(isinstance(e, ast.Tuple) for e in n.elts)]
            sizes |= {len(n.elts) for n in inner if len(n.elts) > 1 and _anonymous(n)}
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            place = node.slice.value
            if isinstance(node.value, ast.Subscript) and isinstance(place, int) and place in {1, 2}:
                sizes.add(place + 1)
    if sizes & {2, 3} == {3}:
        return "    named_others = True  # others are (module id, module, columns)\n\n", ""
    if sizes & {2, 3} == {2}:
        return "", ""
    text = "others are (module, columns); set named_others = True where an id comes first"
    return "", render(CODE, text, "    ") + "\n"


def _anonymous(node: ast.Tuple | ast.List) -> bool:
    """Say whether what comes first in an unpacking is thrown away, as policies mostly are."""
    first = node.elts[0]
    return isinstance(first, ast.Name) and first.id.startswith("_")
