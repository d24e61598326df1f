"""Checks of the TF modules; run by test_tf_modules.py in processes of their own, a Keras each.

Prints one JSON object: check name to null, or to what went wrong.
"""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import tensorflow as tf
import tree
from checking import checks_in, report

from rlmigrate.errors import ModuleError
from rlmigrate.new_stack import RLModuleSpec
from rlmigrate.new_stack.tf import (
    DefaultBCTfRLModule,
    DefaultPPOTfRLModule,
    DiscreteBCTFModule,
    RecurrentEncoder,
    TfCategorical,
    TfDiagGaussian,
    TfRLModule,
    dist_cls_for,
)
from rlmigrate.new_stack.tf.tf_rl_module import named_variables

GOLDEN = np.load(Path(__file__).parents[3] / "fixtures/golden/tf_rl_module/ppo_ray_2_35.npz")
RECURRENT = np.load(
    Path(__file__).parents[3] / "fixtures/golden/tf_rl_module/recurrent_ray_2_35.npz"
)
VECTOR = gym.spaces.Box(-1, 1, (4,))
SPACES: dict[str, gym.Space[Any]] = {
    "discrete": gym.spaces.Discrete(3),
    "box": gym.spaces.Box(-1, 1, (2,)),
    "multi_discrete": gym.spaces.MultiDiscrete([2, 3]),
    "tuple": gym.spaces.Tuple([gym.spaces.Discrete(2), gym.spaces.Box(-1, 1, (2,))]),
    "dict": gym.spaces.Dict({"b": gym.spaces.Discrete(2), "a": gym.spaces.MultiDiscrete([2, 2])}),
}


def build(cls: Any, space: str = "discrete", **config: Any) -> Any:
    return RLModuleSpec(
        module_class=cls,
        observation_space=VECTOR,
        action_space=SPACES[space],
        model_config={"fcnet_hiddens": [5, 6], **config},
    ).build()


def same(mine: Any, theirs: Any) -> None:
    np.testing.assert_allclose(np.asarray(mine), np.asarray(theirs), rtol=1e-5, atol=1e-6)


def golden_module(name: str, space: str, *, shared: bool) -> None:
    module = build(DefaultPPOTfRLModule, space, vf_share_layers=shared)
    weights = [GOLDEN[key] for key in GOLDEN.files if key.startswith(f"{name}|weight|")]
    nets = (
        ["encoder.actor_encoder"] if shared else ["encoder.actor_encoder", "encoder.critic_encoder"]
    )
    names = [
        f"{net}.dense_{i}.{part}" for net in nets for i in (0, 1) for part in ("kernel", "bias")
    ]
    names += [f"{head}.{part}" for head in ("pi.logits", "vf.value") for part in ("kernel", "bias")]
    report = module.set_state(dict(zip(names, weights, strict=True)))
    assert report.complete, report
    batch = {"obs": tf.constant(GOLDEN["obs"])}
    for forward in (module.forward_inference, module.forward_exploration, module.forward_train):
        same(forward(batch)["action_dist_inputs"], GOLDEN[f"{name}|logits"])
    same(module.compute_values(batch), GOLDEN[f"{name}|values"])
    trained = module.forward_train(batch)
    same(module.compute_values(batch, embeddings=trained["embeddings"]), GOLDEN[f"{name}|values"])


def check_shared_encoder_gives_rays_numbers() -> None:
    golden_module("shared", "discrete", shared=True)


def check_separate_encoders_give_rays_numbers() -> None:
    golden_module("separate", "discrete", shared=False)


def check_box_gives_rays_numbers() -> None:
    golden_module("box", "box", shared=True)


def golden_distribution(name: str, cls: Any, actions: Any) -> None:
    dist = cls.from_logits(tf.constant(GOLDEN["logits"]))
    peer = cls.from_logits(tf.constant(GOLDEN["other_logits"]))
    same(dist.logp(tf.constant(actions)), GOLDEN[f"{name}|logp"])
    same(dist.entropy(), GOLDEN[f"{name}|entropy"])
    same(dist.kl(peer), GOLDEN[f"{name}|kl"])
    same(dist.to_deterministic().sample(), GOLDEN[f"{name}|best"])


