"""RLModuleSpec: how to build a module, as data."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from rlmigrate.errors import ModuleError
from rlmigrate.new_stack.models.config_dicts import as_plain_dict
from rlmigrate.new_stack.old_forms import accept_old_form
from rlmigrate.new_stack.rl_module import DEFAULT_MODULE_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlmigrate.new_stack.multi_specs import MultiRLModuleSpec
    from rlmigrate.new_stack.rl_module import RLModule


class SpecError(ModuleError, ValueError):
    """A spec lacks something or holds the wrong thing."""


@dataclass
class RLModuleConfig:
    """The constructor's argument of modules up to Ray 2.38, and still their `self.config`."""

    observation_space: Any = None
    action_space: Any = None
    inference_only: bool = False
    learner_only: bool = False
    model_config_dict: Any = field(default_factory=dict)
    catalog_class: Any = None

    def get_catalog(self) -> Any:
        """Build the catalog, or return None where there is no class for it."""
        if self.catalog_class is None:
            return None
        return self.catalog_class(
            observation_space=self.observation_space,
            action_space=self.action_space,
            model_config_dict=self.model_config_dict,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        from rlmigrate.new_stack.checkpoints.spaces import space_to_dict
        from rlmigrate.new_stack.checkpoints.types import type_to_name

        return {
            "observation_space": space_to_dict(self.observation_space),
            "action_space": space_to_dict(self.action_space),
            "inference_only": self.inference_only,
            "learner_only": self.learner_only,
            "model_config_dict": self.model_config_dict,
            "catalog_class_path": type_to_name(self.catalog_class) if self.catalog_class else "",
        }

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], *, module_classes: Mapping[str, type] | None = None
    ) -> RLModuleConfig:
        """Read what `to_dict` gave."""
        from rlmigrate.new_stack.checkpoints.spaces import space_from_dict
        from rlmigrate.new_stack.checkpoints.types import name_to_type

        catalog = data["catalog_class_path"]
        return cls(
            observation_space=space_from_dict(data["observation_space"]),
            action_space=space_from_dict(data["action_space"]),
            inference_only=data.get("inference_only", False),  # since 2.24
            learner_only=data.get("learner_only", False),
            model_config_dict=data["model_config_dict"],
            catalog_class=name_to_type(catalog, module_classes=module_classes) if catalog else None,
        )


