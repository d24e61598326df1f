"""`verify` on several processes, on Ray, interrupted, with given weights and interpreters."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from rlmigrate.compat.parity import Status
from rlmigrate.compat.parity.results import read_result
from rlmigrate.compat.parity.verifying import Task, VerifyOptions, verify_tasks

BUGS = Path(__file__).parents[3] / "fixtures" / "parity_bugs"
GAUSS = {"observation_space": "Box(-1.0, 1.0, (3,))", "action_space": "Box(-2.0, 2.0, (2,))"}
NORM = {"observation_space": "Box(-1.0, 1.0, (4,))", "action_space": "Discrete(4)"}


def task(module, name, spaces, **more):
    paths = {"old_paths": (BUGS / "old",), "new_paths": (BUGS / "new",)}
    return Task(
        f"{module}.{name}", f"{module}:{name}", f"{module}:{name}", **paths, **spaces, **more
    )


TASKS = [
    task("nets", "Gauss", GAUSS),
    task("faulty", "Epsilon", NORM),
    task("nets", "Norm", NORM),
]


def plain(report):
    """All that a report says, but for how long it took."""
    return [{**r.to_dict(), "seconds": 0} for r in report.results]


@pytest.fixture(scope="module")
def serial():
    return verify_tasks(TASKS, options=VerifyOptions(ray="no"))


def test_results_are_those_of_the_tasks_in_order(serial):
    assert [r.name for r in serial.results] == [t.name for t in TASKS]
    assert [r.status for r in serial.results] == [Status.PASS, Status.FAIL, Status.PASS]


def test_two_jobs_give_the_same_report(serial):
    assert plain(verify_tasks(TASKS, options=VerifyOptions(ray="no", jobs=2))) == plain(serial)


def test_cases_of_one_class_are_spread_over_processes(serial, monkeypatch):
    from rlmigrate.compat.parity.sides.spread import SpreadSide

    shares = []
    whole = SpreadSide.run_many

    def watched(self, cases, **options):
        shares.append((len(self._members), len(cases)))
        return whole(self, cases, **options)

    monkeypatch.setattr(SpreadSide, "run_many", watched)
    report = verify_tasks(TASKS[1:2], options=VerifyOptions(ray="no", jobs=2))
    assert shares[:2] == [(2, 9), (2, 9)]
    (spread,), alone = report.results, serial.results[1]
    # Batches of other shapes reach the distributions, so the last bit may differ.
    assert (spread.status, spread.accounting) == (alone.status, alone.accounting)
    assert spread.first_divergence == alone.first_divergence
    assert {f.path for f in spread.findings} == {f.path for f in alone.findings}


def test_result_survives_writing_and_reading(serial):
    for result in serial.results:
        again = read_result(json.loads(json.dumps(result.to_dict())))
        assert again.to_dict() == result.to_dict()
        assert again.status is result.status
        assert again.accounting == result.accounting


def run_counted(tasks, options, monkeypatch):
    import rlmigrate.compat.parity.verifying.run as run

    ran = []
    whole = run.verify_one

    def watched(one, *rest):
        ran.append(one.name)
        return whole(one, *rest)

    monkeypatch.setattr(run, "verify_one", watched)
    return verify_tasks(tasks, options=options), ran


def test_what_the_state_file_has_is_not_run_again(serial, tmp_path, monkeypatch):
    options = VerifyOptions(ray="no", state=tmp_path / "state.jsonl")
    verify_tasks(TASKS[:2], options=options)
    report, ran = run_counted(TASKS, options, monkeypatch)
    assert ran == ["nets.Norm"]
    assert plain(report) == plain(serial)


def test_line_that_was_cut_off_is_run_again(tmp_path, monkeypatch):
    options = VerifyOptions(ray="no", state=tmp_path / "state.jsonl")
    verify_tasks(TASKS[:2], options=options)
    text = options.state.read_text()
    options.state.write_text(text[: len(text) * 3 // 4])
    _, ran = run_counted(TASKS[:2], options, monkeypatch)
    assert ran == ["faulty.Epsilon"]


@pytest.mark.slow
def test_changed_code_or_options_are_run_again(tmp_path, monkeypatch):
    shutil.copytree(BUGS, tmp_path / "bugs")
    paths = {
        "old_paths": (tmp_path / "bugs" / "old",),
        "new_paths": (tmp_path / "bugs" / "new",),
    }
    one = Task("nets.Gauss", "nets:Gauss", "nets:Gauss", **paths, **GAUSS)
    options = VerifyOptions(ray="no", state=tmp_path / "state.jsonl", gradients=False)
    verify_tasks([one], options=options)
    _, ran = run_counted([one], options, monkeypatch)
    assert ran == []
    (tmp_path / "bugs" / "new" / "nets.py").touch()
    _, ran = run_counted([one], options, monkeypatch)
    assert ran == ["nets.Gauss"]
    other = VerifyOptions(ray="no", state=options.state, gradients=False, seed=1)
    _, ran = run_counted([one], other, monkeypatch)
    assert ran == ["nets.Gauss"]


def verify_command(*arguments):
    return [sys.executable, "-m", "rlmigrate", "verify", *map(str, arguments)]


@pytest.mark.slow
def test_interrupted_command_goes_on_where_it_stopped(tmp_path):
    state = tmp_path / "state.jsonl"
    command = verify_command(
        *(BUGS / "old", BUGS / "new", "--config", BUGS / "verify.toml"),
        *("--no-ray", "--state", state, "--format", "json"),
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, start_new_session=True, **pipes)
    while not state.exists() or state.read_text().count("\n") < 3:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the sides' processes too
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; run again with --state" in said
    before = state.read_text().count("\n")
    assert before < 70
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    results = json.loads(done.stdout)["results"]
    assert len(results) == 70
    assert state.read_text().count("\n") == 70


@pytest.mark.slow
def test_ray_tasks_give_the_same_report(serial):
    import ray

    assert not ray.is_initialized()
    report = verify_tasks(TASKS, options=VerifyOptions(ray="no", executor="ray", jobs=2))
    assert not ray.is_initialized()
    assert plain(report) == plain(serial)


@pytest.fixture
def weights(planted, tmp_path):
    """Weights of Gauss by name, as a file of each kind that `weights` takes."""
    import torch
    from safetensors.numpy import save_file

    from rlmigrate.compat.parity.sides import building
    from rlmigrate.compat.parity.space_text import read_space

    old, _, _ = planted("nets", "Gauss")
    spaces = {name: read_space(text) for name, text in GAUSS.items()}
    model = building.build_legacy(old, **spaces, model_config={}, seed=5)
    values = {name: 3 * value.numpy() for name, value in model.state_dict().items()}
    values["log_std"] = np.float32([0.25, -0.5])
    np.savez(tmp_path / "w.npz", **values)
    save_file(values, tmp_path / "w.safetensors")
    torch.save({k: torch.tensor(v) for k, v in values.items()}, tmp_path / "w.pt")
    return values


def test_given_weights_are_the_ones_compared(serial, weights, tmp_path):
    files = [
        task("nets", "Gauss", GAUSS, weights=tmp_path / f"w.{kind}")
        for kind in ("npz", "safetensors", "pt")
    ]
    report = verify_tasks(files, options=VerifyOptions(ray="no", gradients=False))
    own = {name: (old, new) for name, old, new in serial.results[0].preflight}
    for result in report.results:
        assert result.status is Status.PASS
        facts = {name: (old, new) for name, old, new in result.preflight}
        assert facts["weights"] != own["weights"]
        assert facts["weights"][0] == facts["weights"][1]


def test_weights_that_do_not_fit_are_named(weights, tmp_path):
    del weights["log_std"]
    np.savez(tmp_path / "w.npz", **weights, more=np.zeros(3))
    with_file = task("nets", "Gauss", GAUSS, weights=tmp_path / "w.npz")
    (result,) = verify_tasks([with_file], options=VerifyOptions(ray="no")).results
    assert result.status is Status.INCOMPLETE
    assert "log_std is missing; more is unknown to the model" in result.message


@pytest.mark.slow
def test_weights_of_the_configuration_stand_beside_it(weights, tmp_path):
    (tmp_path / "verify.toml").write_text(
        '[verify.classes."nets.Gauss"]\n'
        + "".join(f'{name} = "{text}"\n' for name, text in GAUSS.items())
        + 'weights = "w.npz"\n'
    )
    command = verify_command(
        *(BUGS / "old" / "nets.py", BUGS / "new" / "nets.py", "--class", "Gauss", "--no-ray"),
        *("--config", tmp_path / "verify.toml"),
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (tmp_path / "w.npz").unlink()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "w.npz: no such file" in done.stdout


@pytest.mark.slow
def test_checkpoint_gives_the_weights(tmp_path):
    """A checkpoint of Ray 2.9.3 under the default net, of which the module is a wrapped one."""
    (tmp_path / "old_net.py").write_text(
        "from ray.rllib.models.torch.fcnet import FullyConnectedNetwork\n\n\n"
        "class Net(FullyConnectedNetwork):\n    pass\n"
    )
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "old_net.py").write_text(
        "from ray.rllib.models.torch.fcnet import FullyConnectedNetwork\n"
        "from rlmigrate import wrap_model\n\nNet = wrap_model(FullyConnectedNetwork, name='Net')\n"
    )
    source = BUGS.parent / "checkpoints" / "ray-2.9.3" / "fcnet" / "checkpoint"
    with_checkpoint = Task(
        *("Net", "old_net:Net", "old_net:Net"),
        old_paths=(tmp_path,),
        new_paths=(tmp_path / "new",),
        observation_space="Box(-1.0, 1.0, (4,))",
        action_space="Discrete(3)",
        model_config={"fcnet_hiddens": [16, 8], "vf_share_layers": False},
        weights=source,
    )
    (result,) = verify_tasks([with_checkpoint], options=VerifyOptions(ray="no")).results
    assert result.status is Status.PASS, (result.message, result.notes)
    other = Task(**{**vars(with_checkpoint), "policy": "someone"})
    (result,) = verify_tasks([other], options=VerifyOptions(ray="no")).results
    assert "has no policy 'someone'; it has default_policy" in result.message


def test_old_side_runs_in_the_interpreter_that_is_named(tmp_path):
    for name in ("old", "new"):
        script = tmp_path / f"{name}-python"
        script.write_text(
            f'#!/bin/sh\necho "$@" > {tmp_path}/{name}.txt\nexec {sys.executable} "$@"\n'
        )
        script.chmod(0o755)
    command = verify_command(
        *(f"{BUGS / 'old' / 'nets.py'}:Gauss", BUGS / "new" / "nets.py", "--no-ray"),
        *("--observation-space", GAUSS["observation_space"]),
        *("--action-space", GAUSS["action_space"]),
        *("--old-python", tmp_path / "old-python", "--new-python", tmp_path / "new-python"),
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(BUGS / "old") in (tmp_path / "old.txt").read_text()
    assert str(BUGS / "new") in (tmp_path / "new.txt").read_text()


def test_interpreter_that_cannot_run_the_worker_is_an_error(tmp_path):
    script = tmp_path / "broken"
    script.write_text("#!/bin/sh\necho 'No module named rlmigrate' >&2\nexit 1\n")
    script.chmod(0o755)
    options = VerifyOptions(ray="no", old_python=str(script))
    (result,) = verify_tasks(TASKS[:1], options=options).results
    assert result.status is Status.ERROR
    assert "No module named rlmigrate" in result.message


@pytest.fixture
def repository(tmp_path):
    """A git repository whose last commit is the old file and whose working tree the new one."""
    root = tmp_path / "repository"
    root.mkdir()
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}

    def git(*arguments):
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *arguments], cwd=root, check=True, env=environment)

    git("init", "-q")
    shutil.copy(BUGS / "old" / "nets.py", root / "nets.py")
    git("add", "nets.py")
    git("commit", "-q", "-m", "old")
    return root


@pytest.mark.slow
def test_old_revision_is_compared_and_its_failure_can_be_shown(repository, tmp_path):
    new = (BUGS / "new" / "nets.py").read_text()
    assert "self.log_std = nn.Parameter" in new
    broken = new.replace("torch.tanh(self.first(", "torch.sin(self.first(")
    assert broken != new
    (repository / "nets.py").write_text(broken)
    left = tmp_path / "left"
    command = verify_command(
        *(repository, "--old-rev", "HEAD", "--class", "Gauss", "--no-ray"),
        *("--observation-space", GAUSS["observation_space"]),
        *("--action-space", GAUSS["action_space"], "--artefacts", left),
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert (left / "old" / "nets.py").is_file()
    script = left / "nets.Gauss" / "repro.py"
    again = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert again.returncode == 1, again.stderr
    assert "FAIL       nets.Gauss" in again.stdout
    (repository / "nets.py").write_text(new)
    again = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stdout


def test_unknown_revision_is_said(repository):
    done = subprocess.run(
        verify_command(repository, "--old-rev", "nowhere"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "git archive" in done.stderr


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_interrupt_that_a_destructor_loses_stops_after_the_class_at_hand():
    from rlmigrate.migrate.commands.verify import _interruptible

    class Lost:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    seen = []
    before = signal.getsignal(signal.SIGINT)
    with _interruptible(seen.append) as done:
        done("first")
        Lost()
        with pytest.raises(KeyboardInterrupt):
            done("second")
    assert seen == ["first", "second"]
    assert signal.getsignal(signal.SIGINT) is before
