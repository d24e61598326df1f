"""Point out what a file still asks Ray for and the release does not have."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from rlmigrate.migrate.edits import Imports
from rlmigrate.migrate.engine.importing import Names
from rlmigrate.migrate.findings import Kind, Outcome
from rlmigrate.migrate.index.imports import shadowed
from rlmigrate.migrate.reading.gone_names import Gone, gone_imports
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import RELEASE_NOTES, imports_of, item
from rlmigrate.migrate.rules.gone_advice import advice
from rlmigrate.migrate.source import Span

CODE = "RLM613"
#: Who calls these may use any name of the file.
_LOOKS_UP = {"eval", "exec", "globals", "locals", "vars"}


def check(context: FileContext) -> Iterable[Finding]:
    """Find names that no other rule speaks of, carries over or takes away."""
    if context.settings.target != "ray":
        return
    release = context.settings.ray_version
    gone = list(gone_imports(context.source, imports_of(context), release))
    if not gone:
        return
    told = {part for finding in context.found for part in finding.item.name.split(", ")}
    doing = [f for f in context.found if f.item.outcome is not Outcome.MANUAL]
    told |= {name for finding in doing for name in finding.imports.unneeded}
    taken = [edit.span for finding in context.found for edit in finding.edits]
    used, vain = Names.of(context.source), shadowed(context.source)
    for each in gone:
        names = {
            local: name
            for local, name in each.names.items()
            if name not in told and local not in vain and not _goes(context, each, local, taken)
        }
        yield from _findings(context, each, names, used)


def _goes(context: FileContext, gone: Gone, local: str, taken: list[Span]) -> bool:
    """Whether the edits of others cover every place that needs a name."""
    if not taken:
        return False
    source, head = context.source, local.partition(".")[0]
    if isinstance(gone.node, ast.Attribute) or _within(source.span(gone.node), taken):
        return _within(source.span(gone.node), taken)
    loads = [node for node in source.nodes(ast.Name) if node.id == head]
    return bool(loads) and all(_within(source.span(node), taken) for node in loads)


def _within(span: Span, taken: list[Span]) -> bool:
    return any(other.start <= span.start and span.end <= other.end for other in taken)


def _findings(
    context: FileContext, gone: Gone, names: dict[str, str], used: Names
) -> Iterator[Finding]:
    release = context.settings.ray_version
    if gone.guarded and names:
        text = f"not in Ray {release}; the file does without it where the import fails"
        yield _finding(context, gone, list(names.values()), Outcome.UNCHANGED, text)
        return
    by_advice: dict[str, list[str]] = {}
    for local, name in names.items():
        if _unused(context, gone, local, used):
            text = f"not in Ray {release}, and nothing uses it: its import goes"
            yield _finding(context, gone, [name], Outcome.NATIVE, text)
        else:
            by_advice.setdefault(advice(name, release), []).append(name)
    for text, several in by_advice.items():
        yield _finding(context, gone, several, Outcome.MANUAL, f"not in Ray {release}: {text}")


def _unused(context: FileContext, gone: Gone, local: str, used: Names) -> bool:
    """Whether neither this file nor another one needs the import."""
    if isinstance(gone.node, ast.Attribute) or context.source.path.name == "__init__.py":
        return False
    star = isinstance(gone.node, ast.ImportFrom) and gone.node.names[0].name == "*"
    if star or local in used.used | used.offered or _LOOKS_UP & used.used:
        return False
    if isinstance(gone.node, ast.Import) and "." in local:  # `import ray.x.y` binds ray
        return "ray" not in used.used
    entry = context.index.files.get(context.source.path)
    home = entry.module.rpartition(".")[2] if entry is not None else ""
    return not any(
        f".{target}".endswith(f".{home}.{local}")
        for path, other in context.index.files.items()
        if path != context.source.path
        for target in (
            *other.imports.names.values(),
            *(f"{s}.{local}" for s in other.imports.stars),
        )
    )


def _finding(
    context: FileContext, gone: Gone, names: list[str], outcome: Outcome, text: str
) -> Finding:
    short = [names[0], *(name.rpartition(".")[2] for name in names[1:])]
    verb = "is" if len(names) == 1 else "are"
    found = item(
        context,
        gone.node,
        code=CODE,
        name=", ".join(names),
        kind=Kind.IMPORT,
        outcome=outcome,
        message=f"{_listed(short)} {verb} {text}",
    )
    goes = frozenset(names) if outcome is Outcome.NATIVE else frozenset[str]()
    return Finding(found, imports=Imports(unneeded=goes))


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


RULE = Rule(
    code=CODE,
    name="gone-imports",
    kind=Kind.IMPORT,
    summary="Point out what a file still asks Ray for and the release does not have.",
    explanation="""
After all other rules, every name that a file imports from Ray, or reads as `tune.name`, is looked
up among the names of the release's wheel. What it lacks is marked, with what takes its place; an
import that nothing uses goes; one in a `try` that catches the ImportError stays. So a file without
an item asks Ray for nothing that it does not have.
""",
    check=check,
    since="2.0",
    link=RELEASE_NOTES,
    late=True,
    unchanged=(
        Case(
            "names that live",
            "from ray import tune\nfrom ray.rllib.algorithms.ppo import PPOConfig\n"
            "print(tune.Tuner, PPOConfig)\n",
        ),
        Case(
            "the project's own ray",
            "import ray.rllib\nfrom myray.rllib.agents import PPO\nprint(PPO)\n",
        ),
        Case(
            "an import that may fail",
            "try:\n    from ray.rllib.agents.ppo import PPOTorchPolicy\nexcept ImportError:\n"
            "    PPOTorchPolicy = None\nprint(PPOTorchPolicy)\n",
        ),
    ),
    cases=(
        Case(
            "gone and used",
            "from ray.rllib.execution.rollout_ops import ConcatBatches, ParallelRollouts\n\n"
            "print(ConcatBatches, ParallelRollouts)\n",
            "# TODO(rlmigrate RLM613): ray.rllib.execution.rollout_ops.ConcatBatches and "
            "ParallelRollouts are\n#     not in Ray 2.60: execution plans are gone: override "
            "Algorithm.training_step(), which\n#     samples with self.env_runner_group and learns "
            "with self.learner_group\n"
            "from ray.rllib.execution.rollout_ops import ConcatBatches, ParallelRollouts\n\n"
            "print(ConcatBatches, ParallelRollouts)\n",
        ),
        Case(
            "gone and unused",
            "import ray.rllib\nfrom ray.rllib.execution.rollout_ops import ParallelRollouts\n\n"
            "print(ray)\n",
            "import ray.rllib\n\nprint(ray)\n",
        ),
        Case(
            "gone and perhaps looked up by its name",
            "from ray.tune import function\n\n\n"
            'def find(name):\n    return globals()[name], "rllib"\n',
            "# TODO(rlmigrate RLM613): ray.tune.function is not in Ray 2.60: it has no successor; "
            "keep what\n#     you need of it in your own code\n"
            "from ray.tune import function\n\n\n"
            'def find(name):\n    return globals()[name], "rllib"\n',
        ),
        Case(
            "read off a module that lives",
            'from ray import tune\n\nprint("rllib", tune.function)\n',
            "from ray import tune\n\n"
            "# TODO(rlmigrate RLM613): ray.tune.function is not in Ray 2.60: it has no successor; "
            "keep what\n#     you need of it in your own code\n"
            'print("rllib", tune.function)\n',
        ),
    ),
)
