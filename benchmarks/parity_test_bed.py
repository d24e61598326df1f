"""Everything that shows parity to work, run at once on two cores, with the time of each part.

    python benchmarks/parity_test_bed.py

Wall time depends on what else the machine does; processor time, of all processes of a part, less.
Exits with 1 if a part fails.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = "tests/compat/parity"
PYTEST = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
COMMAND_LINE = f"{TESTS}/test_planted_bugs.py::test_command_line_on_every_planted_bug"
#: The longest first, so that both cores end together.
PARTS: dict[str, list[str]] = {
    "calibration, all default nets": [sys.executable, "benchmarks/calibrate_parity.py"],
    "trajectories on Ray": [*PYTEST, f"{TESTS}/test_trajectories_on_ray.py"],
    "planted bugs and correct rewrites, API": [*PYTEST, f"{TESTS}/test_planted_bugs.py"],
    "the same by the command line": [*PYTEST, "-m", "slow", COMMAND_LINE],
    "Ray's example models, rewritten and verified": [sys.executable, __file__, "examples"],
    "DQN's and SAC's models": [*PYTEST, f"{TESTS}/test_roles.py"],
    "two environments, recordings": [*PYTEST, f"{TESTS}/test_recordings_of_old_rays.py"],
    "trajectories without Ray": [*PYTEST, f"{TESTS}/test_trajectories.py"],
}


def main() -> int:
    began = time.perf_counter()
    print(f"{'part':48} {'wall s':>8} {'CPU s':>8}")
    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(run, PARTS.items()))
    used = sum(cpu for _, cpu, _ in rows)
    wall = time.perf_counter() - began
    print(f"{'all, two at a time':48} {wall:8.0f} {used:8.0f}")
    return max(status for _, _, status in rows)


def run(part: tuple[str, list[str]]) -> tuple[float, float, int]:
    """Give wall time, processor time and exit status of a part."""
    name, command = part
    began = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
        _, waited, usage = os.wait4(process.pid, 0)
        status = os.waitstatus_to_exitcode(waited)
        process.returncode = status
        wall, cpu = time.perf_counter() - began, seconds(usage)
        print(f"{name:48} {wall:8.0f} {cpu:8.0f}{'  FAILED' if status else ''}", flush=True)
        if status:
            output.seek(0)
            print(output.read().decode(errors="replace")[-2000:], file=sys.stderr)
    return wall, cpu, status


def seconds(usage: resource.struct_rusage) -> float:
    """Add up the processor time of a process and of the children it waited for."""
    return usage.ru_utime + usage.ru_stime


def examples() -> int:
    """Rewrite the example models that ship with Ray and verify them, as docs/parity does."""
    import ray

    source = Path(str(ray.__file__)).parent / "rllib" / "examples" / "_old_api_stack"
    with tempfile.TemporaryDirectory() as folder:
        for side in ("old", "new"):
            shutil.copytree(source, Path(folder) / side)
        (Path(folder) / "demo.json").touch()
        rlmigrate = [sys.executable, "-m", "rlmigrate"]
        rewrite = [*rlmigrate, "rewrite", "new", "--write", "--allow-dirty"]
        # Its status is 1 where something is left to do by hand, as the TensorFlow models are.
        subprocess.run(rewrite, cwd=folder, capture_output=True)
        config = str(ROOT / "docs" / "parity" / "ray_examples.toml")
        verify = [*rlmigrate, "verify", "old", "new", "--config", config]
        done = subprocess.run(verify, cwd=folder, capture_output=True, text=True)
    print(done.stdout)
    return 0 if "8 PASS, 12 INCOMPLETE" in done.stdout else 1


if __name__ == "__main__":
    sys.exit(examples() if sys.argv[1:] == ["examples"] else main())
