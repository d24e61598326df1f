"""What `verify` infers from a repository, and what it asks for where it cannot."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from rlmigrate.migrate.cli import cli
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.verifying.configuration import for_class, read_settings, skip_reason
from rlmigrate.migrate.verifying.inference import infer

NETS = Path(__file__).parents[3] / "fixtures" / "parity_bugs"

TRAINING = '''
from ray.rllib.models import ModelCatalog
from ray.tune.registry import register_env
from nets import Norm
from envs import Line

STEPS = 30
given = {"steps": STEPS, "noise": [0.5, -1.0]}
changing = {"steps": 1}


def make(config):
    """Make one."""
    return Line(config)


def main(other):
    global changing
    changing = {"steps": 2}
    width = 24
    ModelCatalog.register_custom_model("plain", Norm)
    register_env("line", make)
    config = {
        "env": "line",
        "env_config": given,
        "model": {
            "custom_model": "plain",
            "custom_model_config": {"width": width, "other": other},
            "max_seq_len": STEPS,
        },
    }
    return config
'''


@pytest.fixture
def project(tmp_path):
    (tmp_path / "train.py").write_text(TRAINING)
    (tmp_path / "envs.py").write_text("class Line:\n    pass\n")
    (tmp_path / "nets.py").write_bytes((NETS / "old" / "nets.py").read_bytes())
    return tmp_path


def guess_for(project, name):
    index = RepoIndex.build(tuple(sorted(project.glob("*.py"))), Settings())
    return infer(index)[name]


def test_environment_of_a_function_and_values_of_names_are_inferred(project):
    guess = guess_for(project, "nets.Norm")
    assert guess.env == "envs:Line"
    assert guess.env_config == {"steps": 30, "noise": [0.5, -1.0]}
    assert guess.model_config == {"max_seq_len": 30}
    assert any("custom_model_config" in note for note in guess.notes)  # `other` is an argument


def test_settings_of_the_algorithm_are_inferred_with_the_model(project):
    text = "from ray.rllib.algorithms.dqn import DQNConfig\nfrom nets import Gauss\n"
    text += 'config = DQNConfig().environment("CartPole-v1")\n'
    text += "config.training(hiddens=[], dueling=False, lr=1e-3, "
    text += 'model={"custom_model": Gauss, "fcnet_hiddens": [8]})\n'
    (project / "dqn.py").write_text(text)
    guess = guess_for(project, "nets.Gauss")
    assert guess.env == "CartPole-v1"
    assert guess.model_config == {"hiddens": [], "dueling": False, "fcnet_hiddens": [8]}


def test_name_that_is_bound_twice_is_not_inferred(project):
    train = project / "train.py"
    train.write_text(TRAINING.replace('"env_config": given', '"env_config": changing'))
    guess = guess_for(project, "nets.Norm")
    assert guess.env_config == {}
    assert any("changing" in note for note in guess.notes)


def verify(*arguments):
    done = CliRunner().invoke(cli, ["verify", *map(str, arguments)])
    return done.exit_code, done.output


def test_lines_to_add_stand_once_and_lead_on(tmp_path):
    """What the report asks for, filled in, is all that is needed."""
    old, new = NETS / "old" / "nets.py", NETS / "new" / "nets.py"
    code, output = verify(old, new, "--no-ray", "--class", "Norm", "--class", "Gauss")
    assert code == 3
    assert output.count("add to pyproject.toml") == 1
    head, _, rest = output.partition("add to pyproject.toml")
    assert "0/0" not in head
    lines = [line[2:] for line in rest.splitlines()[1:] if line.startswith("  ") or not line]
    wanted = tomllib.loads("\n".join(lines))
    classes = wanted["tool"]["rlmigrate"]["verify"]["classes"]
    assert set(classes) == {"nets.Norm", "nets.Gauss"}
    config = tmp_path / "verify.toml"
    text = "\n".join(lines).replace('env = "CartPole-v1"', "#").replace("# observ", "observ")
    config.write_text(text.replace("# action", "action"))
    code, output = verify(old, new, "--no-ray", "--class", "Norm", "--config", config)
    assert (code, "PASS" in output) == (0, True), output


def test_missing_package_and_abstract_class_are_incomplete(tmp_path):
    for side in ("old", "new"):
        (tmp_path / side).mkdir()
        source = (NETS / side / "nets.py").read_text()
        (tmp_path / side / "nets.py").write_text(source)
        (tmp_path / side / "packed.py").write_text(source + "\nimport package_that_nobody_has\n")
    spaces = ("--observation-space", "Box(-1.0, 1.0, (4,))", "--action-space", "Discrete(2)")
    code, output = verify(
        tmp_path / "old", tmp_path / "new", "--no-ray", "--class", "packed.Norm", *spaces
    )
    assert code == 3, output
    assert "needs the package package_that_nobody_has" in output
    assert '"packed.Norm" = "needs the package' in output
    assert "Traceback" not in output
    assert "note: " not in output


def test_class_that_is_not_there_is_named():
    code, output = verify(NETS / "old", NETS / "new", "--no-ray", "--class", "Nobody")
    assert code == 2
    assert "no legacy model class named Nobody" in output


def test_classes_are_named_by_patterns_too(tmp_path):
    config = tmp_path / "verify.toml"
    config.write_text(
        '[verify.classes."*.nets.*"]\nenv = "all"\n'
        '[verify.classes."nets.One"]\nenv = "one"\n'
        '[verify.classes."pkg.nets.One"]\nenv = "exact"\n'
        '[verify.skip]\n"*.Base*" = "abstract"\n'
    )
    settings = read_settings(config, ())
    assert for_class(settings, "pkg.nets.Other").env == "all"
    assert for_class(settings, "other.nets.One").env == "one"
    assert for_class(settings, "pkg.nets.One").env == "exact"
    assert for_class(settings, "pkg.heads.One").env is None
    assert skip_reason(settings, "pkg.nets.BaseNet") == "abstract"
    assert skip_reason(settings, "pkg.nets.Net") is None


@pytest.mark.parametrize(("pattern", "found"), [("nets.Nor?", True), ("No*such", False)])
def test_option_takes_patterns_too(project, pattern, found):
    (project / "new").mkdir()
    done = CliRunner().invoke(
        cli, ["verify", str(project / "nets.py"), str(project / "new"), "--class", pattern]
    )
    assert ("no legacy model class named" not in done.output) is found, done.output


def test_folder_that_setup_py_installs_from_is_the_one_to_import_from(tmp_path):
    """Even where it is a package itself, as some repositories have it."""
    from rlmigrate.migrate.verifying.targets import module_of

    inner = tmp_path / "code" / "nets" / "deep"
    inner.mkdir(parents=True)
    for folder in (inner, inner.parent, inner.parent.parent):
        (folder / "__init__.py").touch()
    assert module_of(inner / "model.py") == ("code.nets.deep.model", tmp_path)
    (tmp_path / "code" / "setup.py").touch()
    assert module_of(inner / "model.py") == ("nets.deep.model", tmp_path / "code")
