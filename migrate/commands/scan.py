"""`rlmigrate scan`: list the legacy constructs of a repository."""

from __future__ import annotations

from pathlib import Path

import click

from rlmigrate.migrate.commands.options import Options, shared_options
from rlmigrate.migrate.commands.output import progress, save, say, show_report


@click.command(name="scan")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 though something is found.")
@click.option(
    "--explain",
    "class_name",
    metavar="CLASS",
    help="Print what is understood of one class, and what becomes of it.",
)
@click.option(
    "--write-baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="List what is found in FILE, for --baseline.",
)
@shared_options
def command(
    *, options: Options, exit_zero: bool, class_name: str | None, write_baseline: Path | None
) -> int:
    """List the legacy constructs of PATHS and what would become of each.

    Exit status: 0 none found, 1 found, 2 a file or the command failed.
    """
    from rlmigrate.migrate.engine.run import run_files

    if class_name is not None:
        from rlmigrate.migrate.commands.explain_class import explain_class

        return explain_class(options, class_name)
    with progress(quiet=options.quiet) as done:
        run = run_files(options.paths, options.settings, rewriting=False, done=done)
    report = run.report
    if write_baseline is not None:
        from rlmigrate.migrate.engine.baseline import write_baseline as write

        write(report, write_baseline)
    if options.baseline is not None:
        from rlmigrate.migrate.engine.baseline import without_baseline

        report = without_baseline(report, options.baseline)
    show_report(report, options.format_name or "text")
    if options.report is not None:
        save(report, options.report)
        say(f"wrote {options.report}", quiet=options.quiet)
    if report.summary.files_failed:
        return 2
    return 1 if report.items and not exit_zero else 0
