"""Constructor forms of older releases, on the classes of an installed Ray while names are served.

adapt   let the classes of a module take them; gives what undoes it
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

Method = Callable[..., Any]


def adapt(module: ModuleType) -> list[Callable[[], None]]:
    """Let RLModules and specs of Ray take what Ray 2.3 to 2.38 took, as ours do.

    `M(RLModuleConfig(...))`, `RLModuleSpec(model_config_dict=...)`, also of a class with
    `__init__(self, config)`, `MultiRLModuleSpec(module_specs=..., marl_module_class=...)`, and the
    switches of the new stack in `rl_module()` and `training()`. With an era that did not have a
    form it raises OldFormError, which names the rule that rewrites it.
    """
    undo: list[Callable[[], None]] = []
    for name, methods in _ADAPTED.get(module.__name__, {}).items():
        cls = getattr(module, name, None)
        for method, wrap in methods.items() if isinstance(cls, type) else ():
            original = cls.__dict__.get(method)
            if original is not None:
                setattr(cls, method, functools.wraps(original)(wrap(original, module)))
                undo.append(functools.partial(setattr, cls, method, original))
    return undo


def _accept(form: str, *, until: str, now: str, rule: str) -> None:
    from rlmigrate.new_stack.old_forms import accept_old_form

    accept_old_form(form, until=until, now=now, rule=rule)


def _module(original: Method, _module: ModuleType) -> Method:
    def init(self: Any, *config: Any, **settings: Any) -> None:
        given = config[0] if config else settings.pop("config", None)
        if given is not None:
            name = type(self).__name__
            now = "keyword arguments and setup(self)"
            _accept(f"{name}(config)", until="2.38", now=now, rule="RLM602")
            for field in ("observation_space", "action_space", "inference_only", "catalog_class"):
                settings.setdefault(field, getattr(given, field, None))
            settings.setdefault("learner_only", getattr(given, "learner_only", False))
            settings.setdefault("model_config", getattr(given, "model_config_dict", {}))
        original(self, **settings)

    return init


def _multi_module(original: Method, _module: ModuleType) -> Method:
    def init(self: Any, *config: Any, **settings: Any) -> None:
        given = config[0] if config else settings.pop("config", None)
        if given is not None:
            now = "keyword arguments and setup(self)"
            _accept(f"{type(self).__name__}(config)", until="2.38", now=now, rule="RLM602")
            settings.setdefault("rl_module_specs", getattr(given, "modules", None))
        original(self, **settings)

    return init


def _renamed(form: str, **names: tuple[str, str]) -> Callable[[Method, ModuleType], Method]:
    """Take arguments under old names: `old=(new, the last release with the old one)`."""

    def wrap(original: Method, _module: ModuleType) -> Method:
        def init(self: Any, *args: Any, **settings: Any) -> None:
            for old, (new, until) in names.items():
                value = settings.pop(old, None)
                if value is not None:
                    now = f"{form}({new}=...)"
                    _accept(f"{form}({old}=...)", until=until, now=now, rule="RLM603")
                    settings[new] = settings.get(new) or value
            original(self, *args, **settings)

        return init

    return wrap


def _build(original: Method, module: ModuleType) -> Method:
    def build(self: Any) -> Any:
        from rlmigrate.new_stack.specs import takes_config

        cls = self.module_class
        if cls is None or self.observation_space is None or not takes_config(cls):
            return original(self)
        form = f"{cls.__name__}.__init__(self, config)"
        _accept(form, until="2.38", now="setup(self)", rule="RLM602")
        config = vars(module)["RLModuleConfig"]
        return cls(
            config(
                observation_space=self.observation_space,
                action_space=self.action_space,
                inference_only=self.inference_only,
                learner_only=self.learner_only,
                model_config_dict=self._get_model_config(),
                catalog_class=self.catalog_class,
            )
        )

    return build


def _switch(form: str, flag: str, until: str) -> Callable[[Method, ModuleType], Method]:
    """Let a builder method of AlgorithmConfig switch both halves of the new stack."""

    def wrap(original: Method, _module: ModuleType) -> Method:
        def method(self: Any, **settings: Any) -> Any:
            value = settings.pop(flag, None)
            if value is not None:
                now = "api_stack(enable_rl_module_and_learner=...)"
                _accept(f"{form}({flag}=...)", until=until, now=now, rule="RLM405")
                self.api_stack(
                    enable_rl_module_and_learner=bool(value),
                    enable_env_runner_and_connector_v2=bool(value),
                )
            return original(self, **settings)

        return method

    return wrap


_HOME = "ray.rllib.core.rl_module."
_ADAPTED: dict[str, dict[str, dict[str, Callable[[Method, ModuleType], Method]]]] = {
    f"{_HOME}rl_module": {
        "RLModule": {"__init__": _module},
        "RLModuleSpec": {
            "__init__": _renamed("RLModuleSpec", model_config_dict=("model_config", "2.37")),
            "build": _build,
        },
    },
    "ray.rllib.algorithms.algorithm_config": {
        "AlgorithmConfig": {
            "rl_module": _switch("rl_module", "_enable_rl_module_api", "2.23"),
            "training": _switch("training", "_enable_learner_api", "2.9"),
        }
    },
    f"{_HOME}multi_rl_module": {
        "MultiRLModule": {"__init__": _multi_module},
        "MultiRLModuleSpec": {
            "__init__": _renamed(
                "MultiRLModuleSpec",
                module_specs=("rl_module_specs", "2.37"),
                marl_module_class=("multi_rl_module_class", "2.34"),
            )
        },
    },
}
