"""Spec checking and NestedDict, as RLlib had them up to 2.35 and 2.24."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import nn

from rlmigrate.new_stack import TorchRLModule
from rlmigrate.new_stack.checking.checker import (
    SpecCheckingError,
    check_input_specs,
    check_output_specs,
    convert_to_canonical_format,
)
from rlmigrate.new_stack.checking.nested_dict import NestedDict
from rlmigrate.new_stack.checking.spec_dict import SpecDict
from rlmigrate.new_stack.checking.specs import TensorSpec, TorchTensorSpec, TypeSpec
from rlmigrate.new_stack.era import speaking

OBS, ACT = gym.spaces.Box(-1, 1, (4,)), gym.spaces.Discrete(2)


class Module(TorchRLModule):
    def setup(self):
        self.pi = nn.Linear(4, 2)

    def _forward(self, batch, **kwargs):
        return {"action_dist_inputs": self.pi(batch["obs"])}


class WithSpecs(Module):
    def input_specs_exploration(self):
        return {"obs": TensorSpec("b, h", h=4, framework="torch"), "action_mask": torch.Tensor}

    def output_specs_exploration(self):
        return ["action_dist_inputs", ("extra", "deep")]


def build(cls):
    return cls(observation_space=OBS, action_space=ACT)


GOOD = {"obs": torch.zeros(3, 4)}


def test_nothing_is_checked_today():
    build(WithSpecs).forward_exploration(GOOD)


def test_without_an_era_overridden_specs_are_enforced_and_default_ones_not():
    with speaking(None):
        with pytest.raises(SpecCheckingError, match=r"'action_mask' is missing; expected .*Tensor"):
            build(WithSpecs).forward_exploration(GOOD)
        full = GOOD | {"action_mask": torch.ones(3, 2)}
        with pytest.raises(
            SpecCheckingError, match=r"output of WithSpecs.*'extra/deep' is missing"
        ):
            build(WithSpecs).forward_exploration(full)
        build(WithSpecs).forward_inference(GOOD)
        build(Module).forward_exploration(GOOD)


def test_all_problems_are_told_at_once():
    with speaking(None), pytest.raises(SpecCheckingError) as error:
        build(WithSpecs).forward_exploration({"obs": torch.zeros(3, 5)})
    assert "expected shape (b, 4), found (3, 5)" in str(error.value)
    assert "'action_mask' is missing" in str(error.value)


def test_with_an_era_the_input_explains_an_exception_and_the_output_is_checked():
    with speaking("2.24"):
        module = build(WithSpecs)
        with pytest.raises(SpecCheckingError, match="output"):
            module.forward_exploration(GOOD)
        with pytest.raises(SpecCheckingError, match="'obs' is missing"):
            build(Module).forward_exploration({})
        build(Module).forward_inference(GOOD)
        with pytest.raises(SpecCheckingError, match="action_dist"):
            build(TorchRLModule).forward_inference({})
    with speaking("2.38"):
        build(WithSpecs).forward_exploration(GOOD)


def test_outputs_are_checked_once_or_always_by_release():
    class Changes(Module):
        def output_specs_inference(self):
            return ["here"]

        def _forward(self, batch, **kwargs):
            return dict(batch["out"])

    for era, always in (("2.24", False), ("2.9", True)):
        with speaking(era):
            module = build(Changes)
            module.forward_inference({"out": {"here": 1}})
            if always:
                with pytest.raises(SpecCheckingError):
                    module.forward_inference({"out": {}})
            else:
                module.forward_inference({"out": {}})


def test_modes_are_put_back_after_a_violation():
    module = build(WithSpecs)
    with speaking(None), pytest.raises(SpecCheckingError):
        module.forward_exploration(GOOD)
    assert all(part.training for part in module.modules())


@pytest.mark.parametrize(
    ("framework", "make"), [("np", np.zeros), ("torch", torch.zeros), (None, np.zeros)]
)
def test_tensor_specs(framework, make):
    spec = TensorSpec("b, t, h", h=3, framework=framework)
    spec.validate(make((5, 2, 3)))
    for wrong in (make((5, 3)), make((5, 2, 4)), 3):
        with pytest.raises(ValueError, match="expected"):
            spec.validate(wrong)
    assert spec.rdrop(1).shape == ("b", "t")
    assert spec.rdrop(0) == spec
    assert spec.append(TensorSpec("x", x=2)).full_shape == (1, 1, 3, 2)
    if framework:
        spec.validate(spec.fill(2))
        other = "np" if framework == "torch" else "torch"
        with pytest.raises(ValueError, match="expected"):
            spec.validate(TensorSpec("b, t, h", h=3, framework=other).fill())


def test_tensor_specs_of_a_dtype():
    spec = TorchTensorSpec("b", dtype=torch.int64)
    spec.validate(torch.zeros(3, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"torch\.float32"):
        spec.validate(torch.zeros(3))


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"shape": "b, b"}, "twice"),
        ({"shape": "b", "h": 3}, "no dimension"),
        ({"shape": "b", "b": 0}, "positive"),
        ({"shape": "b", "b": 1.5}, "int"),
        ({"shape": "b", "framework": "mx"}, "framework"),
    ],
)
def test_wrong_tensor_specs_raise(arguments, match):
    with pytest.raises(ValueError, match=match):
        TensorSpec(**arguments)


def test_specs_as_users_write_them():
    keys = convert_to_canonical_format([("obs", "global"), ("obs", "local"), "action_mask"])
    keys.validate({"obs": {"global": 1, "local": 2}, "action_mask": 3, "more": 4})
    with pytest.raises(ValueError, match="'obs/local' is missing"):
        keys.validate({"obs": {"global": 1}, "action_mask": 3})
    with pytest.raises(ValueError, match="'more' has no spec"):
        keys.validate({"obs": {"global": 1, "local": 2}, "action_mask": 3, "more": 4}, True)
    kind = convert_to_canonical_format({"action_dist": torch.distributions.Categorical})
    kind.validate({"action_dist": torch.distributions.Categorical(torch.ones(2))})
    with pytest.raises(ValueError, match="Categorical"):
        kind.validate({"action_dist": 3})
    either = convert_to_canonical_format({"x": (int, str)})
    either.validate({"x": "a"})
    assert convert_to_canonical_format(int) == TypeSpec(int)
    nested = convert_to_canonical_format({"obs": ["a", "b"]})
    with pytest.raises(ValueError, match="obs/b"):
        nested.validate({"obs": {"a": 1}})


def test_the_decorators_work_on_any_class():
    class Thing:
        wants = ["x"]
        gives = {"y": int}

        @check_input_specs("wants", only_check_on_retry=False, filter=True, cache=False)
        @check_output_specs("gives", cache=False)
        def run(self, data, **kwargs):
            self.saw = data
            return {"y": data["x"]}

        @check_input_specs("wants")
        def explain(self, data):
            return data["z"]

        @check_output_specs("nothing")
        def broken(self, data):
            return data

    thing = Thing()
    assert thing.run({"x": 1, "other": 2}) == {"y": 1}
    assert thing.saw == {"x": 1}
    with pytest.raises(SpecCheckingError, match="y"):
        thing.run({"x": "text"})
    with pytest.raises(SpecCheckingError, match="'x' is missing"):
        thing.explain({})
    with pytest.raises(KeyError):
        thing.explain({"x": 1})
    with pytest.raises(SpecCheckingError, match="nothing"):
        thing.broken({})


def test_nested_dict():
    data = NestedDict({"a": {"b": 1, "c": {"d": 2}}, "e": 3})
    assert list(data) == [("a", "b"), ("a", "c", "d"), ("e",)]
    assert (len(data), data["a", "c", "d"], data["e"]) == (3, 2, 3)
    assert ("a", "c") in data
    assert ("a", "x") not in data
    data["f", "g"] = {"h": 4}
    assert data["f"].asdict() == {"g": {"h": 4}}
    assert data.get(("no", "way"), 7) == 7
    with pytest.raises(KeyError):
        data.get("no")
    del data["f", "g", "h"]
    assert "f" not in data
    with pytest.raises(KeyError):
        del data["f"]
    assert data.filter([("a", "b"), "e"]).asdict() == {"a": {"b": 1}, "e": 3}
    with pytest.raises(KeyError):
        data.filter(["nope"])
    assert data.filter(["nope"], ignore_missing=True).asdict() == {}
    twin = data.copy()
    twin["e"] = 0
    assert data["e"] == 3
    assert set(data.shallow_keys()) == {"a", "e"}
    assert str(data) == str(data.asdict())
    assert NestedDict([(("x", "y"), 1)]).asdict() == {"x": {"y": 1}}
    with pytest.raises(IndexError):
        data[3] = 1
    with pytest.raises(ValueError, match="mapping"):
        NestedDict(3)
    assert isinstance(SpecDict({"a": None}), NestedDict)
