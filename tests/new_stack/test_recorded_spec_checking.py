"""Spec checking and NestedDict against what Ray 2.24.0 was recorded to do."""

from __future__ import annotations

import json
import logging
import runpy
from pathlib import Path
from types import SimpleNamespace

import gymnasium as gym
import pytest

from rlmigrate.new_stack import TorchRLModule
from rlmigrate.new_stack.checking import checker, nested_dict, spec_dict, specs
from rlmigrate.new_stack.era import speaking

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden" / "spec_checking"
RECORDED = json.loads((GOLDEN / "ray_2_24_0.json").read_text())

# Where we differ on purpose: what Ray 2.24 did, what we do.
KEY_ERROR, TYPE_ERROR = "raises KeyError", "raises TypeError"
VIOLATION = "raises SpecCheckingError"
ACTED, ACTIONS = ["action_dist_inputs"], ["actions"]
DIFFERENCES = {
    # Paths within paths are flattened in reading, as they are in filter() and writing.
    "nested_reading/getitem/4": (KEY_ERROR, 2),
    "nested_reading/get/4": (KEY_ERROR, 2),
    "nested_reading/default/4": (9, 2),
    # A path through a value that is no dict is missing, not a TypeError from within.
    "nested_reading/getitem/9": (TYPE_ERROR, KEY_ERROR),
    "nested_reading/getitem/10": (TYPE_ERROR, KEY_ERROR),
    "nested_reading/get/9": (TYPE_ERROR, KEY_ERROR),
    "nested_reading/get/10": (TYPE_ERROR, KEY_ERROR),
    "nested_reading/default/9": (TYPE_ERROR, 9),
    "nested_reading/default/10": (TYPE_ERROR, 9),
    # Dropping no dimension drops none.
    "tensor_specs/shapes/3": ([], ["b", "t", 3]),
    # A tuple of types that does not fit is a violation, not an AttributeError from its message.
    "type_and_dict_specs/dict/13": ("raises AttributeError", "raises ValueError"),
    # Checked methods get a plain dict, whose keys are strings, not a NestedDict of paths.
    "decorators/seen/0/0": (["x"], "x"),
    "decorators/seen/1/0": (["x"], "x"),
    "decorators/once/1/0": (["x"], "x"),
    # One kind of error, which is a ValueError, too.
    "decorators/no_spec/0": ("raises ValueError", VIOLATION),
    "decorators/no_mapping/0": ("raises ValueError", VIOLATION),
    # Outputs for acting may be of any form that later releases and the documents know.
    "modules/default/0": (VIOLATION, ACTED),
    "modules/default/1": (VIOLATION, ACTED),
    "modules/actions/0": (VIOLATION, ACTIONS),
    "modules/actions/1": (VIOLATION, ACTIONS),
    "modules/own_input_fits/0": (VIOLATION, ACTED),
    "modules/own_input_fits/1": (VIOLATION, ACTED),
    "modules/own_input_is_checked_after_an_exception_only/0": (VIOLATION, ACTED),
    "modules/own_input_is_checked_after_an_exception_only/1": (VIOLATION, ACTED),
    "modules/wrong_shape_after_no_exception/0": (VIOLATION, ACTED),
    "modules/wrong_shape_after_no_exception/1": (VIOLATION, ACTED),
}


def module(body):
    return type("Module", (TorchRLModule,), body)(
        observation_space=gym.spaces.Box(-1, 1, (4,)), action_space=gym.spaces.Discrete(2)
    )


OURS = SimpleNamespace(
    NestedDict=nested_dict.NestedDict,
    SpecDict=spec_dict.SpecDict,
    TensorSpec=specs.TensorSpec,
    TypeSpec=specs.TypeSpec,
    convert_to_canonical_format=checker.convert_to_canonical_format,
    check_input_specs=checker.check_input_specs,
    check_output_specs=checker.check_output_specs,
    is_input_decorated=checker.is_input_decorated,
    is_output_decorated=checker.is_output_decorated,
    module=module,
)


def differences(recorded, ours, at):
    """Find where two results differ, as {path: (recorded, ours)}."""
    if isinstance(recorded, dict) and isinstance(ours, dict) and recorded.keys() == ours.keys():
        inner = [(recorded[key], ours[key], key) for key in recorded]
    elif isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
        inner = [(*pair, index) for index, pair in enumerate(zip(recorded, ours, strict=True))]
    else:
        return {} if recorded == ours else {at: (recorded, ours)}
    found = {}
    for before, after, key in inner:
        found |= differences(before, after, f"{at}/{key}")
    return found


@pytest.mark.parametrize("name", RECORDED)
def test_we_do_what_ray_2_24_did(name):
    experiments = runpy.run_path(str(GOLDEN / "behaviours.py"))
    logging.disable(logging.CRITICAL)
    try:
        with speaking("2.24"):
            ours = experiments["outcome"](lambda: experiments["EXPERIMENTS"][name](OURS))
    finally:
        logging.disable(logging.NOTSET)
    ours = json.loads(json.dumps(ours))
    wanted = {at: pair for at, pair in DIFFERENCES.items() if at.split("/")[0] == name}
    assert differences(RECORDED[name], ours, name) == wanted


def test_every_experiment_was_recorded():
    assert runpy.run_path(str(GOLDEN / "behaviours.py"))["EXPERIMENTS"].keys() == RECORDED.keys()