@dataclass
class RLModuleSpec:
    """What is needed to build one module.

    >>> from rlmigrate.new_stack import RLModule
    >>> import gymnasium as gym
    >>> spec = RLModuleSpec(RLModule, gym.spaces.Box(-1, 1, (2,)), gym.spaces.Discrete(3))
    >>> spec.build().action_space
    Discrete(3)
    """

    module_class: Any = None
    observation_space: Any = None
    action_space: Any = None
    inference_only: bool = False
    learner_only: bool = False
    model_config: Any = None
    catalog_class: Any = None
    load_state_path: str | None = None
    # The name of model_config up to Ray 2.37.
    model_config_dict: Any = None

    def __post_init__(self) -> None:
        if self.model_config_dict is not None:
            accept_old_form(
                "RLModuleSpec(model_config_dict=...)",
                until="2.37",
                now="RLModuleSpec(model_config=...)",
                rule="RLM603",
            )
            self.model_config = self.model_config or self.model_config_dict

    def build(self) -> RLModule:
        """Build the module, with the state at `load_state_path` if one is given.

        Raises SpecError if the class or the observation space is missing.
        """
        if self.module_class is None:
            raise SpecError("RLModuleSpec.build(): no module_class is set")
        if self.observation_space is None:
            raise SpecError(
                f"RLModuleSpec.build(): no observation_space is set for {self.module_class}"
            )
        module = cast("RLModule", self._construct())
        if self.load_state_path is not None:
            module.restore_from_path(self.load_state_path)
        return module

    def _construct(self) -> Any:
        if takes_config(self.module_class):
            accept_old_form(
                f"{self.module_class.__name__}.__init__(self, config)",
                until="2.38",
                now="setup(self)",
                rule="RLM602",
            )
            return self.module_class(self.get_rl_module_config())
        return self.module_class(
            observation_space=self.observation_space,
            action_space=self.action_space,
            inference_only=self.inference_only,
            model_config=self._get_model_config(),
            catalog_class=self.catalog_class,
        )

    def _get_model_config(self) -> Any:
        if dataclasses.is_dataclass(self.model_config) and not isinstance(self.model_config, type):
            return as_plain_dict(self.model_config)
        return self.model_config or {}

    def get_rl_module_config(self) -> RLModuleConfig:
        """Return the constructor's argument of older modules."""
        return RLModuleConfig(
            observation_space=self.observation_space,
            action_space=self.action_space,
            inference_only=self.inference_only,
            learner_only=self.learner_only,
            model_config_dict=self._get_model_config(),
            catalog_class=self.catalog_class,
        )

    @classmethod
    def from_module(cls, module: RLModule) -> RLModuleSpec:
        """Return the spec that builds a module like the given one.

        Raises ValueError for a MultiRLModule.
        """
        from rlmigrate.new_stack.multi_rl_module import MultiRLModule

        if isinstance(module, MultiRLModule):
            raise SpecError("RLModuleSpec.from_module(): use MultiRLModuleSpec.from_module()")
        return RLModuleSpec(
            module_class=type(module),
            observation_space=module.observation_space,
            action_space=module.action_space,
            inference_only=module.inference_only,
            learner_only=module.learner_only,
            model_config=module.model_config,
            catalog_class=None if module.catalog is None else type(module.catalog),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as plain data, in Ray's form."""
        from rlmigrate.new_stack.checkpoints.spaces import space_to_dict
        from rlmigrate.new_stack.checkpoints.types import type_to_name

        return {
            "module_class": type_to_name(self.module_class),
            "observation_space": space_to_dict(self.observation_space),
            "action_space": space_to_dict(self.action_space),
            "inference_only": self.inference_only,
            "learner_only": self.learner_only,
            "model_config": self._get_model_config(),
            "catalog_class": type_to_name(self.catalog_class) if self.catalog_class else None,
        }

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], *, module_classes: Mapping[str, type] | None = None
    ) -> RLModuleSpec:
        """Read what `to_dict` gave, here or in Ray.

        Args:
            data: The plain data.
            module_classes: Classes by the name they have in the data; nothing is imported by name
                except what belongs to RLlib or is loaded already.
        """
        from rlmigrate.new_stack.checkpoints.spaces import space_from_dict
        from rlmigrate.new_stack.checkpoints.types import name_to_type

        module_class = name_to_type(data["module_class"], module_classes=module_classes)
        if "module_config" in data:  # up to Ray 2.37
            old = RLModuleConfig.from_dict(data["module_config"], module_classes=module_classes)
            return RLModuleSpec(
                module_class=module_class,
                observation_space=old.observation_space,
                action_space=old.action_space,
                inference_only=old.inference_only,
                learner_only=old.learner_only,
                model_config=old.model_config_dict,
                catalog_class=old.catalog_class,
            )
        catalog = data["catalog_class"]
        return RLModuleSpec(
            module_class=module_class,
            observation_space=space_from_dict(data["observation_space"]),
            action_space=space_from_dict(data["action_space"]),
            inference_only=data["inference_only"],
            learner_only=data["learner_only"],
            model_config=data["model_config"],
            catalog_class=name_to_type(catalog, module_classes=module_classes) if catalog else None,
        )

    def update(self, other: RLModuleSpec, override: bool = True) -> None:
        """Take over what another spec sets; without `override` only what is not set here.

        Raises ValueError if the other is no RLModuleSpec.
        """
        if not isinstance(other, RLModuleSpec):
            raise SpecError(f"RLModuleSpec.update(): not an RLModuleSpec: {type(other).__name__}")
        first, second = (other, self) if override else (self, other)
        for name in (
            "module_class",
            "observation_space",
            "action_space",
            "model_config",
            "catalog_class",
            "load_state_path",
        ):
            setattr(self, name, getattr(first, name) or getattr(second, name))
        if override:
            self.inference_only = other.inference_only or self.inference_only
            self.learner_only = other.learner_only and self.learner_only

    def as_multi_rl_module_spec(self) -> MultiRLModuleSpec:
        """Return a MultiRLModuleSpec with this spec under `DEFAULT_MODULE_ID`."""
        from rlmigrate.new_stack.multi_specs import MultiRLModuleSpec

        return MultiRLModuleSpec(
            rl_module_specs={DEFAULT_MODULE_ID: self}, load_state_path=self.load_state_path
        )

    def as_multi_agent(self) -> MultiRLModuleSpec:
        """Do what `as_multi_rl_module_spec` does, under the name it had up to 2.34."""
        accept_old_form(
            "RLModuleSpec.as_multi_agent()",
            until="2.34",
            now="as_multi_rl_module_spec()",
            rule="RLM609",
        )
        return self.as_multi_rl_module_spec()


@functools.lru_cache(maxsize=256)
def takes_config(module_class: type) -> bool:
    """Tell whether a class has the constructor `__init__(self, config)` of Ray up to 2.38."""
    try:
        parameters = list(inspect.signature(module_class).parameters.values())
    except (TypeError, ValueError):
        return False
    names = [parameter.name for parameter in parameters]
    kinds = {parameter.kind for parameter in parameters}
    return (
        names[:1] == ["config"]
        and "observation_space" not in names
        and inspect.Parameter.VAR_KEYWORD not in kinds
    )
