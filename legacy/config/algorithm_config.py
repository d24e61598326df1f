"""AlgorithmConfig: the settings of an algorithm, set by chained calls."""

from __future__ import annotations

import copy
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any, NoReturn, Self

from rlmigrate.errors import LegacyError, UsageError
from rlmigrate.legacy.catalog.defaults import MODEL_DEFAULTS
from rlmigrate.legacy.config.builders import Builders
from rlmigrate.legacy.config.defaults import ALGORITHM_DEFAULTS
from rlmigrate.legacy.config.renames import current
from rlmigrate.legacy.config.settings import METHODS, TRAINING

# Settings that are dicts, into which new entries are merged.
_MERGED = ("model", "env_config", "exploration_config", "optimizer", "learner_config_dict")
# Settings that are neither old nor new names of a stored one, but accepted under some release.
_ATTRIBUTES = {"framework_str": "framework", "callbacks_class": "callbacks"}


class AlgorithmConfig(Builders):
    """Settings that can be read as attributes, items and a dict.

    The builder methods take what they took in any release since Ray 2.0; old names are stored
    under today's, and reading an old name gives the same value.

    >>> config = AlgorithmConfig().rollouts(num_rollout_workers=3).training(lr=0.01)
    >>> config.num_env_runners, config["num_workers"], config.to_dict()["lr"]
    (3, 3, 0.01)
    """

    # What a subclass adds to the defaults.
    _own_defaults: dict[str, Any] = {}
    _own_model: dict[str, Any] = {}

    _settings: dict[str, Any]
    _frozen: bool

    def __init__(self, algo_class: Any = None) -> None:
        settings = copy.deepcopy(ALGORITHM_DEFAULTS)
        settings["model"] = {**copy.deepcopy(MODEL_DEFAULTS), **self._own_model}
        settings.update(copy.deepcopy(self._own_defaults))
        self.__dict__.update(_settings=settings, _frozen=False, algo_class=algo_class)

    # Reading.

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_settings" not in self.__dict__:
            raise AttributeError(name)
        key = current(_ATTRIBUTES.get(name, name))
        if key not in self._settings:
            raise AttributeError(f"{type(self).__name__} has no setting {name!r}")
        return self._settings[key]

    def __setattr__(self, name: str, value: Any) -> None:
        self[_ATTRIBUTES.get(name, name)] = value

    def __getitem__(self, key: str) -> Any:
        try:
            return self._settings[current(key)]
        except KeyError:
            raise KeyError(f"{type(self).__name__} has no setting {key!r}") from None

    def __setitem__(self, key: str, value: Any) -> None:
        if self._frozen:
            raise LegacyError(f"{type(self).__name__} is frozen; copy(copy_frozen=False) it first")
        self._settings[current(key)] = value

    def __contains__(self, key: str) -> bool:
        return current(key) in self._settings

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    __hash__ = None  # type: ignore[assignment]

    def get(self, key: str, default: Any = None) -> Any:
        """Give a setting, or `default`."""
        return self._settings.get(current(key), default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Give a setting, after setting it to `default` if there is none."""
        return self._settings.setdefault(current(key), default)

    def pop(self, key: str, default: Any = None) -> Any:
        """Give a setting, or `default`, and keep it: settings cannot be removed."""
        return self.get(key, default)

    def keys(self) -> KeysView[str]:
        """List the settings."""
        return self._settings.keys()

    def values(self) -> ValuesView[Any]:
        """List the settings' values."""
        return self._settings.values()

    def items(self) -> ItemsView[str, Any]:
        """List the settings with their values."""
        return self._settings.items()

    def to_dict(self) -> dict[str, Any]:
        """Give a copy of all settings."""
        return copy.deepcopy(self._settings)

    @property
    def rl_module_spec(self) -> Any:
        """The RLModule spec that was set, or None."""
        return self._settings["_rl_module_spec"]

    @property
    def model_config(self) -> Any:
        """The RLModule's model config."""
        return self._settings["_model_config"]

    @property
    def is_multi_agent(self) -> bool:
        """Whether there is a policy besides the default one."""
        return set(self._settings["policies"]) != {"default_policy"}

    # Writing.

    def _set(self, method: str, positional: dict[str, Any], settings: dict[str, Any]) -> Self:
        settings = {**{k: v for k, v in positional.items() if v is not None}, **settings}
        allowed = METHODS[method] | (self._training_settings() if method == "training" else set())
        unknown = sorted(
            name for name in settings if name not in allowed and current(name) not in self._settings
        )
        if unknown:
            raise UsageError(
                f"{type(self).__name__}.{method}() has no settings {unknown} in any Ray release; "
                f"it takes {sorted(allowed)}"
            )
        for name, value in settings.items():
            key = current(_ATTRIBUTES.get(name, name))
            held = self._settings.get(key)
            if key in _MERGED and isinstance(held, dict) and isinstance(value, dict):
                value = {**held, **value}
            self[key] = value
        return self

    def _training_settings(self) -> frozenset[str]:
        names = (TRAINING.get(cls.__name__, frozenset()) for cls in type(self).__mro__)
        return frozenset().union(*names)

    def update_from_dict(self, config_dict: dict[str, Any]) -> Self:
        """Take over settings from a dict of any release, such as `{"num_workers": 2}`."""
        for key, value in config_dict.items():
            if key == "multiagent":
                self.update_from_dict(value)
            elif key == "policies":
                self.multi_agent(policies=value)
            elif key == "model":
                self["model"] = {**self["model"], **value}
            else:
                self[key] = value
        return self

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any]) -> Self:
        """Build a config from a dict of any release."""
        return cls().update_from_dict(config_dict)

    @classmethod
    def overrides(cls, **settings: Any) -> dict[str, Any]:
        """Give a dict of some settings, for one policy or for evaluation.

        Raises UsageError for a setting that the class does not have.

        >>> AlgorithmConfig.overrides(explore=False, num_workers=2)
        {'explore': False, 'num_env_runners': 2}
        """
        held = cls()._settings
        unknown = sorted(name for name in settings if current(name) not in held)
        if unknown:
            raise UsageError(f"{cls.__name__}.overrides(): {cls.__name__} has no {unknown}")
        named = {"lambda": "lambda_"}  # the attribute, as `lambda` is a keyword
        return {named.get(current(key), current(key)): value for key, value in settings.items()}

    @staticmethod
    def DEFAULT_POLICY_MAPPING_FN(aid: Any, episode: Any, worker: Any, **kwargs: Any) -> str:
        """Give every agent the default policy."""
        return "default_policy"

    @staticmethod
    def DEFAULT_AGENT_TO_MODULE_MAPPING_FN(agent_id: Any, episode: Any) -> str:
        """Give every agent the default module."""
        return "default_policy"

    def get_state(self) -> dict[str, Any]:
        """Give a copy of all settings, and the class."""
        return {**self.to_dict(), "class": type(self)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Build from what `get_state` gave."""
        settings = dict(state)
        built: Any = settings.pop("class", cls)()
        built._settings.update(copy.deepcopy(settings))
        return built  # type: ignore[no-any-return]

    def copy(self, copy_frozen: bool | None = None) -> Self:
        """Copy all settings; copy_frozen: None keeps the state, False thaws, True freezes."""
        out = copy.deepcopy(self)
        out.__dict__["_frozen"] = self._frozen if copy_frozen is None else copy_frozen
        return out

    def freeze(self) -> None:
        """Refuse changes from now on."""
        self.__dict__["_frozen"] = True

    def validate(self) -> None:
        """Raise UsageError for settings that contradict each other."""
        minibatch, batch = self.get("minibatch_size"), self.train_batch_size
        if minibatch and isinstance(batch, int) and minibatch > batch:
            raise UsageError(
                f"minibatch_size is {minibatch}, expected at most train_batch_size, {batch}"
            )

    # Building needs Ray.

    def _needs_ray(self, method: str) -> NoReturn:
        raise LegacyError(
            f"{type(self).__name__}.{method}() runs an algorithm, which needs Ray: "
            f'pip install "rlmigrate[ray]" and import {type(self).__name__} from ray.rllib; '
            "this class holds settings only"
        )

    def build(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise LegacyError: an algorithm needs Ray."""
        self._needs_ray("build")

    def build_algo(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise LegacyError: an algorithm needs Ray."""
        self._needs_ray("build_algo")

    def build_learner(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise LegacyError: a learner needs Ray."""
        self._needs_ray("build_learner")

    def build_learner_group(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise LegacyError: a learner group needs Ray."""
        self._needs_ray("build_learner_group")
