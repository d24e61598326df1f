"""`rlmigrate explain CODE`: what a rule sees, does and why."""

from __future__ import annotations

import click

from rlmigrate.migrate.commands.options import guarded
from rlmigrate.migrate.commands.output import show


@click.command(name="explain")
@click.argument("code")
@guarded
def command(*, code: str) -> None:
    """Explain the rule CODE, with a before and after."""
    from rlmigrate.migrate.reports.page import rule_page
    from rlmigrate.migrate.rules.registry import rule

    show(rule_page(rule(code)))
