"""`rlmigrate verify OLD NEW`: compare the outputs of old and new classes."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rlmigrate.errors import RlmigrateError, UsageError

if TYPE_CHECKING:
    from rlmigrate.compat.parity.results import ClassResult, ParityReport
    from rlmigrate.compat.parity.verifying import Task
    from rlmigrate.migrate.verifying.configuration import VerifySettings
    from rlmigrate.migrate.verifying.targets import Tree

#: Exit status by the gravest result.
EXIT = {"PASS": 0, "FAIL": 1, "ERROR": 2, "INCOMPLETE": 3}


@click.command(name="verify")
@click.argument("paths", nargs=-1, required=True, metavar="[OLD] NEW")
@click.option("--old-rev", metavar="REV", help="Take OLD from this git revision of NEW.")
@click.option(
    "--class", "only", multiple=True, metavar="NAME", help="Only these classes; patterns too."
)
@click.option("--config", type=click.Path(path_type=Path), help="TOML instead of pyproject.toml.")
@click.option("--env", metavar="ENV", help="Environment id or module:Class that gives the spaces.")
@click.option("--observation-space", metavar="SPACE", help='Such as "Box(-1.0, 1.0, (4,))".')
@click.option("--action-space", metavar="SPACE", help='Such as "Discrete(2)".')
@click.option("--model-config", metavar="JSON", help="The old model's config.")
@click.option("--no-ray", is_flag=True, help="Run both sides without Ray, even if it is there.")
@click.option("--old-python", metavar="PATH", help="Interpreter of the old side.")
@click.option("--new-python", metavar="PATH", help="Interpreter of the new side.")
@click.option("--limit", type=float, help="Accepted error in units of float32 noise (4).")
@click.option("--seed", type=int, help="Seed of weights and samples (0).")
@click.option("--weights", type=click.Path(path_type=Path), help="Checkpoint or file of weights.")
@click.option("-j", "--jobs", type=click.IntRange(1), default=1, help="Comparisons at a time (1).")
@click.option("--executor", type=click.Choice(["processes", "ray"]), default="processes")
@click.option("--state", type=click.Path(path_type=Path), help="Keep results here, and go on.")
@click.option("--no-localise", is_flag=True, help="Do not search for the faulty layer.")
@click.option("--no-gradients", is_flag=True, help="Do not compare gradients.")
@click.option("--format", "style", type=click.Choice(["text", "json", "markdown"]), default="text")
@click.option("--report", type=click.Path(path_type=Path), help="Report; format by its suffix.")
@click.option("--html", type=click.Path(path_type=Path), help="One self-contained page.")
@click.option("--junit", type=click.Path(path_type=Path), help="JUnit XML for CI.")
@click.option("--artefacts", type=click.Path(path_type=Path), help="Folder for repro scripts.")
@click.option("-q", "--quiet", is_flag=True, help="Only what did not pass.")
@click.option("-v", "--verbose", is_flag=True, help="Every output of every class.")
def command(paths: tuple[str, ...], **options: Any) -> None:
    """Compare the outputs of old and new classes.

    OLD and NEW are trees, files or module:Class; OLD may also be a recording. Exits with 0 if
    all PASS, 1 if any FAIL, 3 if any is INCOMPLETE and none FAIL, 2 on ERROR.
    """
    try:
        with ExitStack() as stack:
            old, new = _sides(paths, options["old_rev"], stack)
            report = _run(old, new, options)
    except RlmigrateError as error:
        click.echo(f"rlmigrate verify: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        kept = f"; run again with --state {options['state']} to go on" if options["state"] else ""
        click.echo(f"rlmigrate verify: interrupted{kept}", err=True)
        sys.exit(130)
    _write(report, options)
    sys.exit(exit_status(report))


def exit_status(report: ParityReport) -> int:
    """Give the exit status: a FAIL counts for more than an ERROR elsewhere."""
    statuses = {result.status.value for result in report.results}
    for status in ("FAIL", "ERROR", "INCOMPLETE"):
        if status in statuses:
            return EXIT[status]
    return EXIT["PASS"] if statuses else EXIT["INCOMPLETE"]


def _sides(paths: tuple[str, ...], revision: str | None, stack: ExitStack) -> tuple[str, str]:
    if revision:
        if len(paths) != 1:
            raise UsageError("--old-rev takes OLD from git; give only NEW")
        return str(stack.enter_context(_checked_out(Path(paths[0]), revision))), paths[0]
    if len(paths) != 2:
        raise UsageError(f"expected OLD and NEW, got {len(paths)} paths")
    return paths[0], paths[1]


@contextmanager
def _checked_out(path: Path, revision: str) -> Iterator[Path]:
    """Write a revision of a folder or file into a temporary folder."""
    folder = path if path.is_dir() else path.parent

    def git(*arguments: str) -> bytes:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True)
        if done.returncode:
            text = done.stderr.decode(errors="replace").strip()
            raise UsageError(f"git {' '.join(arguments[:2])} in {folder}: {text}")
        return done.stdout

    prefix = git("rev-parse", "--show-prefix").decode().strip()
    archive = git("archive", "--format=tar", f"{revision}:{prefix}")
    with tempfile.TemporaryDirectory(prefix="rlmigrate-old-") as temporary:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(temporary, filter="data")
        yield Path(temporary) / (path.name if path.is_file() else "")


def _run(old: str, new: str, options: dict[str, Any]) -> ParityReport:
    from rlmigrate.compat.parity.verifying import VerifyOptions, verify_tasks
    from rlmigrate.migrate.verifying.configuration import read_settings
    from rlmigrate.migrate.verifying.targets import Tree

    new_tree = Tree.of(new)
    if Path(old).suffix == ".npz":
        settings = read_settings(options["config"], (new_tree.root,))
        tasks = [_recording_task(Path(old), new_tree, settings, options)]
        files = new_tree.files
    else:
        old_tree = Tree.of(old)
        settings = read_settings(options["config"], (new_tree.root, old_tree.root))
        tasks = make_tasks(old_tree, new_tree, settings, options)
        files = (*old_tree.files, *new_tree.files)
    if not tasks and options["only"]:
        raise UsageError(f"{old} has no legacy model class named {' or '.join(options['only'])}")
    if not tasks and not settings.skip:
        raise UsageError(f"{old} holds no legacy model class; expected subclasses of TorchModelV2")
    seed = options["seed"] if options["seed"] is not None else settings.seed
    chosen = VerifyOptions(
        ray="no" if options["no_ray"] else "auto",
        old_python=options["old_python"],
        new_python=options["new_python"],
        seed=seed,
        localise=not options["no_localise"],
        gradients=not options["no_gradients"],
        without_tf=not any(map(_mentions_tf, files)),
        jobs=options["jobs"],
        executor=options["executor"],
        state=options["state"],
    )
    with _progress(len(tasks)) as advance, _interruptible(advance) as done:
        report = verify_tasks(tasks, options=chosen, skipped=settings.skip, done=done)
    if options["artefacts"]:
        from rlmigrate.compat.parity.artefacts import write_artefacts

        passing = Path(old) if options["old_rev"] else None
        write_artefacts(report, tasks, chosen, options["artefacts"], passing=passing)
    return report


def _recording_task(
    path: Path, new: Tree, settings: VerifySettings, options: dict[str, Any]
) -> Task:
    """Match a recording with a class of the new tree, by the recorded class's name."""
    from rlmigrate.compat.parity.judge import NOISE_LIMIT
    from rlmigrate.compat.parity.recording.format import load
    from rlmigrate.compat.parity.verifying import Task
    from rlmigrate.migrate.verifying.configuration import for_class
    from rlmigrate.migrate.verifying.targets import find_class

    label = load(path).label
    wanted = new.only or label.rpartition(".")[2]
    place = find_class(new, wanted)
    given = for_class(settings, label)
    return Task(
        place.qualified if place else label,
        label,
        place.target if place else None,
        new_paths=place.paths if place else (),
        model_config=json.loads(options["model_config"] or "{}"),
        new_model_config=given.new_model_config,
        mapping=given.mapping,
        allow_unmatched=given.allow_unmatched,
        limit=options["limit"] or given.limit or settings.limit or NOISE_LIMIT,
        problem="" if place else f"{new.root} defines no {wanted}; give NEW as file.py:Class",
        recording=path,
    )


