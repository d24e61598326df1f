"""Port TF models to torch modules for Ray, and compare; run by test_ported_models.py.

A process of its own, because TensorFlow chooses its Keras when it is imported. Prints one JSON
object: case to null, or to what went wrong.
"""

from __future__ import annotations

import copy
import inspect
import os
import random
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tree
from checking import report
from gymnasium.spaces import Box, Discrete

sys.path.insert(0, str(Path(__file__).parent))

from tf_pairs import ACTIONS, CUSTOM, FOLDER, SPACES, VECTOR

HEAD = """import tensorflow as tf
from ray.rllib.models.tf.misc import normc_initializer
from ray.rllib.models.tf.tf_modelv2 import TFModelV2


class Policy(TFModelV2):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
"""
TAIL = """        logits = tf.keras.layers.Dense(num_outputs, name="logits")(x)
        values = tf.keras.layers.Dense(1, name="values")(x)
        self.base_model = tf.keras.Model(inputs=inputs, outputs=[logits, values])
        self.base_model.summary()

    def forward(self, input_dict, state, seq_lens):
        logits, self._value = self.base_model(input_dict["obs"])
        return logits, state

    def value_function(self):
        return tf.reshape(self._value, [-1])
"""
WORDS = (
    HEAD
    + """        space = obs_space.original_space
        grid = tf.keras.layers.Input(shape=space["grid"].shape, name="grid")
        rest = tf.keras.Input(shape=(7,), name="rest")
        both = tf.keras.layers.concatenate([tf.keras.layers.Flatten()(grid), rest], axis=1)
        x = tf.keras.layers.Dense(6, name="trunk", activation="swish")(both)
        x = tf.keras.layers.LayerNormalization(epsilon=0.01, name="even")(x) * 0.5 + x
        logits = tf.keras.layers.Dense(num_outputs, tf.nn.tanh, name="logits")(x)
        values = tf.keras.layers.Dense(1, use_bias=False, name="values")(x)
        self.net = tf.keras.models.Model([grid, rest], [logits, values])

    def forward(self, input_dict, state, seq_lens):
        obs = input_dict["obs"]
        rest = tf.concat([obs["position"], tf.cast(obs["room"], tf.float32)], axis=-1)
        logits, value = self.net([obs["grid"], rest])
        self._value = tf.squeeze(tf.expand_dims(value, axis=1), axis=2)
        logits += tf.reduce_sum(tf.stack([logits, tf.exp(logits)], axis=2), axis=2)
        best = tf.reduce_max(logits, axis=1, keepdims=True)
        mask = tf.where(obs["room"] > 0.5, tf.zeros_like(logits), tf.float32.min)
        floor = tf.maximum(tf.math.log(obs["room"]), tf.float32.min)
        return tf.clip_by_value(logits - best, -3.0, 3.0) + tf.nn.relu(mask) + floor, state

    def value_function(self):
        return tf.reduce_mean(self._value, axis=1)
"""
)
LOOP = (
    HEAD
    + """        x = inputs = tf.keras.layers.Input(shape=obs_space.shape)
        for size in model_config["fcnet_hiddens"]:
            layer = tf.keras.layers.Dense(
                size,
                activation=model_config["fcnet_activation"],
                kernel_initializer=normc_initializer(1.0),
            )
            x = layer(x)
"""
    + TAIL
)


