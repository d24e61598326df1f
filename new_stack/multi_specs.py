"""MultiRLModuleSpec: how to build a MultiRLModule, as data."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlmigrate.new_stack.era import current_era
from rlmigrate.new_stack.models.config_dicts import as_plain_dict
from rlmigrate.new_stack.multi_rl_module import MultiRLModule
from rlmigrate.new_stack.old_forms import accept_old_form
from rlmigrate.new_stack.rl_module import RLModule
from rlmigrate.new_stack.specs import RLModuleSpec, SpecError, takes_config


@dataclass
class MultiRLModuleConfig:
    """The constructor's argument of multi modules up to Ray 2.38."""

    inference_only: bool = False
    modules: dict[str, RLModuleSpec] = field(default_factory=dict)

    def get_catalog(self) -> None:
        """Return None: several modules have no one catalog."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "inference_only": self.inference_only,
            "modules": {name: spec.to_dict() for name, spec in self.modules.items()},
        }

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], *, module_classes: Mapping[str, type] | None = None
    ) -> MultiRLModuleConfig:
        """Read what `to_dict` gave."""
        return cls(
            inference_only=data.get("inference_only", False),
            modules={
                name: RLModuleSpec.from_dict(spec, module_classes=module_classes)
                for name, spec in data["modules"].items()
            },
        )


@dataclass
class MultiRLModuleSpec:
    """What is needed to build several modules.

    Raises ValueError on construction if `rl_module_specs` is no dict.
    """

    multi_rl_module_class: Any = MultiRLModule
    observation_space: Any = None
    action_space: Any = None
    inference_only: bool | None = None
    model_config: Any = None
    rl_module_specs: Any = None
    load_state_path: str | None = None
    modules_to_load: set[str] | None = None
    # The name of rl_module_specs up to Ray 2.37.
    module_specs: Any = None
    # The name of multi_rl_module_class up to Ray 2.34.
    marl_module_class: Any = None

    def __post_init__(self) -> None:
        if self.module_specs is not None and self.module_specs is not self.rl_module_specs:
            accept_old_form(
                "MultiRLModuleSpec(module_specs=...)",
                until="2.37",
                now="MultiRLModuleSpec(rl_module_specs=...)",
                rule="RLM603",
            )
            self.rl_module_specs = self.rl_module_specs or self.module_specs
        if self.marl_module_class is not None:
            accept_old_form(
                "MultiRLModuleSpec(marl_module_class=...)",
                until="2.34",
                now="MultiRLModuleSpec(multi_rl_module_class=...)",
                rule="RLM603",
            )
            self.multi_rl_module_class = self.marl_module_class
        if isinstance(self.rl_module_specs, RLModuleSpec) and current_era() is not None:
            # One spec for all policies, as old documents write it; the policies come later.
            self.module_specs = self.rl_module_specs
            self.inference_only = bool(self.rl_module_specs.inference_only)
            return
        if not isinstance(self.rl_module_specs, dict):
            raise SpecError(
                "MultiRLModuleSpec: rl_module_specs must be a dict of RLModuleSpecs by module "
                f"name, not {type(self.rl_module_specs).__name__}; for one module for all agents "
                "pass the RLModuleSpec itself to config.rl_module(rl_module_spec=...)"
            )
        self.module_specs = self.rl_module_specs
        if self.inference_only is None:
            self.inference_only = all(s.inference_only for s in self.rl_module_specs.values())

    def build(self, module_id: str | None = None) -> RLModule:
        """Build all modules, or the named one, with the states at `load_state_path`."""
        if not isinstance(self.rl_module_specs, dict):
            raise SpecError("MultiRLModuleSpec.build(): rl_module_specs must be a dict")
        if module_id:
            return self[module_id].build()
        module = self._construct()
        if self.load_state_path is not None:
            if self.modules_to_load is None:
                module.restore_from_path(self.load_state_path)
            else:
                for name in sorted(self.modules_to_load):
                    module[name].restore_from_path(Path(self.load_state_path) / name)
        return module

    def _construct(self) -> MultiRLModule:
        cls = self.multi_rl_module_class
        era = current_era()
        if takes_config(cls) or (era is not None and hasattr(cls, "build")):
            accept_old_form(
                f"{cls.__name__}.__init__(self, config)",
                until="2.38",
                now="setup(self)",
                rule="RLM602",
            )
            return cls(self.get_rl_module_config())  # type: ignore[no-any-return]
        config = self.model_config
        if dataclasses.is_dataclass(config) and not isinstance(config, type):
            config = as_plain_dict(config)
        return cls(  # type: ignore[no-any-return]
            observation_space=self.observation_space,
            action_space=self.action_space,
            inference_only=self.inference_only,
            model_config=config,
            rl_module_specs=self.rl_module_specs,
        )

    def get_rl_module_config(self) -> MultiRLModuleConfig:
        """Return the constructor's argument of older multi modules."""
        return MultiRLModuleConfig(
            inference_only=bool(self.inference_only), modules=self.rl_module_specs
        )

    def get_multi_rl_module_config(self) -> MultiRLModuleConfig:
        """Do what `get_rl_module_config` does, under a name of 2.35 to 2.38."""
        return self._old_config("get_multi_rl_module_config", until="2.38")

    def get_marl_config(self, *args: Any, **kwargs: Any) -> MultiRLModuleConfig:
        """Do what `get_rl_module_config` does, under the name it had up to 2.34."""
        return self._old_config("get_marl_config", until="2.34")

    def _old_config(self, name: str, *, until: str) -> MultiRLModuleConfig:
        accept_old_form(
            f"MultiRLModuleSpec.{name}()", until=until, now="the spec's own fields", rule="RLM602"
        )
        return self.get_rl_module_config()

    def add_modules(self, module_specs: Mapping[str, RLModuleSpec], override: bool = True) -> None:
        """Add specs; without `override`, those of the same name are updated."""
        if self.rl_module_specs is None:
            self.rl_module_specs = {}
        for name, spec in module_specs.items():
            if override or name not in self.rl_module_specs:
                if not spec.inference_only:
                    self.inference_only = False
                self.rl_module_specs[name] = spec
            else:
                self.rl_module_specs[name].update(spec)

    def remove_modules(self, module_ids: str | Collection[str]) -> None:
        """Remove the specs of the names that are there."""
        for name in [module_ids] if isinstance(module_ids, str) else module_ids:
            self.rl_module_specs.pop(name, None)

    @classmethod
    def from_module(cls, module: MultiRLModule) -> MultiRLModuleSpec:
        """Return the spec that builds a module like the given one."""
        return MultiRLModuleSpec(
            multi_rl_module_class=type(module),
            observation_space=module.observation_space,
            action_space=module.action_space,
            inference_only=module.inference_only,
            model_config=module.model_config,
            rl_module_specs={
                name: RLModuleSpec.from_module(part.unwrapped()) for name, part in module.items()
            },
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as plain data, in Ray's form."""
        from rlmigrate.new_stack.checkpoints.spaces import space_to_dict
        from rlmigrate.new_stack.checkpoints.types import type_to_name

        return {
            "multi_rl_module_class": type_to_name(self.multi_rl_module_class),
            "observation_space": space_to_dict(self.observation_space),
            "action_space": space_to_dict(self.action_space),
            "inference_only": self.inference_only,
            "model_config": self.model_config,
            "rl_module_specs": {n: spec.to_dict() for n, spec in self.rl_module_specs.items()},
        }

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], *, module_classes: Mapping[str, type] | None = None
    ) -> MultiRLModuleSpec:
        """Read what `to_dict` gave, here or in Ray, of any release."""
        from rlmigrate.new_stack.checkpoints.spaces import space_from_dict
        from rlmigrate.new_stack.checkpoints.types import name_to_type

        multi_class = data.get("multi_rl_module_class") or data["marl_module_class"]
        specs = data.get("rl_module_specs") or data.get("module_specs") or {}
        return MultiRLModuleSpec(
            multi_rl_module_class=name_to_type(multi_class, module_classes=module_classes),
            observation_space=space_from_dict(data.get("observation_space")),
            action_space=space_from_dict(data.get("action_space")),
            model_config=data.get("model_config"),
            inference_only=data.get("inference_only"),
            rl_module_specs={
                name: RLModuleSpec.from_dict(spec, module_classes=module_classes)
                for name, spec in specs.items()
            },
        )

    def update(self, other: MultiRLModuleSpec | RLModuleSpec, override: bool = False) -> None:
        """Take over another spec: into every module if it is an RLModuleSpec."""
        if isinstance(other, RLModuleSpec):
            if not other.inference_only:
                self.inference_only = False
            for spec in self.rl_module_specs.values():
                spec.update(other, override=False)
        else:
            self.add_modules(other.rl_module_specs, override=override)

    def as_multi_rl_module_spec(self) -> MultiRLModuleSpec:
        """Return the spec itself."""
        return self

    def as_multi_agent(self) -> MultiRLModuleSpec:
        """Return the spec itself, under the name the method had up to 2.34."""
        accept_old_form(
            "MultiRLModuleSpec.as_multi_agent()",
            until="2.34",
            now="as_multi_rl_module_spec()",
            rule="RLM609",
        )
        return self

    def __contains__(self, item: object) -> bool:
        return item in self.rl_module_specs

    def __getitem__(self, item: str) -> RLModuleSpec:
        spec: RLModuleSpec = self.rl_module_specs[item]
        return spec
