"""DQN's TF models become modules with DQN's APIs, and compute what their old policy did."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ray.rllib")
pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tf

SCRIPT = Path(__file__).with_name("tf_q_checks.py")
MODEL = """import tensorflow as tf
from ray.rllib.algorithms.dqn.distributional_q_tf_model import DistributionalQTFModel


class Policy(DistributionalQTFModel):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name, **kw):
        super().__init__(obs_space, action_space, num_outputs, model_config, name, **kw)
        self.dense = tf.keras.layers.Dense(num_outputs)

    def forward(self, input_dict, state, seq_lens):
        return self.dense(input_dict["obs"]), state
"""
PLAIN = """import tensorflow as tf
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.models import ModelCatalog
from ray.rllib.models.tf.tf_modelv2 import TFModelV2


class Policy(TFModelV2):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        self.dense = tf.keras.layers.Dense(num_outputs)

    def forward(self, input_dict, state, seq_lens):
        self._out = self.dense(input_dict["obs"])
        return self._out, state

    def value_function(self):
        return tf.reduce_sum(self._out, axis=1)


ModelCatalog.register_custom_model("mine", Policy)
config = DQNConfig().training(model={"custom_model": "mine"})
"""


def test_computes_what_rays_policy_does(run_checks) -> None:
    results = run_checks(SCRIPT)
    assert results
    assert results == dict.fromkeys(results)


def test_message_names_the_apis(migrate) -> None:
    item = migrate(MODEL, target="builtin").items["Policy"]
    assert item.outcome == "native"
    assert "QNetAPI" in item.message


def test_two_old_bases_become_one(migrate) -> None:
    text = MODEL.replace("class Policy(DistributionalQTFModel)", "class Policy(Q, TFModelV2)")
    text = text.replace(
        "import DistributionalQTFModel",
        "import DistributionalQTFModel as Q\nfrom ray.rllib.models.tf.tf_modelv2 import TFModelV2",
    )
    done = migrate(text, target="builtin")
    assert done.items["Policy"].outcome == "native"
    assert "class Policy(TfQModule):" in done.text("model.py")


def test_has_no_place_on_ray(migrate) -> None:
    assert migrate(MODEL).items["Policy"].outcome == "manual"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("name, **kw)\n", "name, dueling=False, **kw)\n"), "tells DQN's heads what"),
        (
            (
                "    def forward",
                "    def get_initial_state(self):\n        return [0.0]\n\n    def forward",
            ),
            "has states, which DQN's loss never gave its model",
        ),
        (("import tensorflow", "from ray.rllib.agents.ppo import PPO\nimport tensorflow"), "DQN"),
    ],
)
def test_stays_bridged(migrate, change, reason) -> None:
    item = migrate(MODEL.replace(*change), target="builtin").items["Policy"]
    assert item.outcome == "bridged"
    assert reason in item.message


def test_plain_model_with_values_is_no_q_model(migrate) -> None:
    done = migrate(PLAIN, target="builtin")
    assert done.items["Policy"].outcome == "native"
    assert "QModule" not in done.text("model.py")
    assert "compute_values" in done.text("model.py")


def test_plain_model_without_values_is_one(migrate) -> None:
    without = PLAIN[: PLAIN.index("    def value_function")] + PLAIN[PLAIN.index("\n\nModelCat") :]
    done = migrate(without.replace("self._out", "out"), target="builtin")
    assert "class Policy(TfQModule)" in done.text("model.py")
