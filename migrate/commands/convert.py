"""rlmigrate convert: old Policy and Algorithm checkpoints to RLModule checkpoints."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rlmigrate.errors import UsageError
from rlmigrate.migrate.commands.options import guarded

if TYPE_CHECKING:
    import gymnasium as gym

    from rlmigrate.compat.checkpoints import ConversionReport, OldCheckpoint, OldPolicy

    Spaces = tuple[gym.Space[Any], gym.Space[Any]]


@click.command(name="convert")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("out", required=False, type=click.Path(path_type=Path))
@click.option(
    "--module",
    "modules",
    multiple=True,
    metavar="[POLICY_ID=]PATH:CLASS",
    help="Migrated class of a custom model; repeatable, for one policy each or for all.",
)
@click.option(
    "--observation-space",
    "observation_spaces",
    multiple=True,
    metavar="[POLICY_ID=]SPACE",
    help='Such as "Box(-1.0, 1.0, (4,))", for checkpoints of Ray 1.x, which hold none.',
)
@click.option(
    "--action-space",
    "action_spaces",
    multiple=True,
    metavar="[POLICY_ID=]SPACE",
    help='Such as "Discrete(2)".',
)
@click.option("--env", metavar="ENV", help="Environment id or module:Class that gives the spaces.")
@click.option("--inspect", is_flag=True, help="Only say what the checkpoint holds.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write what was done as JSON, parameter by parameter.",
)
@click.option(
    "--optimizer", is_flag=True, help="Convert the optimizer's state too, for a Learner to load."
)
@guarded
def command(
    checkpoint: Path,
    out: Path | None,
    modules: tuple[str, ...],
    observation_spaces: tuple[str, ...],
    action_spaces: tuple[str, ...],
    env: str | None,
    inspect: bool,
    optimizer: bool,
    report: Path | None,
) -> None:
    """Turn an old CHECKPOINT into an RLModule checkpoint at OUT, for Ray or without it.

    Runs no code from the checkpoint. Exit status: 0 all policies converted, 1 some are not (a
    class is missing or parameters do not match), 2 an error.
    """
    if inspect:
        from rlmigrate.compat.checkpoints import read_checkpoint

        click.echo(_describe(read_checkpoint(checkpoint)))
        return
    if out is None:
        raise UsageError("name the directory to write: rlmigrate convert CHECKPOINT OUT")
    from rlmigrate.compat.checkpoints import convert_checkpoint

    done = convert_checkpoint(
        checkpoint,
        out,
        module_classes=_classes(modules),
        spaces=_spaces(observation_spaces, action_spaces, env),
        optimizer=optimizer,
    )
    if report is not None:
        done.save(report)
    click.echo(_summary(done))
    sys.exit(0 if done.ok else 1)


def _classes(options: tuple[str, ...]) -> dict[str, type] | type | None:
    """Load the classes of --module: one for all policies, or one each."""
    found: dict[str, type] = {}
    for option in options:
        policy_id, separator, address = option.rpartition("=")
        cls = load_class(address)
        if not separator:
            if len(options) > 1:
                raise UsageError("with several --module, write each as POLICY_ID=PATH:CLASS")
            return cls
        found[policy_id] = cls
    return found or None


def _spaces(
    observations: tuple[str, ...], actions: tuple[str, ...], env: str | None
) -> dict[str, Spaces] | Spaces | None:
    """Read the spaces of the options: one pair for all policies, or one each."""
    if env is not None:
        from rlmigrate.compat.parity.processes.environments import make_env

        if observations or actions:
            raise UsageError("give --env, or --observation-space and --action-space")
        made = make_env(env, {})
        return made.observation_space, made.action_space
    found = [_by_policy(options) for options in (observations, actions)]
    if set(found[0]) != set(found[1]) or ("" in found[0] and len(found[0]) > 1):
        raise UsageError(
            "give --observation-space and --action-space once each, or both once for each policy, "
            f"as POLICY_ID=SPACE; given for observations {sorted(found[0])}, "
            f"for actions {sorted(found[1])}"
        )
    pairs = {name: (space, found[1][name]) for name, space in found[0].items()}
    return pairs.get("", pairs or None)


def _by_policy(options: tuple[str, ...]) -> dict[str, gym.Space[Any]]:
    """Read `[POLICY_ID=]SPACE`; without an ID a space stands under the empty one."""
    from rlmigrate.compat.parity.space_text import read_space

    found = {}
    for option in options:
        head, separator, rest = option.partition("=")
        named = bool(separator) and "(" not in head
        found[head.strip() if named else ""] = read_space(rest if named else option)
    return found


def load_class(address: str) -> type:
    """Import `PATH:CLASS`, where PATH is a file or a dotted module name.

    Raises UsageError if there is no such class.
    """
    path, separator, name = address.rpartition(":")
    if not separator:
        raise UsageError(f"--module {address}: expected PATH:CLASS")
    if path.endswith(".py"):
        file = Path(path).resolve()
        if not file.is_file():
            raise UsageError(f"--module {address}: no file {file}")
        parts, root = [file.stem], file.parent
        while (root / "__init__.py").is_file():
            parts.insert(0, root.name)
            root = root.parent
        sys.path.insert(0, str(root))
        path = ".".join(parts)
    else:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = getattr(importlib.import_module(path), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"--module {address}: {error}") from error
    if not isinstance(found, type):
        raise UsageError(f"--module {address}: {name} is no class")
    return found


def _describe(old: OldCheckpoint) -> str:
    lines = [f"{old.kind} checkpoint of Ray {old.ray_version or '1.x or 2.0'}: {old.path}"]
    for policy in old.policies.values():
        count = sum(int(value.size) for value in policy.weights.values())
        space = getattr(policy.observation_space, "original_space", policy.observation_space)
        lines += [
            f"policy {policy.policy_id}: {policy.policy_class or 'class not written'}",
            f"  observations {space}",
            f"  actions      {policy.action_space}",
            f"  model        {_model_name(policy)}",
            f"  weights      {len(policy.weights)} arrays, {count} numbers",
            f"  timesteps    {policy.global_timestep}",
            f"  optimizer    {_optimizers(policy.optimizer)}",
            f"  filter       {getattr(policy.filter_state, 'name', None) or 'none written'}",
        ]
        kind, *notes = _outlook(policy)
        lines += [f"  becomes      {kind}", *(f"               {note}" for note in notes)]
        lines += [f"    {name} {tuple(value.shape)}" for name, value in policy.weights.items()]
    return "\n".join(lines)


def _outlook(policy: OldPolicy) -> list[str]:
    """Say what `convert` would make of a policy."""
    from rlmigrate.compat.checkpoints.plans import outlook

    plan, problem = outlook(policy)
    kinds = {
        "default": "RLlib's new default module",
        "wrapped": "the old model, wrapped as an RLModule",
        "none": "its weights alone, until more is given",
    }
    return [kinds[plan.kind], *filter(None, (problem, *plan.notes))]


def _model_name(policy: OldPolicy) -> str:
    custom = policy.model_config.get("custom_model")
    if custom:
        return str(getattr(custom, "name", custom))
    return "default" if policy.model_config else "not written"


def _optimizers(state: Any) -> str:
    count = len(state) if isinstance(state, list | tuple) else 0
    return f"{count} with state" if count else "no state"


def _summary(done: ConversionReport) -> str:
    lines = []
    for policy in done.policies:
        count = ""
        if policy.transfer is not None:
            count = f", {policy.transfer.matched}/{policy.transfer.total} parameters"
        made = f" to {policy.module_class}" if policy.module_class else ""
        lines.append(f"{policy.policy_id}: {policy.status}{made}{count}: {policy.path}")
        lines += [f"  {note}" for note in policy.notes]
        if policy.filter_path:
            lines.append(f"  observation filter: {policy.filter_path}")
        if policy.optimizer_path:
            lines.append(f"  optimizer state: {policy.optimizer_path}")
    return "\n".join(lines)
