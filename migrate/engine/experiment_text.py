"""YAML experiments as Python: what `rllib train file` ran before its command went from Ray.

python_text   a script that runs each experiment with Tune, its config still a dict
plain         a value of YAML as Python
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rlmigrate.migrate.configs.writing import Piece, call, mapping, write
from rlmigrate.migrate.source import SourceFile

#: Keys of an experiment that RunConfig takes, under today's names.
RUN = {"local_dir": "storage_path", "storage_path": "storage_path"}
CHECKPOINTS = {
    "checkpoint_freq": "checkpoint_frequency",
    "checkpoint_at_end": "checkpoint_at_end",
    "keep_checkpoints_num": "num_to_keep",
    "checkpoint_score_attr": "checkpoint_score_attribute",
}
STOP = {
    "episode_reward_mean": "env_runners/episode_return_mean",
    "timesteps_total": "num_env_steps_sampled_lifetime",
}
HANDLED = {"run", "name", "env", "config", "stop", "num_samples", *RUN, *CHECKPOINTS}


def python_text(
    source: SourceFile, experiments: Mapping[str, Mapping[str, Any]]
) -> tuple[str, list[str]]:
    """Write the script; the other value names the experiment keys that it cannot hold."""
    lost: list[str] = []
    parts = [
        f'"""Experiments of {source.path.name}: `python FILE.py [EXPERIMENT ...]` runs them."""\n'
        "\n{imports}import sys\n\nfrom ray import tune\n"
    ]
    names: list[str] = []
    for title, experiment in experiments.items():
        name = _identifier(str(title), taken=names)
        names.append(name)
        lost += [str(key) for key in experiment if key not in HANDLED]
        parts.append(_function(source, name, str(title), experiment))
    table = "".join(
        f"    {plain(str(title))}: {name},\n"
        for title, name in zip(experiments, names, strict=True)
    )
    parts.append(
        "EXPERIMENTS = {\n" + table + "}\n\n"
        'if __name__ == "__main__":\n'
        "    for title in sys.argv[1:] or EXPERIMENTS:\n"
        "        EXPERIMENTS[title]().fit()\n"
    )
    needs = "import os\n" if any("os.path." in part for part in parts[1:]) else ""
    parts[0] = parts[0].replace("{imports}", needs)
    return "\n\n".join(parts), lost


def _function(source: SourceFile, name: str, title: str, experiment: Mapping[str, Any]) -> str:
    lines = [f"def {name}():", "    config = {"]
    if "env" in experiment:
        lines += _above(source, experiment, "env", 8)
        lines.append(f'        "env": {plain(experiment["env"])},')
    lines += _entries(source, experiment.get("config") or {}, 8)
    lines.append("    }")
    run: dict[str, Piece | str] = {"name": plain(title)}
    run |= {RUN[key]: _place(experiment[key]) for key in experiment if key in RUN}
    if experiment.get("stop"):
        stop: list[tuple[str, Piece | str]] = [
            (f"{plain(STOP.get(key, key))}: ", plain(value))
            for key, value in experiment["stop"].items()
        ]
        run["stop"] = mapping(stop)
    kept = {CHECKPOINTS[k]: plain(v) for k, v in experiment.items() if k in CHECKPOINTS}
    if kept:
        run["checkpoint_config"] = call("tune.CheckpointConfig", **kept)
    more: dict[str, Piece | str] = {}
    if experiment.get("num_samples", 1) != 1:
        samples = plain(experiment["num_samples"])
        more["tune_config"] = call("tune.TuneConfig", num_samples=samples)
    tuner = Piece(
        "tune.Tuner(",
        (
            ("", plain(experiment["run"])),
            ("param_space=", "config"),
            ("run_config=", call("tune.RunConfig", **run)),
            *((f"{key}=", value) for key, value in more.items()),
        ),
    )
    lines.append("    return " + write(tuner, indent="    ", column=11))
    return "\n".join(lines) + "\n"


def _place(value: Any) -> str:
    """Write where results go: Ray takes no relative path any more."""
    text = plain(value)
    if not isinstance(value, str) or value.startswith("/") or "://" in value:
        return text
    return f"os.path.abspath(os.path.expanduser({text}))"


def _entries(source: SourceFile, mapping: Mapping[str, Any], indent: int) -> Iterator[str]:
    """Lines of a dict's entries, with the comments that stand above and behind them."""
    pad = " " * indent
    for key, value in mapping.items():
        yield from _above(source, mapping, key, indent)
        if isinstance(value, Mapping) and value and "grid_search" not in value:
            yield f"{pad}{plain(key)}: {{"
            yield from _entries(source, value, indent + 4)
            yield f"{pad}}},"
        else:
            yield f"{pad}{plain(key)}: {plain(value)},"


def _above(source: SourceFile, mapping: Mapping[str, Any], key: object, indent: int) -> list[str]:
    """The comments of one key, each as a line above it."""
    places = getattr(mapping, "lc", None)
    try:
        line = places.key(key)[0]  # type: ignore[union-attr]
    except (AttributeError, KeyError, TypeError):
        return []
    lines = source.text.splitlines()
    found: list[str] = []
    at = line - 1
    while at >= 0 and lines[at].strip().startswith("#"):
        found.insert(0, lines[at].strip())
        at -= 1
    tokens = getattr(mapping, "ca", None)
    behind = tokens.items.get(key) if tokens is not None else None
    token = behind[2] if behind and len(behind) > 2 else None
    if token is not None and token.value.startswith("#"):
        found.append(token.value.splitlines()[0].strip())
    return [" " * indent + comment for comment in found]


def plain(value: Any) -> str:
    """Write a value of YAML as Python; a grid becomes tune.grid_search()."""
    if isinstance(value, Mapping):
        if set(value) == {"grid_search"}:
            return f"tune.grid_search({plain(value['grid_search'])})"
        return "{" + ", ".join(f"{plain(k)}: {plain(v)}" for k, v in value.items()) + "}"
    if isinstance(value, str):
        return json.dumps(str(value), ensure_ascii=False)
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, int):
        return repr(int(value))
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, Sequence):
        return "[" + ", ".join(plain(item) for item in value) + "]"
    return repr(str(value))


def _identifier(title: str, *, taken: list[str]) -> str:
    name = "".join(char if char.isalnum() else "_" for char in title).strip("_").lower()
    name = name if name and not name[0].isdigit() else f"experiment_{name}"
    while name in taken:
        name += "_"
    return name