def drawn_net(seed: int) -> tuple[str, Any]:
    """Draw a net over vectors or images, and its observation space."""
    rng = random.Random(seed)
    acts = ["relu", "tanh", "elu", "selu", "sigmoid", "softplus", "linear"]
    lines = ["x = inputs = tf.keras.layers.Input(shape=obs_space.shape)"]
    space = VECTOR
    if rng.random() < 0.7:
        space = Box(0, 255, (rng.randint(9, 14), rng.randint(9, 14), 3), np.uint8)
        for number in range(rng.randint(1, 3)):
            name = f', name="eye_{number}"' if rng.random() < 0.5 else ""
            padding = "same" if rng.random() < 0.7 else "valid"
            size, stride = rng.choice(["2", "(3, 2)", "[2, 3]"]), rng.choice(["1", "2", "(2, 1)"])
            lines.append(
                f"x = tf.keras.layers.Conv2D({rng.randint(2, 5)}, {size}, strides={stride}, "
                f'padding="{padding}", activation="{rng.choice(acts)}"{name})(x)'
            )
        lines.append("x = tf.keras.layers.Flatten()(x)")
    for number in range(rng.randint(1, 3)):
        name = f', name="part_{number}"' if rng.random() < 0.5 else ""
        lines.append(f"y = tf.keras.layers.Dense({rng.randint(2, 9)}{name})(x)")
        lines.append(f'y = tf.keras.layers.Activation("{rng.choice(acts)}")(y)')
        lines.append(rng.choice(["x = y", "x = tf.keras.layers.Concatenate(axis=-1)([x, y])"]))
    return HEAD + "".join(f"        {line}\n" for line in lines) + TAIL, space


