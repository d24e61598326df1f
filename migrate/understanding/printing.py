"""Facts as text, for `scan --explain`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rlmigrate.migrate.understanding.facts import ModelFacts, Problem

OBSERVATIONS: Mapping[str, str] = {
    "unread": "not read",
    "whole": "as they are",
    "raw": "as environments give them, by key or whole",
    "preprocessed": "as RLlib's preprocessor leaves them",
    "flat": "flattened",
    "keyed": "by key",
    "mixed": "by key or whole, as RLlib's preprocessor leaves them",
}
HEADS: Mapping[str | None, str] = {
    None: "num_outputs is not read",
    "local": "num_outputs is read in the constructor",
    "attribute": "self.num_outputs is read",
}
VALUES: Mapping[str, str] = {
    "none": "none",
    "computed": "computed by value_function",
    "overridden": "computed here and by a base",
}


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
        ("observations", _with(OBSERVATIONS.get(facts.obs, facts.obs), facts.obs_keys)),
        ("columns", ", ".join(f"{v.column} = {v.source} at {v.shift}" for v in facts.views)),
        ("head size", HEADS.get(facts.head_size, str(facts.head_size))),
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
        ("inside RLlib's wrappers", ", ".join(facts.wrappers)),
        ("values", VALUES.get(facts.value, facts.value)),
        ("loss of its own", ", ".join(facts.loss.methods) if facts.loss else ""),
        ("other methods", ", ".join(facts.extra_methods)),
    ]
    lines = [f"  class: {facts.qualified}"]
    lines += [f"  {name}: {text}" for name, text in rows if text]
    if facts.problems:
        lines += ["  against a native module:", *_problems(facts.problems)]
    return "\n".join(lines)


def _with(text: str, keys: tuple[str, ...]) -> str:
    return f"{text} ({', '.join(keys)})" if keys else text


def _problems(problems: tuple[Problem, ...]) -> Iterator[str]:
    """One line for each text, with all of its places."""
    places: dict[str, list[int]] = {}
    for problem in sorted(problems):
        places.setdefault(problem.text, []).append(problem.line)
    for text, lines in places.items():
        several = "s" if len(set(lines)) > 1 else ""
        yield f"    line{several} {', '.join(map(str, dict.fromkeys(lines)))}: it {text}"
