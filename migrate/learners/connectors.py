"""A learner connector with the code that a policy changed its samples by.

only_advantages   whether a postprocessing does what the Learner's own connectors do
write_connector   write one
"""

from __future__ import annotations

import ast
import copy

from rlmigrate.migrate.engine.todo import render
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.learners.other_words import EpisodeWords
from rlmigrate.migrate.learners.samples import SAME, Samples, adds_advantages, read_samples
from rlmigrate.migrate.learners.words import CODE, Surroundings, whole_method
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import body_without_docstring

BODY = "        "


def only_advantages(file: FileEntry, function: ast.FunctionDef, base: str) -> bool:
    """Say whether a function only does what the Learner of its base does of its own accord."""
    if base not in SAME:
        return False
    body = body_without_docstring(function)
    while len(body) == 1 and isinstance(body[0], ast.With):
        body = body[0].body
    return bool(body) and all(adds_advantages(file, each, base) for each in body)


def last_statement(function: ast.FunctionDef) -> ast.stmt:
    """The last statement of a function, inside of a `with` around all of it."""
    body = body_without_docstring(function)
    while len(body) == 1 and isinstance(body[0], ast.With):
        body = body[0].body
    return body[-1]


def _unannotated(arguments: ast.arguments) -> str:
    """Parameters without types: batches, policies and episodes are no longer the old ones."""
    plain = copy.deepcopy(arguments)
    for node in ast.walk(plain):
        if isinstance(node, ast.arg):
            node.annotation = None
    return ast.unparse(plain)


def write_connector(
    around: Surroundings, policy: str, function: ast.FunctionDef, *, base: str, what: str = ""
) -> tuple[str, Samples]:
    """Write the connector, and say how it went; `what` says what it does where it is not that of
    one policy, and `base` whose Learner adds advantages after it."""
    words = EpisodeWords(around, function, base)
    layer = around.names.layer("SampleConnector")
    head = _unannotated(function.args).partition(",")[2].strip()
    body = words.written(BODY)
    samples = read_samples(around.file, function, base, words.key)
    if samples.values:
        column, values = around.names.core("Columns"), around.names.layer("values_of")
        body = f"{BODY}{words.batch}[{column}.VF_PREDS] = {values}(module, {words.batch})\n{body}"
    named, mark = _others(function)
    adds = "    adds_advantages = True\n\n" if samples.advantages else ""
    moved = whole_method(f"    def postprocess(self, module, {head}):\n{body}", function)
    told = what or f"{policy} did to its samples"
    text = (
        f"class {policy}Connector({layer}):\n"
        f'    """What {told}; build() of its Learner puts it in place."""\n'
        "\n"
        f"{named}{mark}{adds}"
        f"{moved}"
    )
    return text, samples


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
