"""Constructor forms of older releases: taken in their era, refused elsewhere with the way out."""

from __future__ import annotations

import gymnasium as gym
import pytest

from rlmigrate.new_stack import (
    MultiRLModule,
    MultiRLModuleSpec,
    RLModuleConfig,
    RLModuleSpec,
    TorchRLModule,
)
from rlmigrate.new_stack.era import speaking
from rlmigrate.new_stack.multi_specs import MultiRLModuleConfig
from rlmigrate.new_stack.old_forms import OldFormError

BOX, ACTS = gym.spaces.Box(-1, 1, (4,)), gym.spaces.Discrete(2)
SPEC = RLModuleSpec(TorchRLModule, BOX, ACTS)


class OldModule(TorchRLModule):
    def __init__(self, config):
        super().__init__(config)


class OldMulti(MultiRLModule):
    def __init__(self, config):
        super().__init__(config)


FORMS = {
    "module config": (lambda: TorchRLModule(RLModuleConfig(BOX, ACTS)), "2.38", "RLM602"),
    "module class": (lambda: RLModuleSpec(OldModule, BOX, ACTS).build(), "2.38", "RLM602"),
    "multi config": (
        lambda: MultiRLModule(MultiRLModuleConfig(modules={"a": SPEC})),
        "2.38",
        "RLM602",
    ),
    "multi class": (
        lambda: MultiRLModuleSpec(OldMulti, rl_module_specs={"a": SPEC}).build(),
        "2.38",
        "RLM602",
    ),
    "model_config_dict": (lambda: RLModuleSpec(model_config_dict={"a": 1}), "2.37", "RLM603"),
    "module_specs": (lambda: MultiRLModuleSpec(module_specs={"a": SPEC}), "2.37", "RLM603"),
    "marl_module_class": (
        lambda: MultiRLModuleSpec(marl_module_class=MultiRLModule, rl_module_specs={}),
        "2.34",
        "RLM603",
    ),
    "module.as_multi_agent": (lambda: SPEC.build().as_multi_agent(), "2.34", "RLM609"),
    "spec.as_multi_agent": (lambda: SPEC.as_multi_agent(), "2.34", "RLM609"),
    "get_marl_config": (
        lambda: MultiRLModuleSpec(rl_module_specs={"a": SPEC}).get_marl_config(),
        "2.34",
        "RLM602",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_old_forms_are_refused_today_and_name_their_rule(form):
    make, until, rule = FORMS[form]
    with pytest.raises(OldFormError, match=f"Ray took it up to {until}.*{rule}.*ray_names"):
        make()


@pytest.mark.parametrize("form", FORMS)
def test_old_forms_are_accepted_in_their_era_and_not_after_it(form):
    make, until, _ = FORMS[form]
    with speaking(None):
        assert make() is not None
    with speaking(until):
        assert make() is not None
    with speaking("2.44"), pytest.raises(OldFormError, match=r"in Ray 2\.44"):
        make()


def test_the_config_of_an_old_module_fills_its_attributes():
    with speaking("2.9"):
        module = RLModuleSpec(OldModule, BOX, ACTS, model_config={"a": 1}).build()
    assert (module.observation_space, module.action_space) == (BOX, ACTS)
    assert (module.model_config, module.config.model_config_dict) == ({"a": 1}, {"a": 1})
    assert not module.inference_only


def test_classes_with_todays_constructor_are_left_alone():
    class Today(TorchRLModule):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)

    for era in (None, "2.4"):
        with speaking(era):
            assert RLModuleSpec(Today, BOX, ACTS).build().action_space == ACTS
    assert RLModuleSpec(Today, BOX, ACTS).build().action_space == ACTS


def test_configs_go_through_plain_data():
    config = RLModuleConfig(BOX, ACTS, model_config_dict={"a": 1})
    again = RLModuleConfig.from_dict(config.to_dict())
    assert again == config
    many = MultiRLModuleConfig(modules={"a": SPEC})
    assert MultiRLModuleConfig.from_dict(many.to_dict()).modules["a"].observation_space == BOX
