"""Each planted bug fails at its place; each correct rewrite passes."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from gymnasium.spaces import Dict

from rlmigrate.compat.parity import Status, check_parity

BUGS = Path(__file__).parents[3] / "fixtures" / "parity_bugs"
EXPECTED = tomllib.loads((BUGS / "expected.toml").read_text())


def class_names(file):
    return re.findall(r"^class (\w+)\(", (BUGS / "old" / file).read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", class_names("nets.py"))
def test_plain_rewrite_has_equal_bits(planted, name):
    old, new, spaces = planted("nets", name)
    report = check_parity(old, new, **spaces)
    assert report.status is Status.PASS, report.to_json()
    outputs = report.results[0].outputs.values()
    if isinstance(spaces["observation_space"], Dict):
        # The old stack takes slices of a flat row, for which a product may round otherwise.
        assert all((output.noise_ratio or 0.0) < 2 for output in outputs)
    else:
        assert all(output.max_abs == 0 for output in outputs)


@pytest.mark.parametrize("name", class_names("correct.py"))
def test_correct_rewrite_passes(planted, name):
    old, new, spaces = planted("correct", name)
    report = check_parity(old, new, **spaces)
    assert report.status is Status.PASS, [f.message for f in report.results[0].findings]


def test_there_are_at_least_20_of_each():
    assert len(class_names("faulty.py")) >= 20
    assert len(class_names("correct.py")) >= 20
    assert set(class_names("faulty.py")) == set(EXPECTED)


@pytest.mark.parametrize("name", class_names("faulty.py"))
def test_bug_fails_at_its_place(planted, name):
    old, new, spaces = planted("faulty", name)
    report = check_parity(old, new, **spaces)
    result = report.results[0]
    expected = EXPECTED[name]
    assert report.status is Status.FAIL
    assert expected["path"] in {finding.path for finding in result.findings}
    assert result.first_divergence == expected.get("layer")
    assert result.cause == expected.get("cause")


def run_verify(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "rlmigrate", "verify", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_command_line_names_the_same_places(tmp_path):
    report = tmp_path / "report.json"
    names = ["StateLate", "PartsSwapped"]
    done = run_verify(
        str(BUGS / "old"),
        str(BUGS / "new"),
        "--config",
        str(BUGS / "verify.toml"),
        "--no-ray",
        "--report",
        str(report),
        "--artefacts",
        str(tmp_path / "left"),
        *(part for name in names for part in ("--class", f"faulty.{name}")),
    )
    assert done.returncode == 1, done.stderr
    results = {r["name"]: r for r in json.loads(report.read_text())["results"]}
    assert set(results) == {f"faulty.{name}" for name in names}
    for name in names:
        result = results[f"faulty.{name}"]
        assert result["status"] == "FAIL"
        assert EXPECTED[name]["path"] in {finding["path"] for finding in result["findings"]}
        assert result["first_divergence"] == EXPECTED[name].get("layer")
        assert (tmp_path / "left" / f"faulty.{name}" / "repro.py").is_file()


@pytest.mark.slow
def test_repro_shows_the_failure_without_options(tmp_path):
    run_verify(
        *(str(BUGS / "old"), str(BUGS / "new"), "--config", str(BUGS / "verify.toml")),
        *("--no-ray", "--class", "faulty.Epsilon", "--artefacts", str(tmp_path)),
    )
    done = subprocess.run(
        [sys.executable, str(tmp_path / "faulty.Epsilon" / "repro.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "first divergent layer: norm" in done.stdout


@pytest.mark.slow
def test_command_line_on_every_planted_bug(tmp_path):
    report = tmp_path / "report.json"
    done = run_verify(
        str(BUGS / "old"),
        str(BUGS / "new"),
        "--config",
        str(BUGS / "verify.toml"),
        "--no-ray",
        "--report",
        str(report),
    )
    assert done.returncode == 1, done.stderr
    for result in json.loads(report.read_text())["results"]:
        module, _, name = result["name"].partition(".")
        if module != "faulty":
            assert result["status"] == "PASS", result["name"]
            continue
        assert result["status"] == "FAIL"
        assert EXPECTED[name]["path"] in {finding["path"] for finding in result["findings"]}
        assert result["first_divergence"] == EXPECTED[name].get("layer")
