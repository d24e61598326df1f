"""`ModelCatalog.register_custom_model(...)` goes once no config needs the name."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from rlmigrate.errors import SourceError
from rlmigrate.migrate.configs.findings import builder_findings
from rlmigrate.migrate.edits import Imports
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.removal import removal
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.seeming import is_known

CODE = "RLM407"
CATALOG = "ray.rllib.models.ModelCatalog"


def check(context: FileContext) -> Iterable[Finding]:
    """Find registrations of models."""
    entry = context.index.files.get(context.source.path)
    if entry is None:
        return
    nodes = nodes_of(context)
    for call in nodes.of(ast.Call):
        written = dotted(call.func) or ""
        if not written.endswith("register_custom_model"):
            continue
        resolved = entry.imports.resolve(written) or ""
        if not resolved.startswith("ray.") or ".ModelCatalog." not in resolved:
            continue
        yield _finding(context, nodes, call)


def _finding(context: FileContext, nodes: Nodes, call: ast.Call) -> Finding:
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    first = values[0] if values else None
    name = first.value if isinstance(first, ast.Constant) else None

    def item(outcome: Outcome, message: str) -> Item:
        label = f"register_custom_model({name!r})" if name else "register_custom_model()"
        return Item(
            path=str(context.source.path),
            line=call.lineno,
            name=label,
            kind=Kind.CONFIG,
            outcome=outcome,
            code=CODE,
            message=message,
            column=call.col_offset,
        )

    statement = nodes.parents.get(call)
    if not isinstance(name, str):
        return Finding(
            item(
                Outcome.MANUAL,
                "the registered name is computed; name the class in "
                "RLModuleSpec(module_class=...) instead",
            )
        )
    if not isinstance(statement, ast.Expr):
        return Finding(item(Outcome.MANUAL, "remove the registration: the new stack names classes"))
    left = [path for path in _users(context, name) if not _moves_on(context, path, name)]
    if left:
        places = ", ".join(sorted({Path(path).name for path in left}))
        return Finding(item(Outcome.UNCHANGED, f"stays while {places} names the model {name!r}"))
    unknown = _unknown(context, call)
    if unknown is not None:
        advice = "name its RLModule in RLModuleSpec(module_class=...), then drop the registration"
        return Finding(item(Outcome.MANUAL, f"{unknown}; {advice}"))
    return Finding(
        item(Outcome.NATIVE, "the registration is dropped: configs name the class"),
        (removal(context.source, nodes, statement, code=CODE),),
        Imports(unneeded=frozenset({CATALOG, "ray.rllib.models.catalog.ModelCatalog"})),
    )


def _unknown(context: FileContext, call: ast.Call) -> str | None:
    """Why a registered class is none that is rewritten; None where it is one."""
    file = context.index.files[context.source.path]
    found = [entry for entry in file.registrations if entry.line == call.lineno]
    if all(is_known(context.index, file, entry.class_name) for entry in found):
        return None
    strange = next(e.class_name for e in found if not is_known(context.index, file, e.class_name))
    if strange is None:
        return "what is registered is computed"
    return f"{strange.rpartition('.')[2]} is no model that is rewritten here"


def _users(context: FileContext, name: str) -> list[Path]:
    """Files of the repository that write the name as a string, more often than they register it."""
    found = []
    for path in context.index.files:
        try:
            source = (
                context.source if path == context.source.path else context.index.source_of(path)
            )
            if name.encode() not in source.raw:
                continue
            written = len(source.strings.of((name,)))
        except SourceError:
            continue
        registered = sum(_registers(node, name) for node in source.nodes(ast.Call))
        if written > registered:
            found.append(path)
    return found


def _registers(node: ast.Call, name: str) -> bool:
    """Whether a call registers a model under this name."""
    return (dotted(node.func) or "").endswith("register_custom_model") and any(
        isinstance(arg, ast.Constant) and arg.value == name for arg in node.args[:1]
    )


def _moves_on(context: FileContext, path: Path, name: str) -> bool:
    """Tell whether every config of a file that names the model is rewritten."""
    try:
        source = context.source if path == context.source.path else context.index.source_of(path)
        tree = source.tree
    except SourceError:
        return False
    other = FileContext(source, context.index, context.settings)
    done = {
        (finding.item.line, finding.item.column)
        for code in ("RLM401", "RLM410")
        for finding in builder_findings(other, code)
        if finding.edits
    }
    nodes = nodes_of(other)
    for node in nodes_in(tree):
        if not (isinstance(node, ast.Constant) and node.value == name):
            continue
        around = list(nodes.up(node))
        registers = any(
            isinstance(up, ast.Call) and (dotted(up.func) or "").endswith("register_custom_model")
            for up in around
        )
        places = {(up.lineno, up.col_offset) for up in around if isinstance(up, ast.keyword)}
        if not registers and not places & done:
            return False
    return True


_MODELS = """
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2


class Net(TorchModelV2):
    pass
"""

RULE = Rule(
    code=CODE,
    name="registration",
    kind=Kind.CONFIG,
    summary="register_custom_model() goes once no config needs the name.",
    explanation="""
The new stack knows no registry of models: configs name the class. The registration is removed when
every place of the repository that writes its name has been rewritten, and stays otherwise.
""",
    check=check,
    words=frozenset({"register_custom_model"}),
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "class_that_nothing_is_known_of",
            """
from ray.rllib.models import ModelCatalog
from elsewhere import Net

# TODO(rlmigrate RLM407): Net is no model that is rewritten here; name its RLModule in
#     RLModuleSpec(module_class=...), then drop the registration
ModelCatalog.register_custom_model("net", Net)
""",
        ),
        Case(
            "catalog_of_another_library",
            """
from rllib_tools import ModelCatalog
from models import Net

ModelCatalog.register_custom_model("net", Net)
""",
        ),
        Case(
            "name_is_used_in_a_dict_that_stays",
            """
from ray.rllib.models import ModelCatalog
from models import Net

ModelCatalog.register_custom_model("net", Net)
SPACE = {"net": 1}
""",
        ),
    ),
    cases=(
        Case(
            "nothing_uses_the_name",
            """
import os

from ray.rllib.models import ModelCatalog
from models import Net

ModelCatalog.register_custom_model("net", Net)
print(Net, os.name)
""",
            """
import os

from models import Net

print(Net, os.name)
""",
            other_files={"models.py": _MODELS},
        ),
    ),
)
