"""`rlmigrate rules`: list the rules."""

from __future__ import annotations

import json

import click

from rlmigrate.migrate.commands.options import guarded
from rlmigrate.migrate.commands.output import show


@click.command(name="rules")
@click.option("--format", "format_name", type=click.Choice(["text", "json"]), default="text")
@guarded
def command(*, format_name: str) -> None:
    """List every rule: code, kind, name and what it does."""
    from rlmigrate.migrate.rules.registry import all_rules

    rules = all_rules().values()
    if format_name == "json":
        table = [
            {
                "code": rule.code,
                "name": rule.name,
                "kind": str(rule.kind),
                "summary": rule.summary,
                "since": rule.since,
                "link": rule.link,
                "safe": rule.safe,
            }
            for rule in rules
        ]
        show(json.dumps(table, indent=2) + "\n")
        return
    width = max((len(rule.name) for rule in rules), default=0)
    for rule in rules:
        show(f"{rule.code}  {rule.kind:<12}  {rule.name:<{width}}  {rule.summary}\n")
