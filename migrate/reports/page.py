"""The page of a rule: what `explain` prints and the docs hold.

rule_page   Markdown with the rule's own cases
"""

from __future__ import annotations

from rlmigrate.migrate.rules.base import Rule


def rule_page(rule: Rule) -> str:
    """Render one rule with its first before and after, and what it leaves alone."""
    parts = [
        f"# {rule.code} {rule.name}",
        "",
        rule.summary,
        "",
        f"Kind: {rule.kind}. Needed since Ray {rule.since}."
        + ("" if rule.safe else " Unsafe: read each change."),
        "",
        rule.explanation.strip(),
        "",
    ]
    for case in rule.cases:
        parts += [f"## {_title(case.name)}", ""]
        for path, text in case.other_files.items():
            parts += [f"With `{path}`:", "", "```python", text.strip("\n"), "```", ""]
        parts += ["Before:", "", "```python", case.before.strip("\n"), "```", ""]
        if case.after is not None:
            parts += ["After:", "", "```python", case.after.strip("\n"), "```", ""]
    if rule.unchanged:
        parts += ["## What it leaves alone", ""]
        for case in rule.unchanged:
            parts += [f"{_title(case.name)}:", "", "```python", case.before.strip("\n"), "```", ""]
    parts += [f"See {rule.link}."]
    return "\n".join(parts) + "\n"


def _title(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]
