"""TF models whose every word torch says with the same numbers become torch modules for Ray."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ray.rllib")
pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tf

HERE = Path(__file__).parent
MODEL = """import numpy as np
import tensorflow as tf
from ray.rllib.models.tf.tf_modelv2 import TFModelV2
from other import helper

scale = tf.constant(2.0)


def twice(x):
    return tf.concat([x, x], axis=1)


def thrice(x):
    return twice(x) + x


def own(x):
    return tf.shape(x)


def late(x):
    return tf.keras.layers.Dense(3)(x)


def shared(x):
    return tf.exp(x)


def other(x):
    return shared(x)


again = tf.function(thrice)


class Policy(TFModelV2):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        inputs = tf.keras.layers.Input(shape=obs_space.shape)
        hidden = tf.keras.layers.Dense(8, activation="tanh")(inputs)
        heads = [tf.keras.layers.Dense(num_outputs)(hidden), tf.keras.layers.Dense(1)(hidden)]
        self.base_model = tf.keras.Model(inputs, heads)

    def forward(self, input_dict, state, seq_lens):
        logits, self._value = self.base_model(input_dict["obs"])
        return logits, state

    def value_function(self):
        return tf.reshape(self._value, [-1])
"""


@pytest.mark.parametrize("keras", ["legacy", "3"])
def test_computes_the_same_on_ray_with_the_old_weights(run_checks, keras) -> None:
    results = run_checks(HERE / "tf_port_checks.py", keras=keras)
    assert len(results) >= (24 if keras == "legacy" else 22)
    assert results == dict.fromkeys(results)


def test_models_of_dqn_compute_the_same_q_values(run_checks) -> None:
    results = run_checks(HERE / "tf_port_q_checks.py", keras="legacy")
    assert len(results) >= 8
    assert results == dict.fromkeys(results)


def test_leaves_nothing_of_tensorflow(migrate) -> None:
    text = MODEL[MODEL.index("class Policy") :]
    done = migrate(
        "from ray.rllib.models.tf.tf_modelv2 import TFModelV2\n"
        "from ray.rllib.utils.framework import try_import_tf\n\n"
        "tf1, tf, tfv = try_import_tf()\n\n\n" + text
    )
    assert done.items["Policy"].outcome == "native"
    assert "try_import_tf" not in done.text("model.py")
    assert "import torch" in done.text("model.py")


def test_other_users_of_tensorflow_keep_it(migrate) -> None:
    done = migrate(MODEL.replace("import tensorflow as tf", "import tensorflow as tf  # both"))
    assert done.items["Policy"].outcome == "native"
    assert "import tensorflow as tf  # both" in done.text("model.py")
    assert "return tf.concat([x, x], axis=1)" in done.text("model.py")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("return logits, state", "return tf.shape(logits), state", "uses tf.shape"),
        ("return logits, state", "return again(thrice(logits)), state", "again, which is written"),
        ("return logits, state", "return own(logits), state", "uses tf.shape"),
        ("return logits, state", "return late(logits), state", "uses late, which is written"),
        ("return logits, state", "return shared(logits), state", "calls shared, which other needs"),
        ("return logits, state", "return logits * scale, state", "uses scale, which is written"),
        ("return logits, state", "return helper(logits), state", "calls helper, which is not"),
        ("return logits, state", "return np.exp(logits), state", "calls np.exp with tensors"),
        ("[-1])", "(-1,), name='x')", "calls tf.reshape in a way"),
        ("return logits, state", "logits **= 2\n        return logits, state", "changes logits in"),
        ("return logits, state", "return tf.maximum(logits, state), state", "what may be a number"),
        ("return logits, state", "return logits.numpy(), state", "asks for numpy, which torch"),
        (
            "return logits, state",
            "return tf.transpose(logits), state",
            "calls tf.transpose in a way",
        ),
        ("return logits, state", "return tf.split(logits, state)[0], state", "uses tf.split"),
        ('activation="tanh"', 'activation="hard_sigmoid"', "uses the activation 'hard_sig"),
        (
            'activation="tanh"',
            'kernel_initializer="random_normal"',
            "draws its weights by 'random_normal'",
        ),
        ('activation="tanh"', 'kernel_regularizer="l2"', "tells tf.keras.layers.Dense what"),
        ("tf.keras.layers.Dense(8,", "tf.keras.layers.Masking(0.5,", "uses tf.keras.layers.Mask"),
        ("(inputs)", "(inputs, training=True)", "calls tf.keras.layers.Dense with what its torch"),
        ('["obs"])', '["obs"], training=False)', "tells Keras by a call whether it trains"),
        ("(inputs)", "(inputs, name)", "calls tf.keras.layers.Dense with what its torch"),
        ("tf.keras.layers.Dense(8, ", "tf.keras.layers.Lambda(tf.nn.relu, ", "hands tf.nn.relu on"),
        (
            'tf.keras.layers.Dense(8, activation="tanh")(inputs)',
            "tf.keras.layers.LSTM(8)(inputs, mask=inputs > 0)",
            "a mask that is not understood",
        ),
        (
            'tf.keras.layers.Dense(8, activation="tanh")(inputs)',
            "tf.keras.layers.LSTM(8)(tf.keras.layers.GRU(8)(inputs, mask=tf.sequence_mask(name)))",
            "may hand a mask on to tf.keras.layers.LSTM",
        ),
        (
            'tf.keras.layers.Dense(8, activation="tanh")(inputs)',
            "tf.keras.layers.LSTM(8, dropout=0.5)(inputs)",
            "tells tf.keras.layers.LSTM what its torch form does not take",
        ),
        ("heads = [", "self.more = tf.keras.layers.Dense(2)\n        heads = [", "for later"),
        ("inputs = tf", "global inputs\n        inputs = tf", "shares what it makes"),
        ("self.base_model", "self.modules", "has modules of its own, which torch modules keep"),
        (
            "tf.reshape(self._value, [-1])",
            "tf.reshape(self.base_model.layers[0](self._value), [-1])",
            "asks self.base_model for layers",
        ),
    ],
)
def test_what_torch_does_not_say_is_left_with_the_reason(migrate, old, new, reason) -> None:
    assert old in MODEL
    item = migrate(MODEL.replace(old, new)).items["Policy"]
    assert item.outcome == "manual"
    assert reason in item.message
    assert "write it as a TorchRLModule" in item.message


FAMILY = (Path(__file__).parents[3] / "fixtures/tf_ported/family/before.py").read_text()


def test_a_family_is_ported_as_a_whole_or_not_at_all(migrate) -> None:
    done = migrate(FAMILY)
    assert {item.outcome for item in done.items.values()} == {"native"}
    assert "tf" not in done.text("model.py").split("import")[0]
    assert "x = KerasDense(size" in done.text("model.py")
    stuck = migrate(FAMILY.replace("LayerNormalization()", "LayerNormalization(axis=0)"))
    assert {item.outcome for item in stuck.items.values()} == {"manual"}
    assert "is the base of Policy, which tells" in stuck.items["Base"].message


def test_torch_that_is_there_already_is_not_imported_again(migrate) -> None:
    text = MODEL.replace(
        "import numpy", "from ray.rllib.utils import try_import_torch\nimport numpy"
    )
    text = text.replace("scale =", "torch, nn = try_import_torch()\nscale =")
    done = migrate(text + "\n\nzero = torch.zeros(1)\n")
    assert done.items["Policy"].outcome == "native"
    assert "torch.reshape" in done.text("model.py")
    assert "import torch\n" not in done.text("model.py")


def test_two_files_share_the_layers(migrate) -> None:
    done = migrate({"model.py": MODEL, "again.py": MODEL.replace("Policy", "Other")})
    assert done.items["Other"].outcome == "native"
    assert done.text("rlmigrate_layers.py").count("class KerasDense(") == 1
