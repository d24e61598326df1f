"""Facts as text, for `scan --explain`."""

from __future__ import annotations

from rlmigrate.migrate.understanding.facts import ModelFacts


def render(facts: ModelFacts) -> str:
    """Write what is believed of a class, a line a fact; empty facts are left out."""
    rows: list[tuple[str, str]] = [
        ("bases", ", ".join(facts.bases)),
        (
            "parameters",
            ", ".join(
                p.name if p.default is None else f"{p.name}={p.default}" for p in facts.parameters
            ),
        ),
        ("custom config keys", ", ".join(facts.custom_keys)),
        ("model config keys", ", ".join(facts.default_keys)),
        ("observations", " ".join([facts.obs, *facts.obs_keys])),
        ("columns", ", ".join(f"{v.column} = {v.source} at {v.shift}" for v in facts.views)),
        ("head size", facts.head_size or "not read"),
        (
            "RLlib nets",
            ", ".join(f"{s.attribute}: {s.net}({s.given or '?'})" for s in facts.subnets),
        ),
        ("RLlib layers", ", ".join(facts.layers)),
        (
            "kept between calls",
            ", ".join(
                f"{s.attribute} (for values)" if s.for_value else s.attribute for s in facts.stashes
            ),
        ),
        ("recurrent states", "a list" if facts.sequential else ", ".join(facts.states)),
        ("related models", ", ".join(f"{how} {name}" for how, name in facts.family)),
        ("value function", facts.value),
        ("other methods", ", ".join(facts.extra_methods)),
    ]
    lines = [f"{facts.qualified} (line {facts.line})"]
    lines += [f"  {name}: {text}" for name, text in rows if text]
    lines += [f"  problem, line {p.line}: {p.text}" for p in sorted(facts.problems)]
    return "\n".join(lines)