def check_categorical_gives_rays_numbers() -> None:
    golden_distribution("cat", TfCategorical, GOLDEN["choices"])


def check_gaussian_gives_rays_numbers() -> None:
    golden_distribution("gauss", TfDiagGaussian, GOLDEN["points"])


def check_distributions_agree_with_torch() -> None:
    import torch
    import tree

    from rlmigrate.new_stack import distributions as in_torch
    from rlmigrate.new_stack.distributions.for_space import dist_cls_for as torch_dist_cls_for

    rng = np.random.default_rng(3)
    for name, space in SPACES.items():
        cls, peer_cls = dist_cls_for(space), torch_dist_cls_for(space)
        rows = rng.normal(size=(7, cls.required_input_dim(space))).astype(np.float32)
        others = rows[::-1].copy()
        mine, theirs = cls.from_logits(tf.constant(rows)), peer_cls.from_logits(torch.tensor(rows))
        actions = mine.sample()
        in_numpy = tree.map_structure(lambda a: torch.tensor(np.asarray(a)), actions)
        same(mine.logp(actions), theirs.logp(in_numpy))
        same(mine.entropy(), theirs.entropy())
        same(
            mine.kl(cls.from_logits(tf.constant(others))),
            theirs.kl(peer_cls.from_logits(torch.tensor(others))),
        )
        best, their_best = mine.to_deterministic().sample(), theirs.to_deterministic().sample()
        tree.map_structure(same, best, tree.map_structure(lambda t: t.numpy(), their_best))
        zeros = mine.to_deterministic().logp(best)
        assert zeros.shape == (7,), (name, zeros.shape)
    from rlmigrate.new_stack.tf import TfSquashedGaussian

    rows = rng.normal(size=(7, 4)).astype(np.float32)
    mine = TfSquashedGaussian.from_logits(tf.constant(rows), low=-2.0, high=3.0)
    peer = in_torch.TorchSquashedGaussian.from_logits(torch.tensor(rows), low=-2.0, high=3.0)
    values = rng.uniform(-1.5, 2.5, size=(7, 2)).astype(np.float32)
    same(mine.logp(values), peer.logp(torch.tensor(values)))
    same(mine.to_deterministic().sample(), peer.to_deterministic().sample())


def check_every_module_serves_every_space() -> None:
    for name in SPACES:
        for cls in (DefaultPPOTfRLModule, DefaultBCTfRLModule):
            module = build(cls, name)
            out = module.forward_exploration({"obs": tf.zeros((3, 4))})
            dist = module.get_exploration_action_dist_cls().from_logits(out["action_dist_inputs"])
            assert dist.logp(dist.sample()).shape == (3,)


def check_free_log_std_does_not_depend_on_the_observation() -> None:
    module = build(DefaultPPOTfRLModule, "box", free_log_std=True)
    module.set_state({**module.get_state(), "pi.log_std": np.array([0.5, -0.5], np.float32)})
    out = module.forward_train({"obs": tf.random.normal((3, 4))})["action_dist_inputs"]
    same(out[:, 2:], [[0.5, -0.5]] * 3)


def check_state_goes_round_by_name_and_as_rays_list() -> None:
    module, twin = build(DefaultPPOTfRLModule), build(DefaultPPOTfRLModule)
    assert twin.set_state(module.get_state()).complete
    batch = {"obs": tf.ones((2, 4))}
    same(
        twin.forward_train(batch)["action_dist_inputs"],
        module.forward_train(batch)["action_dist_inputs"],
    )
    third = build(DefaultPPOTfRLModule)
    assert third.set_state(module.get_weights()).complete
    for name, value in module.get_state().items():
        same(third.get_state()[name], value)


