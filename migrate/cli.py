"""The command line: a group whose commands are imported only when they are called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click

from rlmigrate import __version__

#: Command name, module that holds it as `command`, and the line that `--help` shows.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "scan": ("scan", "List the legacy constructs of a repository."),
    "rewrite": ("rewrite", "Rewrite legacy code for the new stack; a diff unless --write."),
    "verify": ("verify", "Compare the outputs of old and new classes."),
    "record": ("record", "Record inputs, weights and outputs of an old model."),
    "convert": ("convert", "Turn an old checkpoint into an RLModule checkpoint."),
    "explain": ("explain", "Say what a rule sees, does and why."),
    "rules": ("rules", "List the rules."),
    "todo": ("todo", "List, refresh or clear the markers of manual work."),
    "warnings": ("warnings", "Lead deprecation warnings of a log to rules and places."),
    "run": ("run", "Run an old script unchanged, with old names resolved."),
}


class LazyGroup(click.Group):
    """A click group that imports a command's module only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order in which they are used."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"rlmigrate.migrate.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="rlmigrate")
def cli() -> None:
    """Move RLlib code from the old API stack to RLModule, and prove the numbers are the same."""


def main() -> None:
    """Run the command line."""
    cli()
