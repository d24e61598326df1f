"""`torch, nn = try_import_torch()` of RLlib, said without RLlib.

framework_imports   edits and imports that take the place of such statements
idle_frameworks     edits that drop them where nothing is left that reads their names
"""

from __future__ import annotations

import ast
from collections.abc import Collection

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.tree import nodes_in

CODE = "RLM101"

#: What the statement's names are, in its order: (module, name), the name empty for `import module`.
FOUND = {
    "try_import_torch": (("torch", ""), ("torch", "nn")),
    "try_import_tf": (("tensorflow.compat.v1 as tf1", ""), ("tensorflow as tf", ""), None),
}
#: What TensorFlow 2 has under `tensorflow.compat.v1` alone.
VERSION_1 = frozenset(
    {"Session", "get_collection", "get_default_graph", "get_variable", "layers", "log"}
    | {"global_variables_initializer", "multinomial", "placeholder", "random_normal"}
    | {"random_uniform", "to_float", "to_int32", "to_int64", "variable_scope"}
)
USUAL = {"try_import_torch": ("torch", "nn"), "try_import_tf": ("tf1", "tf", "tfv")}


def framework_imports(
    source: SourceFile,
) -> tuple[tuple[Edit, ...], frozenset[tuple[str, str]], frozenset[str]]:
    """Return edits, wanted imports, and the functions of RLlib that are needed no more.

    A statement that binds other names, or a version that somebody reads, stays.
    """
    edits: list[Edit] = []
    wanted: set[tuple[str, str]] = set()
    gone: set[str] = set()
    read = {n.id for n in source.nodes(ast.Name) if isinstance(n.ctx, ast.Load)}
    for node in source.tree.body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        func, target = node.value.func, node.targets[0]
        if not isinstance(func, ast.Name) or func.id not in FOUND or node.value.args:
            continue
        if isinstance(target, ast.Name) and len(node.targets) == 1 and func.id == "try_import_tf":
            # Ray up to 0.8.3 returned one module, that of TensorFlow 1.
            home = "tensorflow.compat.v1" if _version_1(source, target.id) else "tensorflow"
            span = source.line_span(node.lineno, node.end_lineno or node.lineno)
            edits.append(Edit(span, "", CODE))
            wanted.add((f"{home} as {target.id}", ""))
            gone.add(func.id)
            continue
        if not isinstance(target, ast.Tuple) or len(node.targets) > 1:
            continue
        names = [n.id if isinstance(n, ast.Name) else "" for n in target.elts]
        homes = [
            home
            for name, usual, home in zip(names, USUAL[func.id], FOUND[func.id], strict=False)
            if name in read and (name == usual or home is None)
        ]
        used = [name for name in names if name in read]
        if len(homes) != len(used) or None in homes:
            continue
        edits.append(Edit(source.line_span(node.lineno, node.end_lineno or node.lineno), "", CODE))
        wanted |= {home for home in homes if home is not None}
        gone.add(func.id)
    return tuple(edits), frozenset(wanted), frozenset(gone)


def idle_frameworks(
    source: SourceFile, inside: Collection[int]
) -> tuple[tuple[Edit, ...], frozenset[str]]:
    """Return edits that drop `tf = try_import_tf()`, where only the nodes `inside` read its names.

    The second part are the functions of RLlib that are needed no more.
    """
    edits: list[Edit] = []
    gone: set[str] = set()
    for node in source.tree.body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        func = node.value.func
        if not isinstance(func, ast.Name) or func.id != "try_import_tf":
            continue
        bound = {
            n.id for target in node.targets for n in nodes_in(target) if isinstance(n, ast.Name)
        }
        reads = [n for n in source.nodes(ast.Name) if n.id in bound and isinstance(n.ctx, ast.Load)]
        if reads and all(id(n) in inside for n in reads):
            edits.append(
                Edit(source.line_span(node.lineno, node.end_lineno or node.lineno), "", CODE)
            )
            gone.add(func.id)
    return tuple(edits), frozenset(gone)


def _version_1(source: SourceFile, name: str) -> bool:
    """Say whether a file asks its TensorFlow for something of TensorFlow 1."""
    return any(
        isinstance(node.value, ast.Name) and node.value.id == name and node.attr in VERSION_1
        for node in source.nodes(ast.Attribute)
    )
