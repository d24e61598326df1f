"""`rlmigrate run` behaves as python does, with old names resolved."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """\
import sys
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
import helper
print(__name__, sys.argv[1:], TorchModelV2.__module__, helper.WORD)
sys.exit(int(sys.argv[1]))
"""


def run(tmp_path, script, *arguments, options=("--no-ray",)):
    path = tmp_path / "old_script.py"
    path.write_text(script)
    (tmp_path / "helper.py").write_text("WORD = 'beside'\n")
    command = [sys.executable, "-m", "rlmigrate", "run", *options, str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_status_arguments_and_neighbours_are_the_scripts(tmp_path):
    done = run(tmp_path, SCRIPT, "7", "--lr", "0.1")
    assert done.returncode == 7, done.stderr
    expected = "__main__ ['7', '--lr', '0.1'] rlmigrate.legacy.models.torch_modelv2 beside\n"
    assert done.stdout == expected


def test_script_that_ends_has_status_0(tmp_path):
    assert run(tmp_path, "x = 1\n").returncode == 0


def test_traceback_begins_in_the_script(tmp_path):
    done = run(tmp_path, "def f():\n    return {}['key']\nf()\n")
    assert done.returncode == 1
    first = done.stderr.splitlines()[1]
    assert "old_script.py" in first
    assert "rlmigrate" not in done.stderr.replace(str(tmp_path), "")


def test_syntax_error_names_the_line(tmp_path):
    done = run(tmp_path, "x = (1\n")
    assert done.returncode == 1
    assert 'old_script.py", line 1' in done.stderr


def test_classes_of_the_script_pickle(tmp_path):
    code = "import pickle\nclass A: pass\nassert type(pickle.loads(pickle.dumps(A()))) is A\n"
    done = run(tmp_path, code)
    assert done.returncode == 0, done.stderr


def test_name_of_another_era_is_refused_with_a_reason(tmp_path):
    code = "from ray.rllib.core.rl_module.rl_module import RLModuleSpec\n"
    done = run(tmp_path, code, options=("--no-ray", "--era", "2.4"))
    assert done.returncode == 1
    assert "no name of Ray 2.4" in done.stderr


@pytest.mark.parametrize("options", [("--era", "soon"), ("--no-such-option",)])
def test_wrong_options_have_status_2(tmp_path, options):
    assert run(tmp_path, "x = 1\n", options=options).returncode == 2
