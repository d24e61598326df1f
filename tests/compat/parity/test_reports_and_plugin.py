"""What a report says, in every rendering; assert_parity and the pytest fixture."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from rlmigrate.compat.parity import ParityReport, Status, assert_parity, check_parity
from rlmigrate.compat.parity.render import render, write_report
from rlmigrate.errors import ParityError, UsageError

BUGS = Path(__file__).parents[3] / "fixtures" / "parity_bugs"


@pytest.fixture(scope="module")
def failing(planted):
    old, new, spaces = planted("faulty", "Epsilon")
    return check_parity(old, new, **spaces)


@pytest.fixture(scope="module")
def passing(planted):
    old, new, spaces = planted("nets", "Norm")
    return check_parity(old, new, **spaces)


def test_json_holds_the_contract(failing):
    (result,) = json.loads(failing.to_json())["results"]
    assert result["status"] == "FAIL"
    assert result["cases"] == {"compared": 9, "total": 9}
    assert result["parameters"]["matched"] == result["parameters"]["total"] == 10
    assert result["first_divergence"] == "norm"
    output = result["outputs"]["dist_inputs"]
    for key in ("max_abs", "max_rel", "noise_ratio", "compared", "total"):
        assert key in output


def test_accounting_is_said_in_one_line(passing):
    assert "compared 26/26 outputs, 10/10 parameters, 9/9 cases" in render(passing, "text")


def test_text_names_path_index_values_and_layer(failing):
    text = render(failing, "text")
    assert "elements differ; worst" in text
    assert "(legacy " in text
    assert "first divergent layer: norm" in text


def test_markdown_has_a_row_for_each_class(failing):
    assert "| ❌ FAIL | `faulty.Epsilon` |" in render(failing, "markdown")


def test_junit_counts_failures(failing):
    (suite,) = ET.fromstring(render(failing, "junit"))
    failed = [test for test in suite if test.find("failure") is not None]
    assert int(suite.get("failures")) == len(failed) > 0
    assert int(suite.get("tests")) == len(suite)


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.outside = []
        self.open = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag in ("script", "link", "img", "iframe") or "src" in values:
            self.outside.append(tag)
        if tag not in ("meta", "rect", "circle", "line", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            while self.open.pop() != tag:
                pass


def test_html_is_one_page_that_needs_nothing_else(failing, passing):
    report = ParityReport((*failing.results, *passing.results))
    page = render(report, "html")
    links = Links()
    links.feed(page)
    assert not links.outside
    assert not links.open
    assert "error by layer" in page
    assert "error against magnitude" in page
    assert page.index("faulty.Epsilon") < page.index("nets.Norm")  # worst first


def test_report_file_of_unknown_suffix_is_refused(failing, tmp_path):
    with pytest.raises(UsageError, match="names no report"):
        write_report(failing, tmp_path / "report.docx")


def test_assert_parity_raises_with_the_report(planted):
    old, new, spaces = planted("faulty", "ClippedValue")
    with pytest.raises(ParityError, match=r"value: .* elements differ") as caught:
        assert_parity(old, new, **spaces, gradients=False)
    assert caught.value.report.status is Status.FAIL


def test_instances_keep_their_weights_and_modes(planted):
    from rlmigrate.compat.parity.sides import building

    old, new, spaces = planted("nets", "Gauss")
    model = building.build_legacy(old, **spaces, model_config={})
    module = building.build_module(new, **spaces, model_config={})
    module.load_state_dict(model.state_dict())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.train()
    report = check_parity(model, module, **spaces)
    assert report.status is Status.PASS, report.results[0].message
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_instances_with_other_weights_fail_and_stay_so(planted):
    from rlmigrate.compat.parity.sides import building

    old, new, spaces = planted("nets", "Gauss")
    model = building.build_legacy(old, **spaces, model_config={})
    module = building.build_module(new, **spaces, model_config={})
    report = check_parity(model, module, **spaces)
    assert report.status is Status.FAIL
    assert report.results[0].findings[0].path.startswith("parameters.")


def test_class_that_is_no_module_is_refused(planted):
    old, _, spaces = planted("nets", "Gauss")
    with pytest.raises(UsageError, match="is no RLModule"):
        check_parity(old, dict, **spaces)


def test_fixture_fails_a_users_test(tmp_path):
    (tmp_path / "conftest.py").write_text(
        'pytest_plugins = ["rlmigrate.compat.parity.pytest_plugin"]\n'
    )
    (tmp_path / "test_users.py").write_text(
        f"""
import sys
from gymnasium.spaces import Box
from rlmigrate.compat.names import ray_names

SPACES = dict(observation_space=Box(-1, 1, (3,)), action_space=Box(-2, 2, (2,)))


def load(folder, name):
    sys.path.insert(0, folder)
    with ray_names(ray=False):
        import nets
    sys.path.remove(folder)
    del sys.modules["nets"]
    return getattr(nets, name)


OLD = load({str(BUGS / "old")!r}, "Gauss")
NEW = load({str(BUGS / "new")!r}, "Gauss")


class Wrong(NEW):
    def values(self, features):
        return super().values(features) + 0.1


def test_right(parity):
    parity(OLD, NEW, **SPACES)


def test_wrong(parity):
    parity(OLD, Wrong, **SPACES)
"""
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--parity-report",
            "out.json",
            "-p",
            "no:cacheprovider",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout
    assert "probable cause: value shifted by 0.1" in done.stdout
    statuses = [r["status"] for r in json.loads((tmp_path / "out.json").read_text())["results"]]
    assert statuses == ["PASS", "FAIL"]
