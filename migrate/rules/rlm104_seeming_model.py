"""Classes that may be models of the old stack, with a base that is out of sight, are named."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.index.known import ROOTS
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.understanding.seeming import why_seeming

ADVICE = "give rlmigrate the files that hold it too, or write the class as a TorchRLModule"


def check(context: FileContext) -> Iterable[Finding]:
    """Yield each such class in a file that imports RLlib."""
    file = context.index.files.get(context.source.path)
    if file is None or not any(t.startswith(ROOTS) for t in file.imports.names.values()):
        return
    entries = {entry.line: entry for entry in file.classes if entry.qualified not in file.wrapped}
    for node in context.source.nodes(ast.ClassDef):
        entry = entries.get(node.lineno)
        why = why_seeming(context.index, entry, node) if entry is not None else None
        if entry is None or why is None:
            continue
        reason, registered = why
        yield Finding(
            Item(
                path=str(context.source.path),
                line=entry.line,
                name=entry.name,
                kind=Kind.MODEL,
                outcome=Outcome.MANUAL if registered else Outcome.UNCHANGED,
                code=RULE.code,
                message=f"{entry.name} {reason}: {ADVICE}",
            )
        )


_NET = """
class Net(Base):
    def forward(self, input_dict, state, seq_lens):
        return self.net(input_dict["obs"]), state
"""

RULE = Rule(
    code="RLM104",
    name="seeming-model",
    kind=Kind.MODEL,
    summary="Name classes that may be models, but whose base is out of sight.",
    explanation="""
A model is known by its bases. Where one comes from a package that is not among the given files, or
is computed, nothing shows that the class is a model, but that it is registered as one or has a
`forward` with `seq_lens`. It is named, so that it is not overlooked: as work for a person if it is
registered, else in the report alone.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/rl-modules.html",
    unchanged=(
        Case("looks_like_a_model", "import ray.rllib\nfrom nets import Base\n" + _NET),
        Case("a_file_without_rllib", "# not rllib\nfrom nets import Base\n" + _NET),
        Case(
            "a_part_of_a_model",
            "from ray.rllib.utils import try_import_torch\nfrom torch import nn\n"
            + _NET.replace("Base", "nn.Module"),
        ),
    ),
    cases=(
        Case(
            "registered_as_a_model",
            "from nets import Base\nfrom ray.rllib.models import ModelCatalog\n\n"
            + _NET
            + '\n\nModelCatalog.register_custom_model("net", Net)\n',
            "from nets import Base\nfrom ray.rllib.models import ModelCatalog\n\n\n"
            "# TODO(rlmigrate RLM104): Net is registered as a model, but its base nets.Base is not"
            " in sight:\n#     give rlmigrate the files that hold it too, or write the class as a"
            " TorchRLModule" + _NET + '\n\nModelCatalog.register_custom_model("net", Net)\n',
        ),
    ),
)
