"""`rlmigrate record`: write inputs, weights and outputs of an old model to one file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from rlmigrate.errors import RlmigrateError, UsageError


@click.command(name="record")
@click.argument("target", required=False, metavar="[module:Class]")
@click.option(
    "--emit", type=click.Path(path_type=Path), metavar="FILE.py", help="Write a recorder."
)
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("recording.npz"))
@click.option("--env", metavar="ENV", help="Environment id or module:Class that gives the spaces.")
@click.option("--env-config", metavar="JSON", default="{}", help="Config of the environment.")
@click.option("--observation-space", metavar="SPACE", help='Such as "Box(-1.0, 1.0, (4,))".')
@click.option("--action-space", metavar="SPACE", help='Such as "Discrete(2)".')
@click.option("--model-config", metavar="JSON", default="{}", help="The model's config.")
@click.option("--no-ray", is_flag=True, help="Run the model without Ray, even if it is there.")
@click.option("--python", metavar="PATH", help="Interpreter of the old environment.")
@click.option(
    "--role",
    type=click.Choice(["policy", "dqn", "sac"]),
    default="policy",
    help="Algorithm that the model is for; its settings go into --model-config.",
)
@click.option("--seed", type=int, default=0, help="Seed of weights and samples.")
def command(target: str | None, emit: Path | None, out: Path, **options: Any) -> None:
    """Record inputs, weights and outputs of an old model into one .npz file.

    TARGET is file.py:Class or package.module:Class. With --emit, write a recorder instead: one
    file that needs only numpy and your own Ray (Python 3.7 up), for environments in which
    rlmigrate cannot be installed. Then: rlmigrate verify recording.npz NEW
    """
    try:
        if emit:
            _emit(emit)
        elif target:
            _record(target, out, options)
        else:
            raise UsageError("name a class (file.py:Class), or --emit FILE.py for a recorder")
    except RlmigrateError as error:
        click.echo(f"rlmigrate record: {error}", err=True)
        sys.exit(2)


def _emit(path: Path) -> None:
    from rlmigrate.compat.parity.recording.emitting import recorder_source

    path.write_text(recorder_source(), encoding="utf-8")
    click.echo(
        f"wrote {path}; in the old environment run: python {path.name} --help\n"
        "then here: rlmigrate verify recording.npz NEW",
        err=True,
    )


def _record(target: str, out: Path, options: dict[str, Any]) -> None:
    from rlmigrate.compat.parity.cases import CaseOptions, plan_cases
    from rlmigrate.compat.parity.processes.client import RemoteSide, SideProcess
    from rlmigrate.compat.parity.recording.format import record_side, save
    from rlmigrate.compat.parity.space_text import read_space
    from rlmigrate.migrate.verifying.targets import Tree, import_place

    tree = Tree.of(target)
    if tree.only is None:
        raise UsageError(f"{target} names no class; expected file.py:Class")
    place = import_place(tree.files[0], tree.only, tree.root)
    config = json.loads(options["model_config"])
    with SideProcess(
        place.paths,
        ray="no" if options["no_ray"] else "auto",
        python=options["python"] or sys.executable,
        environment={"RLMIGRATE_STACK": "builtin"} if options["no_ray"] else None,
    ) as process:
        spaces = {name: options[name] for name in ("observation_space", "action_space")}
        if not all(spaces.values()):
            if not options["env"]:
                raise UsageError("give --env, or --observation-space and --action-space")
            found, _ = process.ask(
                "spaces", env=options["env"], env_config=json.loads(options["env_config"])
            )
            spaces = {name: text or found[name] for name, text in spaces.items()}
        side = RemoteSide(
            process,
            role="old",
            target=place.target,
            observation_space=spaces["observation_space"],
            action_space=spaces["action_space"],
            model_config=config,
            seed=options["seed"],
            protocol=options["role"],
        )
        cases = plan_cases(
            read_space(spaces["observation_space"]),
            read_space(spaces["action_space"]),
            options=CaseOptions(
                seed=options["seed"], state_sizes=side.state_sizes, columns=side.columns
            ),
        )
        recording = record_side(
            side,
            cases,
            observation_space=spaces["observation_space"],
            action_space=spaces["action_space"],
            model_config=config,
            segments=side.segments,
        )
    save(recording, out)
    click.echo(
        f"recorded {recording.label}: {len(cases)} cases, {len(recording.parameters)} parameters, "
        f"{len(recording.wide_runs)} cases also in float64, in {out}",
        err=True,
    )
