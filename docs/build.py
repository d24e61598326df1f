"""Make the generated pages: docs/cli.md from --help, docs/status.md from docs/status.toml.

Run `python docs/build.py`; tests/meta/test_docs.py fails where a page is not up to date.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import click

from rlmigrate.migrate.cli import COMMANDS, cli

ROOT = Path(__file__).parents[1]


def cli_page() -> str:
    """The help text of every command."""
    parts = [
        "# Command line\n",
        "Made from `--help` by `docs/build.py`.\n",
        f"```text\n{help_of([])}\n```\n",
    ]
    for name in COMMANDS:
        parts.append(f"## rlmigrate {name}\n")
        parts.append(f"```text\n{help_of([name])}\n```\n")
    return "\n".join(parts)


def help_of(words: list[str]) -> str:
    """Render one help text at a fixed width."""
    command: click.Command = cli
    context = click.Context(
        cli,
        info_name="rlmigrate",
        terminal_width=90,
        max_content_width=90,
        help_option_names=["-h", "--help"],
    )
    for word in words:
        found = cli.get_command(context, word)
        if found is None:
            raise SystemExit(f"docs/build.py: no command {word!r}")
        command = found
        context = click.Context(
            command, info_name=word, parent=context, terminal_width=90, max_content_width=90
        )
    return command.get_help(context).rstrip()


def status_page() -> str:
    """What is done, what proves it, and what is missing, issue by issue."""
    data = tomllib.loads((ROOT / "docs" / "status.toml").read_text(encoding="utf-8"))
    lines = [
        "# Status\n",
        "Made from `docs/status.toml` by `docs/build.py`; the number of tests is counted in the",
        "files that are named as proof. An item is done only where nothing is missing.\n",
    ]
    for issue in data["issue"]:
        items = issue["item"]
        done = sum(not item.get("missing") for item in items)
        lines += [f"## {issue['number']}. {issue['title']} ({done} of {len(items)} done)\n"]
        lines += ["| item | state | proof | missing |", "|---|---|---|---|"]
        for item in items:
            proofs = item.get("proof", [])
            missing = item.get("missing", "")
            state = "done" if not missing else ("part" if proofs else "open")
            cells = ", ".join(f"`{proof}` ({count_tests(proof)})" for proof in proofs)
            lines.append(f"| {item['what']} | {state} | {cells} | {missing} |")
        lines.append("")
    return "\n".join(lines)


def count_tests(pattern: str) -> int | str:
    """Number of test functions in the files that a pattern names; `script` for what is no test."""
    paths = sorted(ROOT.glob(pattern))
    if not paths:
        raise SystemExit(f"docs/status.toml names {pattern}, which matches no file")
    files = [
        file
        for path in paths
        for file in ([path] if path.is_file() else sorted(path.rglob("test_*.py")))
    ]
    tests = [file for file in files if file.name.startswith("test_")]
    if not tests:
        return "script"
    return sum(
        isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        for file in tests
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    )


PAGES = {"docs/cli.md": cli_page, "docs/status.md": status_page}


def main() -> None:
    """Write the pages."""
    for name, make in PAGES.items():
        (ROOT / name).write_text(make(), encoding="utf-8")
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
