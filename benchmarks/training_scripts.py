"""What becomes of the training scripts of some trees, and whether Ray takes their configs.

    python benchmarks/training_scripts.py [--validate] [--markdown] TREE...

A training script is a file with a config, a registration, a call on an algorithm or callbacks. Each
tree is copied and rewritten; every rewritten file must compile. With --validate each script is then
run in a process of its own up to its first algorithm: where it would build one or hand its config
to Tune, `config.validate()` is called instead. Scripts that stop before that, for want of a
package, an argument or a data set, count as not reached.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import json
import os
import re
import runpy
import shutil
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from rlmigrate.migrate.engine.run import run_files
from rlmigrate.migrate.settings import Settings

KINDS = ("RLM4", "RLM5", "RLM7")
SECONDS = 40


class Reached(BaseException):
    """The script has come to its first algorithm."""


def rewrite_tree(tree: Path, scratch: Path) -> tuple[list[Any], list[Path]]:
    """Rewrite a copy of a tree; its items, and the scripts that changed."""
    copy = scratch / tree.name
    shutil.copytree(tree, copy, ignore=shutil.ignore_patterns(".git"), symlinks=True)
    run = run_files([copy], Settings(yaml_to_python=True), rewriting=True)
    for change in run.changes:
        change.path.write_bytes(change.after)
    items = [item for item in run.report.items if item.code.startswith(KINDS)]
    scripts = {Path(item.path) for item in items}
    changed = [c.path for c in run.changes if c.path in scripts or c.before is None]
    return items, [path for path in changed if path.suffix == ".py"]


def validated(script: Path, tree: Path) -> str:
    """Run a script up to its first algorithm, in a child process."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        verdict = _verdict(script, tree)
        os.write(write, json.dumps(verdict).encode()[:4000])
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return str(json.loads(told)) if told else "not reached: time or memory"


def _verdict(script: Path, tree: Path) -> str:
    import ray
    from ray import tune
    from ray.rllib.algorithms.algorithm_config import AlgorithmConfig

    def reach(config: object) -> None:
        if isinstance(config, AlgorithmConfig):
            config.validate()
            raise Reached
        raise Reached("a dict")

    def build(self: AlgorithmConfig, *_: object, **__: object) -> None:
        reach(self)

    def run(*_: object, **given: Any) -> None:
        reach(given.get("config") or given.get("param_space"))

    AlgorithmConfig.build_algo = AlgorithmConfig.build = build  # type: ignore[assignment]
    tune.run = tune.Tuner = run  # type: ignore[assignment,misc]
    ray.init = lambda *_, **__: None  # type: ignore[assignment]
    sys.argv = [str(script)]
    sys.path[:0] = [str(script.parent), str(tree)]
    os.chdir(script.parent)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            names = runpy.run_path(str(script), run_name="__main__")
            for made in names.get("EXPERIMENTS", {}).values():
                made()
    except Reached as reached:
        return "dict" if reached.args else "valid"
    except SystemExit:
        return "not reached: arguments"
    except BaseException as error:
        where = f"{type(error).__name__}: {error}".splitlines()[0][:160]
        frames = []
        trace = error.__traceback__
        while trace is not None:
            frames.append(trace.tb_frame.f_code.co_name)
            trace = trace.tb_next
        return ("REJECTED " if "validate" in frames else "not reached: ") + where
    return "no algorithm"


def reason(message: str) -> str:
    """A message without names and numbers, so that like ones are counted together."""
    message = re.sub(r"^cell \d+, line \d+: |^\S+\.py: ", "", message)
    message = re.sub(r"['\"][^'\"]*['\"]", "...", message)
    return re.sub(r"\d+", "N", message)[:110]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    if arguments.validate:
        import ray.rllib.algorithms.dqn  # one import for all children
        import ray.rllib.algorithms.ppo
        import ray.tune  # noqa: F401
    reasons: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    total: Counter[str] = Counter()
    print("| tree | scripts | native | bridged | manual | unchanged | rewritten | compile |")
    print("|---|---|---|---|---|---|---|---|")
    for tree in arguments.trees:
        with tempfile.TemporaryDirectory() as folder:
            items, changed = rewrite_tree(tree.resolve(), Path(folder).resolve())
            counts = Counter(str(item.outcome) for item in items)
            total += counts
            reasons += Counter(reason(i.message) for i in items if str(i.outcome) == "manual")
            compiled = 0
            for path in changed:
                ast.parse(path.read_bytes())
                compiled += 1
            scripts = len({item.path for item in items})
            cells = [counts[key] for key in ("native", "bridged", "manual", "unchanged")]
            row = [tree.name, scripts, *cells, len(changed), compiled]
            print("| " + " | ".join(map(str, row)) + " |", flush=True)
            if arguments.validate:
                for path in changed:
                    verdict = validated(path, Path(folder).resolve() / tree.name)
                    verdicts[verdict.partition(":")[0].split(" ")[0]] += 1
                    if arguments.verbose or verdict.startswith("REJECTED"):
                        print(f"    {path.name}: {verdict}", file=sys.stderr, flush=True)
    print(f"\n{dict(total)}\n")
    for text, count in reasons.most_common(10):
        print(f"| {count} | {text} |")
    if arguments.validate:
        print(f"\n{dict(verdicts)}")


if __name__ == "__main__":
    main()
