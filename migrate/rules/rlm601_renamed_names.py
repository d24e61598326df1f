"""Rename classes, functions and modules of RLlib that a later release calls otherwise."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.findings import Kind, Outcome
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import (
    RELEASE_NOTES,
    Bindings,
    attribute_span,
    imports_of,
    item,
    renamed,
)
from rlmigrate.migrate.tree import nodes_in

CODE = "RLM601"
RAY = re.compile(r"^ray(\.|$)")


def check(context: FileContext) -> Iterable[Finding]:
    """Find imports and dotted uses of names that have moved."""
    if context.settings.target != "ray":
        return
    if not imports_of(context).of_ray:
        return
    bindings = Bindings(context.source)
    chains = list(_chains(context))
    inside = {id(part) for node, _, _ in chains for part in nodes_in(node)}
    for statement in context.source.nodes(ast.ImportFrom):
        if not statement.level and RAY.match(statement.module or ""):
            yield from _from_import(context, statement, bindings, inside)
    for plain in context.source.nodes(ast.Import):
        yield from _plain_import(context, plain)
    for node, old, new in chains:
        yield _chain(context, node, old, new)


def _finding(
    context: FileContext,
    node: ast.alias | ast.expr,
    old: str,
    new: str,
    edits: Iterable[Edit],
    wanted: frozenset[tuple[str, str]] = frozenset(),
) -> Finding:
    message = f"{old} is {new} in Ray {context.settings.ray_version}"
    found = item(
        context,
        node,
        code=CODE,
        name=old,
        kind=Kind.IMPORT,
        outcome=Outcome.NATIVE,
        message=message,
        new_name=new,
    )
    return Finding(found, tuple(edits), Imports(wanted=wanted))


# `from package import name` -----------------------------------------------------------------


def _from_import(
    context: FileContext, node: ast.ImportFrom, bindings: Bindings, inside: set[int]
) -> Iterator[Finding]:
    release = context.settings.ray_version
    moves = {alias: renamed(f"{node.module}.{alias.name}", release) for alias in node.names}
    for alias, new in moves.items():
        if new is not None and _class_of(new) is not None:
            moves[alias] = None
            yield from _into_class(context, node, alias, new, bindings)
    if not any(moves.values()):
        return
    locals_ = {
        alias: _local_name(context, alias, new, bindings) for alias, new in moves.items() if new
    }
    statement = Edit(context.source.span(node), _statement(context, node, moves, locals_), CODE)
    for alias, new in moves.items():
        if new is None:
            continue
        edits = [statement]
        if alias.asname is None and locals_[alias] != alias.name:
            edits += [
                Edit(context.source.span(use), locals_[alias], CODE)
                for use in bindings.loads(alias.name)
                if id(use) not in inside
            ]
        yield _finding(context, alias, f"{node.module}.{alias.name}", new, edits)


def _class_of(new: str) -> str | None:
    """Name the class that a new name is an attribute of, if it is one."""
    home = new.rpartition(".")[0]
    return home if home.rpartition(".")[2][:1].isupper() else None


def _into_class(
    context: FileContext, node: ast.ImportFrom, alias: ast.alias, new: str, bindings: Bindings
) -> Iterator[Finding]:
    """A constant of a module that is now an attribute of a class: `STATE_OUT`."""
    old, local = f"{node.module}.{alias.name}", alias.asname or alias.name
    home, _, cls = (_class_of(new) or "").rpartition(".")
    if local in bindings.bound or bindings.imported.get(local, 0) > 1:
        return
    written = f"{cls}.{new.rpartition('.')[2]}"
    edits = [Edit(context.source.span(use), written, CODE) for use in bindings.loads(local)]
    if edits:
        yield _finding(context, alias, old, new, edits, frozenset({(home, cls)}))


def _local_name(context: FileContext, alias: ast.alias, new: str, bindings: Bindings) -> str:
    """Name the import binds from now on: the new one where every use can follow."""
    old, fresh = alias.name, new.rpartition(".")[2]
    if alias.asname is not None:
        return alias.asname
    if old == fresh:
        return old
    taken = fresh in bindings.bound or (
        fresh in bindings.imported and imports_of(context).names.get(fresh) != new
    )
    rebound = old in bindings.bound or bindings.imported.get(old, 0) > 1
    quoted = re.search(rf"\b{re.escape(old)}\b", bindings.texts) is not None
    if taken or rebound or quoted or _read_elsewhere(context, old):
        return old
    return fresh


def _read_elsewhere(context: FileContext, name: str) -> bool:
    """Tell whether other files may import the name from this one."""
    path = context.source.path
    if path.name == "__init__.py":
        return True
    entry = context.index.files.get(path)
    if entry is None:
        return False
    offered = f".{entry.module.rpartition('.')[2]}.{name}"
    return any(
        f".{target}".endswith(offered)
        for other in context.index.files.values()
        if other.path != path
        for target in other.imports.names.values()
    )


def _statement(
    context: FileContext,
    node: ast.ImportFrom,
    moves: dict[ast.alias, str | None],
    locals_: dict[ast.alias, str],
) -> str:
    """Write the import anew: in place where all names go one way, else moved names below."""
    source = context.source
    homes = {new.rpartition(".")[0] for new in moves.values() if new}
    kept = [_written(alias.name, alias.asname) for alias, new in moves.items() if new is None]
    moved = [_moved(new, locals_[alias]) for alias, new in moves.items() if new]
    together = len(homes) == 1 and (not kept or homes == {node.module})
    if together and len(set(kept + moved)) == len(kept + moved):
        return _in_place(context, node, homes.pop(), moves, locals_)
    several = "\n" in source.segment(node)
    lines = [_from(node.module or "", kept, several)] if kept else []
    for home in sorted(homes):
        names = [
            _moved(new, locals_[alias])
            for alias, new in moves.items()
            if new and new.rpartition(".")[0] == home
        ]
        fresh = [name for name in dict.fromkeys(names) if home != node.module or name not in kept]
        if fresh:
            lines.append(_from(home, fresh, several))
    indent = "\n" + " " * node.col_offset
    return indent.join("\n".join(lines).split("\n"))


def _from(module: str, names: list[str], several: bool) -> str:
    flat = f"from {module} import {', '.join(names)}"
    if len(flat) <= 100 and not (several and len(names) > 1):
        return flat
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"


def _in_place(
    context: FileContext,
    node: ast.ImportFrom,
    home: str,
    moves: dict[ast.alias, str | None],
    locals_: dict[ast.alias, str],
) -> str:
    """Change only the module and the names, so that the statement keeps its shape."""
    source = context.source
    start = source.span(node).start
    text = source.segment(node)
    for alias in reversed(node.names):
        new = moves[alias]
        if new is not None:
            span = source.span(alias)
            name = _moved(new, locals_[alias])
            text = text[: span.start - start] + name + text[span.end - start :]
    return re.sub(rf"^from(\s+){re.escape(node.module or '')}\b", rf"from\g<1>{home}", text)


def _moved(new: str, local: str) -> str:
    name = new.rpartition(".")[2]
    return _written(name, None if local == name else local)


def _written(name: str, asname: str | None) -> str:
    return f"{name} as {asname}" if asname else name


# `import package.module` --------------------------------------------------------------------


def _plain_import(context: FileContext, node: ast.Import) -> Iterator[Finding]:
    for alias in node.names:
        new = renamed(alias.name, context.settings.ray_version) if RAY.match(alias.name) else None
        if new is not None:
            edit = Edit(context.source.span(alias), _written(new, alias.asname), CODE)
            yield _finding(context, alias, alias.name, new, [edit])


# `module.name` ------------------------------------------------------------------------------


def _chains(context: FileContext) -> Iterator[tuple[ast.Attribute, str, str]]:
    """Yield the attributes that stand for a renamed name, with old and new name."""
    heads = imports_of(context).of_ray
    parents = context.source.parents
    for name in context.source.names.of(heads):
        old = heads[name.id]
        found = []
        node = parents[name]
        while isinstance(node, ast.Attribute):
            old = f"{old}.{node.attr}"
            new = renamed(old, context.settings.ray_version)
            if new is not None:
                found.append((node, old, new))
            node = parents[node]
        yield from reversed(found)  # of `a.b.c` the whole before its part `a.b`


def _chain(context: FileContext, node: ast.Attribute, old: str, new: str) -> Finding:
    source = context.source
    home = new.rpartition(".")[0]
    written = source.segment(node)
    if written == old:  # import a.b.c; a.b.c.Name
        wanted = frozenset({(home, "")})
        return _finding(context, node, old, new, [Edit(source.span(node), new, CODE)], wanted)
    prefix = imports_of(context).qualified(node.value) or ""
    if renamed(prefix, context.settings.ray_version) == home or prefix == home:
        last = new.rpartition(".")[2]
        return _finding(context, node, old, new, [Edit(attribute_span(source, node), last, CODE)])
    last = new.rpartition(".")[2]
    edit = Edit(source.span(node), last, CODE)
    return _finding(context, node, old, new, [edit], frozenset({(home, last)}))


RULE = Rule(
    code=CODE,
    name="renamed-names",
    kind=Kind.IMPORT,
    summary="Rename what a later release of RLlib calls otherwise.",
    explanation=(
        "Names of the new stack, of callbacks, distributions and example environments have moved "
        "between releases: SingleAgentRLModuleSpec became RLModuleSpec in 2.35, PPOTorchRLModule "
        "became DefaultPPOTorchRLModule in 2.44. The table of eras says what each is called in "
        "the release given by --ray-version. Where other code reads the old name from this file, "
        "or the name is bound again, the import keeps it with `as`."
    ),
    check=check,
    since="2.35",
    link=RELEASE_NOTES,
    unchanged=(
        Case(
            "names of the target release",
            "from ray.rllib.core.rl_module.rl_module import RLModuleSpec\nspec = RLModuleSpec()\n",
        ),
        Case(
            "the old stack's names are for other rules",
            "from ray.rllib.models.torch.torch_modelv2 import TorchModelV2\n",
        ),
        Case(
            "a project's own class of that name",
            "# rllib\nfrom mine import SingleAgentRLModuleSpec\nSingleAgentRLModuleSpec()\n",
        ),
        Case(
            "a comment or string that names it",
            "from ray.rllib.core.rl_module.rl_module import RLModule\n"
            "x = 'SingleAgentRLModuleSpec'  # SingleAgentRLModuleSpec\n",
        ),
        Case(
            "a name that is not in the table",
            "from ray.rllib.core.rl_module.marl_modules import Thing\nprint(Thing)\n",
        ),
    ),
    cases=(
        Case(
            "class and module renamed",
            "from ray.rllib.core.rl_module.marl_module import MultiAgentRLModuleSpec\n"
            "spec = MultiAgentRLModuleSpec()\n",
            "from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec\n"
            "spec = MultiRLModuleSpec()\n",
        ),
        Case(
            "builders that stood beside the trainers",
            "import ray.rllib.agents.ppo as ppo\n"
            "from ray.rllib.agents.dqn.dqn import DQNConfig\n\n"
            "print(ppo.PPOConfig(), DQNConfig())\n",
            "from ray.rllib.algorithms.dqn import DQNConfig\n"
            "from ray.rllib.algorithms.ppo import PPOConfig\n\n"
            "print(PPOConfig(), DQNConfig())\n",
        ),
        Case(
            "one of several names of a statement",
            "from ray.rllib.core.rl_module.rl_module import (\n"
            "    RLModule,\n    SingleAgentRLModuleSpec,\n)\n"
            "print(RLModule, SingleAgentRLModuleSpec)\n",
            "from ray.rllib.core.rl_module.rl_module import (\n"
            "    RLModule,\n    RLModuleSpec,\n)\n"
            "print(RLModule, RLModuleSpec)\n",
        ),
        Case(
            "names that go to two places",
            "from ray.rllib.core import Columns, RLModuleSpec, TorchRLModule\n"
            "print(Columns, RLModuleSpec, TorchRLModule)\n",
            "from ray.rllib.core import Columns\n"
            "from ray.rllib.core.rl_module.rl_module import RLModuleSpec\n"
            "from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule\n"
            "print(Columns, RLModuleSpec, TorchRLModule)\n",
        ),
        Case(
            "two old names that have become one",
            "from ray.rllib.core.rl_module.rl_module import RLModuleSpec, SingleAgentRLModuleSpec\n"
            "print(RLModuleSpec, SingleAgentRLModuleSpec)\n",
            "from ray.rllib.core.rl_module.rl_module import RLModuleSpec\n"
            "print(RLModuleSpec, RLModuleSpec)\n",
        ),
        Case(
            "an alias stays",
            "from ray.rllib.core.rl_module.rl_module import SingleAgentRLModuleSpec as Spec\n"
            "Spec()\n",
            "from ray.rllib.core.rl_module.rl_module import RLModuleSpec as Spec\nSpec()\n",
        ),
        Case(
            "a name that is bound again keeps its name",
            "try:\n"
            "    from ray.rllib.core.rl_module.rl_module import SingleAgentRLModuleSpec\n"
            "except ImportError:\n    SingleAgentRLModuleSpec = None\n",
            "try:\n"
            "    from ray.rllib.core.rl_module.rl_module import "
            "RLModuleSpec as SingleAgentRLModuleSpec\n"
            "except ImportError:\n    SingleAgentRLModuleSpec = None\n",
        ),
        Case(
            "a module imported under a name",
            "import ray.rllib.core.rl_module.marl_module as mm\nmm.MultiAgentRLModule\n",
            "import ray.rllib.core.rl_module.multi_rl_module as mm\nmm.MultiRLModule\n",
        ),
        Case(
            "a constant that has become an attribute",
            "from ray.rllib.core.models.base import ENCODER_OUT, STATE_OUT\n"
            "print(ENCODER_OUT, STATE_OUT)\n",
            "from ray.rllib.core.columns import Columns\n"
            "from ray.rllib.core.models.base import ENCODER_OUT\n"
            "print(ENCODER_OUT, Columns.STATE_OUT)\n",
        ),
        Case(
            "a whole path",
            "import ray.rllib.algorithms.callbacks\n"
            "class Mine(ray.rllib.algorithms.callbacks.DefaultCallbacks):\n    pass\n",
            "import ray.rllib.callbacks.callbacks\n"
            "class Mine(ray.rllib.callbacks.callbacks.RLlibCallback):\n    pass\n",
        ),
        Case(
            "an example model's home",
            "from ray.rllib.examples.models.fast_model import TorchFastModel\n"
            "print(TorchFastModel)\n",
            "from ray.rllib.examples._old_api_stack.models.fast_model import TorchFastModel\n"
            "print(TorchFastModel)\n",
        ),
        Case(
            "an example environment's home",
            "from ray.rllib.examples.env.multi_agent import MultiAgentCartPole\n"
            "MultiAgentCartPole({})\n",
            "from ray.rllib.examples.envs.classes.multi_agent import MultiAgentCartPole\n"
            "MultiAgentCartPole({})\n",
        ),
    ),
)
