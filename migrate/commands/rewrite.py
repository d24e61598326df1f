"""`rlmigrate rewrite`: rewrite legacy code for the new stack."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rlmigrate.errors import UsageError
from rlmigrate.migrate.commands.options import Options, shared_options
from rlmigrate.migrate.commands.output import progress, save, say, show, show_diff, show_report

if TYPE_CHECKING:
    from rlmigrate.migrate.engine.run import Change, Run


@click.command(name="rewrite")
@click.option("--write", is_flag=True, help="Change the files.")
@click.option("--check", is_flag=True, help="Print the summary only; change nothing.")
@click.option("--allow-dirty", is_flag=True, help="Write though git has uncommitted changes.")
@click.option(
    "--layers",
    type=click.Choice(("file", "import")),
    help="Where layers of RLlib's nets come from: a file beside the models, or rlmigrate.",
)
@click.option(
    "--yaml-to-python",
    is_flag=True,
    default=None,
    help="Write a Python script beside each YAML experiment file, with config builders.",
)
@click.option(
    "--max-files", type=click.IntRange(min=1), metavar="N", help="Change N files at most."
)
@click.option("--interactive", is_flag=True, help="Ask for each change, hunk by hunk.")
@click.option(
    "--split-patches",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write one patch a rule into DIR; they apply in order.",
)
@click.option(
    "--undo-patch",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --write: keep a patch that takes the run back.",
)
@shared_options
def command(
    *,
    options: Options,
    write: bool,
    check: bool,
    allow_dirty: bool,
    max_files: int | None,
    interactive: bool,
    split_patches: Path | None,
    undo_patch: Path | None,
) -> int:
    """Print the diff that moves PATHS to the new stack; with --write, make it.

    Exit status: 0 nothing to do or all written, 1 changes pending or manual items left, 2 error.
    """
    from rlmigrate.migrate.engine.run import run_files

    if write and check:
        raise UsageError("--write and --check: choose one")
    if write and not allow_dirty:
        _refuse_dirty(options.paths)
    with progress(quiet=options.quiet) as done:
        run = run_files(options.paths, options.settings, rewriting=True, done=done)
    changes: Sequence[Change] = run.changes
    everything = len(changes)
    if split_patches is not None:
        from rlmigrate.migrate.engine.split import write_patches

        for path in write_patches(options.paths, options.settings, split_patches):
            say(f"wrote {path}", quiet=options.quiet)
    if interactive:
        from rlmigrate.migrate.commands.asking import asked

        changes = asked(changes)
    if max_files is not None:
        changes = changes[:max_files]
    pending = everything
    errors: dict[Path, str] = {}
    if write:
        from rlmigrate.migrate.io.writing import write_run

        written = write_run(changes, undo_patch=undo_patch)
        errors = written.errors
        pending = everything - len(written.paths)
        for path in written.paths:
            say(f"wrote {path}", quiet=options.quiet)
    if max_files is not None and pending:
        done_with = everything - pending if write else len(changes)
        what = "written" if write else "shown"
        say(f"{done_with} of {everything} files {what}; run again for more", quiet=options.quiet)
    return _tell(options, run, changes, errors, pending, diff=not (write or check))


def _tell(
    options: Options,
    run: Run,
    changes: Sequence[Change],
    errors: dict[Path, str],
    pending: int,
    *,
    diff: bool,
) -> int:
    from rlmigrate.migrate.engine.run import with_errors
    from rlmigrate.migrate.reports.text import summary

    report = with_errors(run.report, errors)
    if options.baseline is not None:
        from rlmigrate.migrate.engine.baseline import without_baseline

        report = without_baseline(report, options.baseline)
    if options.format_name is not None:
        show_report(report, options.format_name)
    else:
        from rlmigrate.migrate.io.patch import unified

        if diff:
            for change in changes:
                show_diff(unified(change.path, change.before, change.after))
        show(("\n" if diff and changes else "") + summary(report) + "\n")
        for file in report.files:
            if file.error:
                say(f"error: {file.error}")
    if options.report is not None:
        save(report, options.report)
        say(f"wrote {options.report}", quiet=options.quiet)
    if report.summary.files_failed:
        return 2
    return 1 if pending or report.summary.manual else 0


def _refuse_dirty(paths: Sequence[Path]) -> None:
    from rlmigrate.migrate.io.git import uncommitted

    dirty = uncommitted(paths)
    if dirty:
        some = "\n  ".join(dirty[:10]) + ("\n  ..." if len(dirty) > 10 else "")
        raise UsageError(
            f"{len(dirty)} files have uncommitted changes:\n  {some}\n"
            "commit or stash them, or pass --allow-dirty"
        )
