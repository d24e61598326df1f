"""Point out names of the new stack that a later release lacks."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate import eras
from rlmigrate.migrate.findings import Kind, Outcome
from rlmigrate.migrate.index.imports import shadowed
from rlmigrate.migrate.rules import rlm602_config_constructor, rlm606_specs_methods
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import (
    EXAMPLES,
    RELEASE_NOTES,
    imports_of,
    item,
    target_name,
)

CODE = "RLM608"

#: What to do instead, by the beginning of the name.
ADVICE = (
    (
        "ray.rllib.core.rl_module.rl_module_with_target_networks_interface",
        "derive from TargetNetworkAPI of ray.rllib.core.rl_module.apis, whose methods are "
        "make_target_networks(), get_target_network_pairs() and forward_target()",
    ),
    ("ray.rllib.core.rl_module.tf", "rewrite the module for torch; the new stack has no TF"),
    ("ray.rllib.core.models.tf", "rewrite the model for torch; the new stack has no TF"),
    ("ray.rllib.models.tf.tf_distributions", "use the torch distribution of the same name"),
    ("ray.rllib.core.learner.tf", "rewrite the learner for torch; the new stack has no TF"),
    ("ray.rllib.core.testing.tf", "use the torch module; the new stack has no TF"),
    ("ray.rllib.core.rl_trainer", "RLTrainer has become Learner"),
    ("ray.rllib.core.models.specs", "specs are not checked any more; leave the declaration out"),
    ("ray.rllib.models.specs", "specs are not checked any more; leave the declaration out"),
    (
        "ray.rllib.core.rl_module.rl_module.RLModuleConfig",
        "pass its fields to the module, or use RLModuleSpec",
    ),
)

#: Names that rules of their own answer for, down to the last use.
OTHERS = ("ray.rllib.utils.nested_dict.NestedDict",)


def check(context: FileContext) -> Iterable[Finding]:
    """Find imports of the new stack's names that have no successor and are still used."""
    release = context.settings.ray_version
    table = imports_of(context)
    gone: list[tuple[ast.alias, str]] = []
    for node in context.source.nodes(ast.ImportFrom):
        if node.level or not (node.module or "").startswith("ray."):
            continue
        for alias in node.names:
            name = f"{node.module}.{alias.name}"
            row = eras.resolve(name)
            if row is None or name in OTHERS:
                continue
            if row.stack is not eras.Stack.NEW and not name.startswith(EXAMPLES):
                continue
            if target_name(name, release) is None:
                gone.append((alias, name))
    read = _read(context) - shadowed(context.source) if gone else set()
    for alias, name in gone:
        local = alias.asname or alias.name
        if table.names.get(local) == name and local in read:
            found = item(
                context,
                alias,
                code=CODE,
                name=name,
                kind=Kind.IMPORT,
                outcome=Outcome.MANUAL,
                message=f"{name} is not in Ray {release}: {_advice(name)}",
            )
            yield Finding(found)


def _read(context: FileContext) -> set[str]:
    """Names that are read, apart from what goes with the edits of other rules."""
    going = rlm602_config_constructor.handled(context) | rlm606_specs_methods.handled(context)
    return {node.id for node in context.source.nodes(ast.Name) if id(node) not in going}


def _advice(name: str) -> str:
    for start, advice in ADVICE:
        if name.startswith(start):
            return advice
    ours = eras.builtin(name)
    if ours is not None:
        return f"{ours} may take its place"
    if "tf" in name.split("."):
        return "write it for torch; the new stack has no TF"
    return "it has no successor; keep what you need of it in your own code"


RULE = Rule(
    code=CODE,
    name="gone-names",
    kind=Kind.IMPORT,
    summary="Point out names of the new stack that a later release lacks.",
    explanation=(
        "Parts of the new stack were dropped: TF with 2.51, specs with 2.38, NestedDict with "
        "2.33, RLTrainer with 2.4. Where no rule can take such a name's place, its import is "
        "marked, with what to do. Names that only the methods removed by other rules use are "
        "not marked: their imports go with them."
    ),
    check=check,
    since="2.33",
    link=RELEASE_NOTES,
    unchanged=(
        Case(
            "a name that lives", "from ray.rllib.core.columns import Columns\nprint(Columns.OBS)\n"
        ),
        Case("an import that nothing uses", "from ray.rllib.utils.nested_dict import NestedDict\n"),
        Case(
            "an import that a class of the file stands before",
            "from ray.rllib.core.rl_module.tf.tf_rl_module import TfRLModule\n"
            "class TfRLModule:\n    pass\nprint(TfRLModule)\n",
        ),
        Case(
            "the old stack's names",
            "from ray.rllib.models.model import Model\nprint(Model)\n",
        ),
    ),
    cases=(
        Case(
            "an example of which we have our own",
            "from ray.rllib.examples._old_api_stack.models.mobilenet_v2_encoder import (\n"
            "    MOBILENET_INPUT_SHAPE,\n)\nprint(MOBILENET_INPUT_SHAPE)\n",
            "# TODO(rlmigrate RLM608): ray.rllib.examples._old_api_stack.models."
            "mobilenet_v2_encoder.MOBILENET_INPUT_SHAPE\n"
            "#     is not in Ray 2.60: "
            "rlmigrate.compat.names.examples.mobilenet.MOBILENET_INPUT_SHAPE may\n"
            "#     take its place\n"
            "from ray.rllib.examples._old_api_stack.models.mobilenet_v2_encoder import (\n"
            "    MOBILENET_INPUT_SHAPE,\n)\nprint(MOBILENET_INPUT_SHAPE)\n",
        ),
        Case(
            "a TF module",
            "from ray.rllib.core.rl_module.tf.tf_rl_module import TfRLModule\n"
            "class A(TfRLModule):\n    pass\n",
            "# TODO(rlmigrate RLM608): ray.rllib.core.rl_module.tf.tf_rl_module.TfRLModule is not "
            "in Ray\n#     2.60: rewrite the module for torch; the new stack has no TF\n"
            "from ray.rllib.core.rl_module.tf.tf_rl_module import TfRLModule\n"
            "class A(TfRLModule):\n    pass\n",
        ),
    ),
)