LAYERS = (
    HEAD
    + """        inputs = tf.keras.layers.Input(shape=obs_space.shape, dtype="float32")
        x = tf.keras.layers.Conv2D(
            4,
            3,
            padding="same",
            activation=tf.nn.leaky_relu,
            kernel_initializer=tf.keras.initializers.GlorotNormal(),
        )(inputs / 255.0)
        x = tf.keras.layers.BatchNormalization(epsilon=0.01)(x)
        x = tf.keras.layers.Add()([x, tf.keras.layers.Conv2D(4, 1, name="thin")(x)])
        x = tf.keras.layers.MaxPooling2D(3, strides=2, padding="same")(x)
        y = tf.keras.layers.AveragePooling2D((2, 3), padding="same")(x)
        y = tf.keras.layers.LeakyReLU()(tf.keras.layers.GlobalAveragePooling2D()(y))
        z = tf.keras.layers.Reshape((-1, 4))(x)
        z = tf.keras.layers.Conv1D(5, 3, strides=2, padding="same", activation="softplus")(z)
        z = tf.keras.layers.Dropout(0.5)(tf.keras.layers.Permute((2, 1))(z))
        z = tf.keras.layers.TimeDistributed(tf.keras.layers.Dense(3))(z)
        z = tf.keras.layers.Lambda(
            lambda t: tf.reduce_max(input_tensor=tf.pad(t, [[0, 0], [1, 0], [0, 2]]), axis=2)
        )(z)
        number = tf.keras.layers.Lambda(lambda t: tf.cast(t[:, 0, 0, 0] / 60.0, tf.int32))(inputs)
        e = tf.keras.layers.Embedding(5, 2)(number)
        hot = tf.keras.layers.Lambda(lambda t: tf.one_hot(t, 4))(number)
        row = tf.keras.Sequential([tf.keras.layers.Dense(5, name="row_0", activation="relu")])
        row.add(tf.keras.layers.Dense(4))
        y = row(y)
        x = tf.keras.layers.concatenate([y, tf.keras.layers.Softmax()(z), e, hot])
"""
)
MORE_WORDS = (
    HEAD
    + """        inputs = tf.keras.layers.Input(shape=(4,))
        x = tf.keras.layers.Dense(6, activation=tf.nn.elu)(inputs)
"""
)
MORE_WORDS_FORWARD = """
    def forward(self, input_dict, state, seq_lens):
        obs = input_dict["obs"]
        size = tf.shape(obs)[0]
        logits, self._value = self.base_model(obs)
        a, b = tf.split(obs, 2, axis=1)
        left, right = tf.split(obs, [1, 3], axis=-1)
        logits += tf.nn.softmax(tf.tile(a, [1, 2]))[:, :3] + tf.nn.log_softmax(right, axis=-1)
        logits = logits * tf.math.minimum(left, 0.25) + tf.matmul(a, tf.transpose(a, [1, 0]))[0, 0]
        best = tf.one_hot(tf.argmax(logits, axis=1), depth=3)
        number = b[:, 0] * 3
        best -= tf.one_hot(tf.cast(number, tf.int32), 3)
        some = tf.reduce_any(obs > 0.5, axis=1, keepdims=True)
        some = tf.logical_and(tf.greater(logits, 0.0), some)
        logits = tf.where(some, logits, tf.nn.leaky_relu(logits - best))
        logits = logits - tf.reduce_logsumexp(logits, 1, keepdims=True) - tf.reduce_min(logits)
        more = tf.einsum("bi,bj->b", a, b)[:, None] + tf.cumsum(right, axis=1) + tf.nn.gelu(right)
        return tf.reshape(tf.math.add(logits, tf.repeat(more, 1, axis=0)), [size, 3]), state

    def value_function(self):
        return tf.squeeze(self._value)
"""
RECURRENT = """import numpy as np
import tensorflow as tf
from ray.rllib.models.tf.recurrent_net import RecurrentNetwork


class Policy(RecurrentNetwork):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name, cells=5):
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        self.cells = cells
        inputs = tf.keras.layers.Input(shape=(None, obs_space.shape[0]), name="inputs")
        h = tf.keras.layers.Input(shape=(cells,), name="h")
        c = tf.keras.layers.Input(shape=(cells,), name="c")
        lengths = tf.keras.layers.Input(shape=(), name="seq_in", dtype=tf.int32)
        x = tf.keras.layers.TimeDistributed(tf.keras.layers.Dense(6, activation="relu"))(inputs)
        x, new_h, new_c = tf.keras.layers.LSTM(
            cells, return_sequences=True, return_state=True, name="lstm"
        )(inputs=x, mask=tf.sequence_mask(lengths), initial_state=[h, c])
        logits = tf.keras.layers.Dense(num_outputs, name="logits")(x)
        values = tf.keras.layers.Dense(1, name="values")(x)
        self.rnn = tf.keras.Model([inputs, lengths, h, c], [logits, values, new_h, new_c])

    def forward_rnn(self, inputs, state, seq_lens):
        logits, self._value_out, h, c = self.rnn([inputs, seq_lens] + state)
        return logits, [h, c]

    def get_initial_state(self):
        return [np.zeros(self.cells, np.float32), np.zeros(self.cells, np.float32)]

    def value_function(self):
        return tf.reshape(self._value_out, [-1])
"""
GRU = (
    RECURRENT.replace(
        """        x, new_h, new_c = tf.keras.layers.LSTM(
            cells, return_sequences=True, return_state=True, name="lstm"
        )(inputs=x, mask=tf.sequence_mask(lengths), initial_state=[h, c])
""",
        """        x, new_h = tf.keras.layers.GRU(cells, return_sequences=True, return_state=True)(
            x, initial_state=h
        )
        new_c = tf.keras.layers.GRU(cells)(x, initial_state=[c])
""",
    )
    .replace("[inputs, lengths, h, c]", "[inputs, h, c]")
    .replace("[inputs, seq_lens] + state", "[inputs, *state]")
)
#: Cases that Keras 3 cannot build itself, since it refuses functions of TensorFlow on its inputs.
KERAS_2 = ("layers", "lstm")
PORTED = ("continuous", "inherits_dense_net", "mask_under_logits", "names_of_keras")
PORTED += ("nested_dense", "textbook", "dict_observation", "helpers_of_rllib", "image")
PORTED += ("recurrent", "separate_value")
CASES: dict[str, tuple[str, Any, Any, dict[str, Any]]] = {
    name: (
        (FOLDER / name / "before.py").read_text(),
        SPACES.get(name, VECTOR),
        ACTIONS.get(name, Discrete(3)),
        CUSTOM.get(name, {}),
    )
    for name in PORTED
}
CASES["words"] = (WORDS, SPACES["dict_observation"], Discrete(3), {})
CASES["loop"] = (LOOP, VECTOR, Discrete(3), {})
CASES["layers"] = (LAYERS + TAIL, Box(0, 255, (7, 8, 3), np.uint8), Discrete(3), {})
CASES["more words"] = (
    (MORE_WORDS + TAIL).partition("\n    def forward")[0] + "\n" + MORE_WORDS_FORWARD,
    VECTOR,
    Discrete(3),
    {},
)
FAMILY = FOLDER.parent / "tf_ported" / "family" / "before.py"
CASES["family"] = (FAMILY.read_text(), VECTOR, Discrete(3), {})
CASES["lstm"] = (RECURRENT, VECTOR, Discrete(3), {"cells": 4})
CASES["gru"] = (GRU, VECTOR, Discrete(3), {"cells": 4})
CASES |= {f"drawn {seed}": (*drawn_net(seed), Discrete(3), {}) for seed in range(12)}


