"""What scan and rewrite cost, as ratios to floors measured in the same run.

    python benchmarks/bench_codemod.py [--runs 5] [--only scan,rewrite,big,jobs,start]

scan     Ray's own rllib tree, against `ast.parse` of the files that mention rllib
rewrite  the same tree, against a bare pipeline: `ast` finds the files that import what is looked
         for; libcst parses those that change, runs one plain transformer and writes the code
big      10,000 files of which 500 mention rllib and 250 change, against the same pipeline
jobs     `rewrite --jobs 2` against `--jobs 1`, and the memory of the largest worker
start    `--help`, and `scan` of an empty folder, in seconds

One core and processor time but for `jobs` and `start`, which take wall time. Both sides of a
ratio run in turn and the best of each counts, for other work on the machine only ever adds.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

#: What is measured, by name: statements that run in an interpreter of their own with `tree` set
#: and leave a function `work`.
WORK = {
    "scan": "work = lambda: run_files([tree], settings, rewriting=False)",
    "rewrite": "work = lambda: run_files([tree], settings, rewriting=True)",
    # Reading is not counted.
    "parse": """
texts = [raw for path in sorted(tree.rglob("*.py")) if b"rllib" in (raw := path.read_bytes())]
work = lambda: [ast.parse(text) and None for text in texts]
""",
    # It knows in advance which files change.
    "pipeline": """
run = run_files([tree], settings, rewriting=True)
changing = {change.path for change in run.changes if change.before is not None}
del run
def work():
    for path in sorted(tree.rglob("*.py")):
        raw = path.read_bytes()
        if b"rllib" not in raw:
            continue
        for node in ast.walk(ast.parse(raw)):
            isinstance(node, ast.Import | ast.ImportFrom | ast.Call)
        if path in changing:
            libcst.parse_module(raw).visit(libcst.CSTTransformer()).code
""",
}
FRAME = """
import ast, dataclasses, json, resource, sys, time
from pathlib import Path
import libcst
from rlmigrate.migrate.engine.run import run_files
from rlmigrate.migrate.rules.registry import all_rules
from rlmigrate.migrate.settings import Settings
all_rules()
tree, settings = Path(sys.argv[1]), dataclasses.replace(Settings(), jobs=int(sys.argv[2]))
{work}
wall, cpu = time.perf_counter(), time.process_time()
work()
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
own = Path("/proc/self/status")
peak = own.read_text().partition("VmHWM:")[2].split()[0] if own.exists() else 0
worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([wall, cpu, int(peak) / 1024, worker / 1024]))
"""


class Measured(NamedTuple):
    """Seconds and MiB of one run."""

    wall: float
    cpu: float
    memory: float
    worker_memory: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="scan,rewrite,big,jobs,start")
    options = parser.parse_args()
    wanted, runs = options.only.split(","), options.runs
    found = importlib.util.find_spec("ray")
    if found is None or found.origin is None:
        sys.exit("Ray is the tree to measure on: install ray[rllib]")
    rllib = Path(found.origin).parent / "rllib"
    if "scan" in wanted:
        print(ratio("scan of rllib/ : ast.parse", rllib, "scan", "parse", runs))
    if "rewrite" in wanted:
        print(ratio("rewrite of rllib/ : pipeline", rllib, "rewrite", "pipeline", runs))
    with tempfile.TemporaryDirectory() as folder:
        big = Path(folder)
        if {"big", "jobs"} & set(wanted):
            grow(big)
        if "big" in wanted:
            print(ratio("rewrite of 10,000 : pipeline", big, "rewrite", "pipeline", runs))
        if "jobs" in wanted:
            jobs("rllib/", rllib, runs)
            jobs("10,000 files", big, runs)
    if "start" in wanted:
        start(runs)


def measure(work: str, tree: Path, count: int = 1) -> Measured:
    """Run one kind of work over `tree` in a fresh interpreter."""
    code = FRAME.format(work=WORK[work])
    command = [sys.executable, "-c", code, str(tree), str(count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Measured(*json.loads(done.stdout))


def ratio(name: str, tree: Path, ours: str, floor: str, runs: int) -> str:
    """Run both in turn and compare the best of each, in seconds of processor time."""
    pairs = [(measure(ours, tree), measure(floor, tree)) for _ in range(runs)]
    best = [min(run.cpu for run in side) for side in zip(*pairs, strict=True)]
    memory = max(run.memory for run, _ in pairs)
    times = f"{best[0]:6.2f} s : {best[1]:5.2f} s = {best[0] / best[1]:5.2f}"
    return f"{name:32} {times}   {memory:.0f} MiB"


PLAIN = """def f{n}(a, b):
    total = a.{name} + b[{n}]
    for item in range(total):
        total += {{"key": item, "other": [item, {n}]}}["key"]
    return total, {name}(a, b=total)


"""
QUIET = """import ray
from ray.rllib.core.rl_module.torch import TorchRLModule


"""
CHANGING = """import ray
from ray.rllib.algorithms.ppo import PPOConfig


def config{n}():
    return (
        PPOConfig()
        .rollouts(num_rollout_workers=2, num_envs_per_worker={n})
        .training(num_sgd_iter=3, sgd_minibatch_size=128, model={{"fcnet_hiddens": [64, {n}]}})
        .resources(num_gpus=1)
    )


"""


def grow(root: Path, *, files: int = 10_000, mention: int = 500, change: int = 250) -> None:
    """Write a tree of files of some 120 lines, twenty to a package."""
    for number in range(files):
        folder = root / f"package{number // 20}"
        folder.mkdir(exist_ok=True)
        step = files // mention
        head = ""
        if number % step == 0:
            changes = number // step < change
            head = CHANGING.format(n=number) if changes else QUIET
        body = "".join(PLAIN.format(n=n, name=f"name{number}") for n in range(20))
        (folder / f"module{number}.py").write_text(head + body)
        (folder / "__init__.py").touch()


def jobs(name: str, tree: Path, runs: int) -> None:
    """Compare one process with two."""
    pairs = [(measure("rewrite", tree, 1), measure("rewrite", tree, 2)) for _ in range(runs)]
    one, two = (min(run.wall for run in side) for side in zip(*pairs, strict=True))
    times = f"{one:6.2f} s : {two:5.2f} s = {one / two:5.2f}"
    parent = max(run.memory for _, run in pairs)
    worker = max(run.worker_memory for _, run in pairs)
    memory = f"{parent:.0f} MiB, workers {worker:.0f} MiB"
    print(f"{name + ', --jobs 1 : --jobs 2':32} {times}   {memory}")


def start(runs: int) -> None:
    """Time whole processes."""
    with tempfile.TemporaryDirectory() as empty:
        for arguments in (["--help"], ["scan", empty]):
            command = [sys.executable, "-m", "rlmigrate", *arguments]
            best = min(timed(command) for _ in range(max(runs, 5)))
            print(f"{'rlmigrate ' + arguments[0]:32} {best:6.3f} s")


def timed(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