def _mentions_tf(file: Path) -> bool:
    content = file.read_bytes()
    return b"tensorflow" in content or b"import_tf" in content


def make_tasks(
    old: Tree, new: Tree, settings: VerifySettings, options: dict[str, Any]
) -> list[Task]:
    """Join pairs, configuration, options and what the repository itself says."""
    from rlmigrate.compat.parity.judge import NOISE_LIMIT
    from rlmigrate.compat.parity.verifying import Task
    from rlmigrate.migrate.verifying.configuration import for_class, skip_reason, weights_of
    from rlmigrate.migrate.verifying.inference import infer
    from rlmigrate.migrate.verifying.targets import find_pairs

    pairs, index = find_pairs(old, new)
    guesses = infer(index)
    tasks = []
    for pair in pairs:
        if options["only"] and not any(
            fnmatchcase(pair.name, name) or fnmatchcase(pair.name, f"*.{name}")
            for name in options["only"]
        ):
            continue
        if skip_reason(settings, pair.name) is not None:
            continue
        given = for_class(settings, pair.name)
        guess = guesses.get(pair.old.qualified)
        notes = []
        env = options["env"] or given.env
        config = given.model_config
        env_config = given.env_config
        if options["model_config"]:
            config = json.loads(options["model_config"])
        elif guess and not config:
            config = guess.model_config
            notes += [f"model config as in {guess.where}", *guess.notes]
        spaces_given = (given.observation_space or options["observation_space"]) and (
            given.action_space or options["action_space"]
        )
        if guess and not env and not spaces_given:
            env, env_config = guess.env, guess.env_config
            if env:
                notes.append(f"spaces of {env} as in {guess.where}")
        tasks.append(
            Task(
                pair.name,
                pair.old.target,
                pair.new.target if pair.new else None,
                pair.old.paths,
                pair.new.paths if pair.new else (),
                observation_space=options["observation_space"] or given.observation_space,
                action_space=options["action_space"] or given.action_space,
                env=env,
                env_config=env_config,
                model_config=config,
                new_model_config=given.new_model_config,
                mapping=given.mapping,
                allow_unmatched=given.allow_unmatched,
                limit=options["limit"] or given.limit or settings.limit or NOISE_LIMIT,
                problem=pair.problem,
                notes=tuple(notes),
                weights=options["weights"] or weights_of(settings, given),
                policy=given.policy,
            )
        )
    return tasks


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    """Show a bar on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda result: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("verifying", total=total)

        def advance(result: ClassResult) -> None:
            progress.update(bar, advance=1, description=result.name)

        yield advance


@contextmanager
def _interruptible(done: Callable[[ClassResult], None]) -> Iterator[Callable[[ClassResult], None]]:
    """Stop after the class at hand where an interrupt was lost.

    Python only prints a KeyboardInterrupt that comes up in a destructor or a library's callback.
    """
    if threading.current_thread() is not threading.main_thread():
        yield done
        return
    interrupts: list[int] = []

    def interrupt(number: int, frame: Any) -> None:
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    def step(result: ClassResult) -> None:
        done(result)
        if interrupts:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield step
    finally:
        signal.signal(signal.SIGINT, before)


def _write(report: ParityReport, options: dict[str, Any]) -> None:
    from rlmigrate.compat.parity.render import write_report
    from rlmigrate.compat.parity.render.text import show

    targets = [(options["report"], None), (options["html"], "html"), (options["junit"], "junit")]
    for path, style in targets:
        if path:
            write_report(report, path, style=style)
    show(report, style=options["style"], quiet=options["quiet"], verbose=options["verbose"])
