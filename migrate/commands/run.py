"""Run an old script unchanged, with old names resolved."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import CodeType, ModuleType, TracebackType

import click

from rlmigrate.errors import UsageError


@click.command(
    "run",
    short_help="Run an old script unchanged, with old names resolved.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("--no-ray", is_flag=True, help="Resolve every name to rlmigrate, Ray or no Ray.")
@click.option(
    "--era", metavar="X.Y", help="Accept exactly the names and constructor forms of this release."
)
@click.argument("script", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def command(no_ray: bool, era: str | None, script: Path, args: tuple[str, ...]) -> None:
    """Run SCRIPT with ARGS, as python would, with `ray.rllib` names of old releases resolved.

    Names that the installed Ray lacks come from rlmigrate's own implementations; with --no-ray,
    or where Ray is not installed, all of them do. The exit status is the script's.
    """
    try:
        sys.exit(run_script(script, args, no_ray=no_ray, era=era))
    except UsageError as error:
        raise click.UsageError(str(error)) from error


def run_script(
    script: Path, args: tuple[str, ...], *, no_ray: bool, era: str | None
) -> int | str | None:
    """Run `script` as `__main__` and return its exit status; its traceback goes to stderr.

    Raises UsageError on an era that is no release.
    """
    from rlmigrate.compat.names import ray_names

    saved = (sys.argv, sys.path[:], sys.modules["__main__"])
    main = ModuleType("__main__")
    main.__dict__.update(__file__=str(script), __cached__=None, __builtins__=__builtins__)
    sys.argv = [str(script), *args]
    sys.path[0:1] = [str(script.resolve().parent)]
    try:
        with ray_names(era=era, ray=False if no_ray else "auto"):
            sys.modules["__main__"] = main
            try:
                return _execute(script, main)
            finally:
                sys.modules["__main__"] = saved[2]
    finally:
        sys.argv, sys.path[:] = saved[0], saved[1]


def _execute(script: Path, main: ModuleType) -> int | str | None:
    try:
        code: CodeType = compile(script.read_bytes(), str(script), "exec")
        exec(code, main.__dict__)
    except SystemExit as leave:
        return leave.code
    except SyntaxError as error:
        if error.filename == str(script):
            error = error.with_traceback(None)
        traceback.print_exception(error)
        return 1
    except BaseException as error:
        shown = error.with_traceback(_from_script(error.__traceback__, str(script)))
        traceback.print_exception(shown)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _from_script(frames: TracebackType | None, script: str) -> TracebackType | None:
    """Drop the frames of this command, so that the traceback begins in the script."""
    while frames is not None and frames.tb_frame.f_code.co_filename != script:
        frames = frames.tb_next
    return frames
