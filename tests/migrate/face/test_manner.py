"""What comes out is written as the file is: line ends, quotes, line length, places of imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlmigrate.migrate.edits import apply_edits
from rlmigrate.migrate.engine.rounds import rewrite
from rlmigrate.migrate.engine.tidy import gap_edits
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.rules.registry import selected
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

MODEL = """
class Net(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.fc = nn.Linear(4, num_outputs)

    def forward(self, input_dict, state, seq_lens):
        return self.fc(input_dict["obs"]), state
"""
OLD_BASE = "from ray.rllib.models.torch.torch_modelv2 import TorchModelV2\n"
TORCH = "from torch import nn\n"
LEARNER = """from ray.rllib.algorithms.ppo import PPOConfig

config = (
    PPOConfig()
    .training(
        lr=0.1,
        learner_class=Mine,
        learner_config_dict={
            'a': 1,  # the first
            'b': 2,
        },
    )
)
"""


def rewritten(files: dict[str, str], name: str = "") -> str:
    """The new text of one file, of the only one if no name is given."""
    index = RepoIndex.of_texts(files, Settings())
    path = Path(name or next(iter(files)))
    source = index.source_of(path) if path in index.files else SourceFile.from_text(files[name])
    outcome = rewrite(source, index, Settings(), selected(Settings()))
    raw = outcome.before if outcome.after is None else outcome.after
    return raw.decode()


def imports_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("import ", "from "))]


def test_text_that_moves_keeps_its_line_ends() -> None:
    plain = rewritten({"a.py": LEARNER})
    assert ".learners(" in plain
    assert rewritten({"a.py": LEARNER.replace("\n", "\r\n")}) == plain.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("'a', 'b', 'c', 'd'", "'num_env_steps_sampled_lifetime'"),
        ("'a', 'b'", '"num_env_steps_sampled_lifetime"'),  # too few to tell
        ("'a', 'b', 'c', \"d\"", '"num_env_steps_sampled_lifetime"'),  # undecided
        ('"a", "b", "c", "d"', '"num_env_steps_sampled_lifetime"'),
    ],
)
def test_new_strings_are_quoted_as_the_old_ones(keys: str, expected: str) -> None:
    text = (
        "from ray import tune\nfrom ray.rllib.algorithms.ppo import PPO\n"
        f"KEYS = [{keys}]\ntune.run(PPO, stop={{TIMESTEPS: 1}})\n"
    ).replace("TIMESTEPS", "'timesteps_total'" if "'d'" in keys else '"timesteps_total"')
    assert expected in rewritten({"a.py": text})


def test_strings_of_the_user_keep_their_quotes() -> None:
    text = LEARNER + "print('x', 'y', 'z', 'w', 'v', 'u', \"kept\")\n"
    assert '"kept"' in rewritten({"a.py": text})


@pytest.mark.parametrize(("width", "limit"), [(79, 79), (88, 88), (99, 96)])
def test_markers_keep_to_the_line_length(width: int, limit: int) -> None:
    line = f"x = '{'x' * (width - 6)}'\n"
    text = "from ray.rllib.algorithms.ppo import PPOTorchPolicy\n" + line * 10
    text += (
        "config = {'multiagent': {'policies': {},\n    'policy_mapping_fn': f}, 'num_workers': 2}\n"
    )
    new = rewritten({"a.py": text})
    marked = [line for line in new.splitlines() if line.startswith("#")]
    assert marked
    assert limit - 20 < max(map(len, marked)) <= limit


def test_a_new_import_stands_beside_the_most_like_in_an_unsorted_file() -> None:
    text = (
        "from ray import tune\nimport json\nimport ray.rllib.algorithms.qmix as qmix\n"
        "from ray.rllib.agents.ppo import PPOTrainer\nimport pandas as pd\nfrom tqdm import tqdm\n"
        "import numpy as np\n\n"
        "print(qmix, pd, np, tqdm, json, tune)\ntrainer = PPOTrainer(config=c)\n"
    )
    found = imports_of(rewritten({"a.py": text}))
    at = found.index("from ray.rllib.algorithms.ppo import PPOConfig")
    assert found[at - 1] == "import ray.rllib.algorithms.qmix as qmix"


def test_imports_below_the_first_use_are_no_place() -> None:
    text = (
        "from ray.rllib.agents.ppo import PPOTrainer\n"
        "trainer = PPOTrainer(config=c)\n"
        "from ray.zzz import z\nfrom ray.aaa import a\nprint(z, a)\n"
    )
    new = rewritten({"a.py": text})
    assert new.index("import PPOConfig") < new.index("trainer =")


def test_layers_are_imported_as_neighbours_are() -> None:
    tail = TORCH + OLD_BASE + "{}\n" + MODEL
    package = {"pkg/__init__.py": "", "pkg/models/__init__.py": "", "pkg/models/util.py": ""}
    for line, expected in [
        ("from .util import x", "from .rlmigrate_layers import"),
        ("from pkg.models.util import x", "from pkg.models.rlmigrate_layers import"),
    ]:
        files = {**package, "pkg/models/net.py": tail.format(line)}
        assert expected in rewritten(files, "pkg/models/net.py")


def test_a_module_on_the_path_of_its_importers_is_not_third_party() -> None:
    files = {
        "models/net.py": "import numpy\n" + OLD_BASE + TORCH + MODEL,
        "train.py": "import ray.rllib\nfrom models.net import Net\n",
    }
    new = rewritten(files, "models/net.py")
    assert "from torch import nn\n\nfrom models.rlmigrate_layers import" in new


SCRIPT = """from ray.rllib.models import ModelCatalog
{}
from ray.rllib.algorithms.ppo import PPOConfig

ModelCatalog.register_custom_model("net", Net)
config = PPOConfig().training(model={{"custom_model": "net"}})
"""


def test_a_star_that_brings_a_class_is_enough() -> None:
    net = OLD_BASE + TORCH + MODEL
    for more, count in [("", 0), ("__all__ = []\n", 1)]:
        files = {"net.py": net + more, "train.py": SCRIPT.format("from net import *")}
        new = rewritten(files, "train.py")
        assert "module_class=Net" in new
        assert new.count("from net import Net") == count


def test_what_others_import_from_here_stays() -> None:
    init = (
        "from ray.rllib.models import ModelCatalog\nfrom .net import Net\n\n"
        "ModelCatalog.register_custom_model('net', Net)\n"
    )
    files = {"pkg/__init__.py": init, "pkg/net.py": OLD_BASE + TORCH + MODEL}
    assert rewritten(files, "pkg/__init__.py") == ""
    files["train.py"] = "import ray.rllib\nfrom pkg import Net\n"
    assert rewritten(files, "pkg/__init__.py") == "from .net import Net\n"


def test_an_import_that_goes_takes_its_blank_line() -> None:
    text = SCRIPT.format("\nfrom net import Net\n").replace("config =", "_ =").split("_ =")[0]
    text += "\n\nimport argparse\nprint(argparse, PPOConfig)\n"
    new = rewritten({"net.py": OLD_BASE + TORCH + MODEL, "play.py": text}, "play.py")
    assert "Net" not in new
    assert "\n\n\nfrom ray" not in new


def test_a_wrapped_class_is_explained_without_line_numbers() -> None:
    odd = MODEL.replace("return self.fc", "self.calls = input_dict\n        return self.fc")
    new = rewritten({"net.py": OLD_BASE + TORCH + odd})
    comment = next(line for line in new.splitlines() if line.startswith("# On the old model"))
    assert comment.endswith(".")
    assert "(line" not in comment


def test_a_folder_without_init_is_named_as_its_importers_name_it(tmp_path: Path) -> None:
    files = {
        "nets/net.py": "from .util import x\n" + OLD_BASE + TORCH + MODEL,
        "train.py": SCRIPT.format("from nets.net import *"),
        "again.py": SCRIPT.format(""),
    }
    (tmp_path / "nets").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    index = RepoIndex.build([tmp_path / name for name in files], Settings())
    done = {
        name: rewrite(
            index.source_of(tmp_path / name), index, Settings(), selected(Settings())
        ).after
        for name in files
    }
    assert b"from .rlmigrate_layers import" in (done["nets/net.py"] or b"")
    assert b"import Net" not in (done["train.py"] or b"")
    assert b"\nfrom nets.net import Net\n" in (done["again.py"] or b"")


def test_imports_follow_each_other_where_none_stood() -> None:
    new = rewritten(
        {"base.py": OLD_BASE + TORCH, "net.py": "from base import *\n" + MODEL}, "net.py"
    )
    first, rest = new.split("\n\n", 1)
    assert [line.split()[1] for line in first.splitlines()] == [
        "ray.rllib.core.columns",
        "ray.rllib.core.rl_module.torch",
        "rlmigrate_layers",
    ]
    assert rest.startswith("from base import *\n")
    lone = "from ray.rllib.models.torch.fcnet import FullyConnectedNetwork\n\n\n"
    lone += (
        "class Net(FullyConnectedNetwork):\n    def helper(self):\n        return self.forward\n"
    )
    assert rewritten({"net.py": lone}).startswith("from ")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a\n\n\nb\n", "a\n\n\n\n\nb\n", "a\n\n\nb\n"),
        ("a\n\n\nb\n", "a\n\n\n\nb\n", "a\n\n\nb\n"),
        ("a\r\n\r\nb\r\n", "a\r\n\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n"),
        ("a\n\n\nb\n", "a\n\n\nb\n", "a\n\n\nb\n"),
        ("a\n\n\n\nb\n", "a\n\n\n\n\nb\n", "a\n\n\n\n\nb\n"),  # the file has such gaps itself
    ],
)
def test_no_gaps_that_the_file_did_not_have(before: str, after: str, expected: str) -> None:
    source, old = SourceFile.from_text(after), SourceFile.from_text(before)
    assert apply_edits(source, list(gap_edits(source, old))) == expected