def check(text: str, obs_space: Any, actions: Any, custom: dict[str, Any]) -> None:
    """Port one model, load the old weights by name, and compare outputs and values."""
    import tensorflow as tf
    import torch
    from conftest import Migration
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec
    from ray.rllib.models.catalog import MODEL_DEFAULTS, ModelCatalog

    from rlmigrate.migrate.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        done = Migration(Path(folder), {"model.py": text}, Settings())
        assert done.items["Policy"].outcome == "native", done.items["Policy"].message
        assert "tensorflow" not in done.text("model.py") + done.text("rlmigrate_layers.py")
        if "tf = try_import_tf()" in text and "tf1, tf" not in text:
            before = Path(folder) / "before" / "model.py"
            before.write_text(text.replace("tf = try", "_, tf, _ = try"))
        old_class, new_class = done.old("model.py").Policy, done.new("model.py").Policy
    settings = {**MODEL_DEFAULTS, "fcnet_hiddens": [7, 5], "custom_model_config": custom}
    _, size = ModelCatalog.get_action_dist(actions, settings, framework="tf2")
    prep = ModelCatalog.get_preprocessor_for_space(obs_space)
    taken = inspect.signature(old_class).parameters
    named = {key: value for key, value in custom.items() if key in taken}
    old = old_class(prep.observation_space, actions, int(size), settings, "old", **named)
    new = RLModuleSpec(
        module_class=new_class,
        observation_space=obs_space,
        action_space=actions,
        model_config={"fcnet_hiddens": [7, 5], **custom},
    ).build()
    obs_space.seed(0)
    samples = [obs_space.sample() for _ in range(5)]
    flat = tf.constant(np.stack([prep.transform(each) for each in samples]).astype(np.float32))
    states = [np.asarray(s) for s in old.get_initial_state()]
    if states:
        check_sequences(old, new, prep, samples)
        return
    old({"obs": flat}, [], None)
    _draw_weights(old, new)
    logits, _ = old({"obs": flat}, [], None)
    values = old.value_function()
    batch = {"obs": tree.map_structure(lambda *each: torch.from_numpy(np.stack(each)), *samples)}
    for module in (new, copy.deepcopy(new)):
        outs = module.forward_train(batch)
        _close(outs["action_dist_inputs"], logits)
        _close(module.compute_values(batch), values)
        _close(module.forward_inference(batch)["action_dist_inputs"], logits)
    outs = new.forward_train(batch)
    total = outs["action_dist_inputs"].clamp(-10, 10).sum()
    (total + new.compute_values(batch, outs.get("embeddings")).sum()).backward()
    unused = [name for name, p in new.named_parameters() if p.grad is None]
    assert not unused, f"no gradient for {unused}"