def check_state_reports_what_does_not_match() -> None:
    module = build(DefaultBCTfRLModule)
    state = module.get_state()
    state["nobody"] = state.pop("pi.logits.bias")
    report = module.set_state(state)
    assert report.missing == ("pi.logits.bias",), report
    assert report.unexpected == ("nobody",), report


def check_wrong_shape_changes_nothing() -> None:
    module = build(DefaultBCTfRLModule)
    before = copy.deepcopy(module.get_state())
    wrong = {name: value + 1 for name, value in before.items()}
    wrong["pi.logits.kernel"] = np.zeros((1, 1), np.float32)
    with pytest.raises(ModuleError, match=r"pi.logits.kernel: shape \(1, 1\), expected \(6, 3\)"):
        module.set_state(wrong)
    for name, value in module.get_state().items():
        same(value, before[name])


def check_inference_only_has_no_critic() -> None:
    module = RLModuleSpec(
        module_class=DefaultPPOTfRLModule,
        observation_space=VECTOR,
        action_space=SPACES["discrete"],
        inference_only=True,
        model_config={"fcnet_hiddens": [5], "vf_share_layers": False},
    ).build()
    assert not [name for name in module.get_state() if "critic" in name or name.startswith("vf")]


def check_checkpoint_goes_round() -> None:
    module = build(DefaultPPOTfRLModule)
    with tempfile.TemporaryDirectory() as path:
        module.save_to_path(path)
        twin = build(DefaultPPOTfRLModule)
        twin.restore_from_path(path)
    for name, value in module.get_state().items():
        assert np.array_equal(twin.get_state()[name], value), name


def check_gradients_reach_every_variable() -> None:
    module = build(DefaultPPOTfRLModule, vf_share_layers=False)
    batch = {"obs": tf.random.normal((3, 4))}
    with tf.GradientTape() as tape:
        out = module(batch)
        values = module.compute_values(batch, embeddings=out["embeddings"])
        loss = tf.reduce_sum(out["action_dist_inputs"]) + tf.reduce_sum(values)
    gradients = tape.gradient(loss, module.trainable_variables)
    assert len(gradients) == 12, len(gradients)
    assert all(gradient is not None for gradient in gradients)


def check_own_module_of_the_documents_runs() -> None:
    class DiscreteBC(TfRLModule):
        def setup(self) -> None:
            self.policy = tf.keras.Sequential(
                [
                    tf.keras.layers.Dense(self.model_config["fcnet_hiddens"][0], activation="relu"),
                    tf.keras.layers.Dense(self.action_space.n),
                ]
            )

        def _forward_train(self, batch: Any) -> Any:
            return {"action_dist_inputs": self.policy(batch["obs"])}

        def _forward_inference(self, batch: Any) -> Any:
            return self._forward_train(batch)

        def _forward_exploration(self, batch: Any) -> Any:
            return self._forward_train(batch)

    module = build(DiscreteBC)
    assert module.forward_inference({"obs": tf.ones((2, 4))})["action_dist_inputs"].shape == (2, 3)
    assert len(module.get_state()) == 4
    own = build(DiscreteBCTFModule)
    negative = own.forward_inference({"obs": -tf.ones((1, 4))})["action_dist_inputs"]
    zero = own.forward_inference({"obs": tf.zeros((1, 4))})["action_dist_inputs"]
    same(negative, zero)


def recorded(name: str, part: str) -> dict[str, Any]:
    """The recorded states of one case, nested as they were."""
    found: dict[str, Any] = {}
    for key in RECURRENT.files:
        if key.startswith(f"{name}|{part}|"):
            *above, last = key.split("|")[2].split(".")
            inner = found
            for step in above:
                inner = inner.setdefault(step, {})
            inner[last] = tf.constant(RECURRENT[key])
    return found


def load_recorded(name: str, module: Any) -> None:
    """Give a module Ray's weights, which both list in the order of the data flow."""
    weights = [RECURRENT[k] for k in sorted(RECURRENT.files) if k.startswith(f"{name}|weight|")]
    variables = list(named_variables(module).values())
    assert len(variables) == len(weights)
    for variable, value in zip(variables, weights, strict=True):
        assert variable.shape == value.shape
        variable.assign(value)