def check_sequences(old: Any, new: Any, prep: Any, samples: list[Any]) -> None:
    """Compare a model with states: outputs, values and states of sequences of other lengths."""
    import tensorflow as tf
    import torch

    lengths = [3, 1, 2]
    sequences, steps = len(lengths), max(lengths)
    rows = [samples[i % len(samples)] for i in range(sequences * steps)]
    flat = tf.constant(np.stack([prep.transform(each) for each in rows]).astype(np.float32))
    rng = np.random.default_rng(1)
    states = [
        rng.normal(size=(sequences, *np.shape(s))).astype(np.float32)
        for s in old.get_initial_state()
    ]
    given = [tf.constant(s) for s in states]
    old({"obs": flat}, list(given), tf.constant(lengths))
    _draw_weights(old, new)
    logits, after = old({"obs": flat}, list(given), tf.constant(lengths))
    values = old.value_function()
    initial = new.get_initial_state()
    assert [tuple(s.shape) for s in initial.values()] == [s.shape[1:] for s in states]

    def timed(*each: Any) -> Any:
        stacked = np.stack(each)
        return torch.from_numpy(stacked.reshape(sequences, steps, *stacked.shape[1:]))

    batch = {
        "obs": tree.map_structure(timed, *rows),
        "state_in": {k: torch.from_numpy(s) for k, s in zip(initial, states, strict=True)},
        "seq_lens": torch.tensor(lengths),
    }
    for module in (new, copy.deepcopy(new)):
        outs = module.forward_train(batch)
        _close(outs["action_dist_inputs"], logits)
        _close(module.compute_values(batch), values)
        for mine, theirs in zip(outs["state_out"].values(), after, strict=True):
            _close(mine, theirs)
    padded = tree.map_structure(lambda a: torch.cat([a, a[:, :2]], 1), batch["obs"])
    long = new.forward_train({**batch, "obs": padded})
    _close(long["action_dist_inputs"][:, :steps], logits)
    one = tree.map_structure(lambda a: a[:, :1], batch["obs"])  # a step of an episode
    step = new.forward_inference({"obs": one, "state_in": batch["state_in"]})
    _close(step["action_dist_inputs"][:, 0], np.asarray(logits).reshape(sequences, steps, -1)[:, 0])


def _draw_weights(old: Any, new: Any) -> None:
    """Draw the weights of an old model that has run once, and load them by name."""
    from rlmigrate import transfer_weights

    weights = {getattr(w, "path", w.name): w for w in _weights(old)}
    rng = np.random.default_rng(0)
    for name, each in weights.items():
        drawn = (rng.normal(size=each.shape) / np.sqrt(each.shape[0])).astype(np.float32)
        each.assign(np.abs(drawn) if "variance" in name else drawn)
    arrays = {f"default_policy/{name}": w.numpy() for name, w in weights.items()}
    report = transfer_weights(arrays, new)
    assert report.matched == report.total == len(new.state_dict())


def _close(mine: Any, theirs: Any) -> None:
    mine, theirs = mine.detach().numpy(), np.asarray(theirs)
    atol = 1e-5 * max(1.0, 0.1 * float(np.abs(theirs).max()))  # what rounding leaves of sums
    np.testing.assert_allclose(mine.reshape(theirs.shape), theirs, rtol=1e-5, atol=atol)


def _weights(model: object) -> list[Any]:
    """The weights of the Keras models that an old model holds, in the order of its attributes."""
    import tensorflow as tf

    found: list[Any] = []
    for value in vars(model).values():
        if isinstance(value, tf.keras.Model):
            found += value.weights
        elif hasattr(value, "register_variables"):  # a net of RLlib
            found += _weights(value)
    return found


if __name__ == "__main__":
    left_out = KERAS_2 if os.environ.get("TF_USE_LEGACY_KERAS") == "0" else ()
    wanted = [name for name in sys.argv[1:] or CASES if name not in left_out]
    report({name: partial(check, *CASES[name]) for name in wanted})