def check_recurrent_encoders_give_rays_numbers() -> None:
    for kind in ("lstm", "gru"):
        net = RecurrentEncoder(4, 5, kind=kind, num_layers=2)
        load_recorded(kind, net)
        assert {k: v.shape for k, v in net.get_initial_state().items()} == dict.fromkeys(
            recorded(kind, "in"), (2, 5)
        )
        out, after = net.unroll(tf.constant(RECURRENT["obs"]), recorded(kind, "in"))
        same(out, RECURRENT[f"{kind}|out"])
        tree.map_structure(same, after, recorded(kind, "after"))
    with pytest.raises(ModuleError, match="lstm or gru, not 'rnn'"):
        RecurrentEncoder(4, 5, kind="rnn")


def recurrent_module(name: str, *, shared: bool) -> None:
    module = build(DefaultPPOTfRLModule, use_lstm=True, lstm_cell_size=7, vf_share_layers=shared)
    load_recorded(name, module)
    assert module.is_stateful()
    batch = {"obs": tf.constant(RECURRENT["obs"]), "state_in": recorded(name, "in")}
    tree.assert_same_structure(module.get_initial_state(), batch["state_in"])
    for forward in (module.forward_inference, module.forward_exploration, module.forward_train):
        outs = forward(batch)
        same(outs["action_dist_inputs"], RECURRENT[f"{name}|logits"])
        tree.map_structure(same, outs["state_out"], recorded(name, "after"))
    same(module.compute_values(batch), RECURRENT[f"{name}|values"])
    same(module.compute_values(batch, outs["embeddings"]), RECURRENT[f"{name}|values"])
    twin = build(DefaultPPOTfRLModule, use_lstm=True, lstm_cell_size=7, vf_share_layers=shared)
    assert twin.set_state(module.get_state()).complete
    same(twin.forward_inference(batch)["action_dist_inputs"], RECURRENT[f"{name}|logits"])


def check_lstm_shared_by_policy_and_value_gives_rays_numbers() -> None:
    recurrent_module("shared", shared=True)


def check_lstm_each_for_policy_and_value_gives_rays_numbers() -> None:
    recurrent_module("separate", shared=False)


def check_behaviour_cloning_with_an_lstm() -> None:
    module = build(DefaultBCTfRLModule, use_lstm=True, lstm_cell_size=7)
    weights = [RECURRENT[k] for k in sorted(RECURRENT.files) if k.startswith("shared|weight|")]
    variables = module.named_variables().values()
    for variable, value in zip(variables, weights[:9], strict=True):
        variable.assign(value)
    batch = {"obs": tf.constant(RECURRENT["obs"]), "state_in": recorded("shared", "in")}
    outs = module.forward_inference(batch)
    same(outs["action_dist_inputs"], RECURRENT["shared|logits"])
    tree.map_structure(same, outs["state_out"], recorded("shared", "after"))
    assert build(DefaultBCTfRLModule).get_initial_state() == {}


def check_functional_models_are_saved_by_the_names_of_their_layers() -> None:
    class Functional(TfRLModule):
        def setup(self) -> None:
            inputs = tf.keras.layers.Input((4,))
            hidden = tf.keras.layers.Dense(8, name="a")(inputs)
            hidden = tf.keras.layers.Dense(8)(tf.keras.layers.Dense(8)(hidden))
            self.net = tf.keras.Model(inputs, tf.keras.layers.Dense(2, name="b")(hidden))

    one, two = build(Functional), build(Functional)
    state = one.get_state()
    layers, parts = ("a", "dense_1", "dense_2", "b"), ("kernel", "bias")
    assert list(state) == [f"net.{layer}.{part}" for layer in layers for part in parts]
    report = two.set_state(state)
    assert not report.missing, report
    assert not report.unexpected, report
    name = "net.dense_2.kernel"
    np.testing.assert_array_equal(two.get_state()[name], state[name])


if __name__ == "__main__":
    report(checks_in(globals()))
