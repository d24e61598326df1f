"""MultiRLModule: several modules by name, and nets that they share."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Collection, ItemsView, KeysView, Mapping, ValuesView
from typing import TYPE_CHECKING, Any, TypeVar

from rlmigrate.new_stack.old_forms import accept_old_form
from rlmigrate.new_stack.rl_module import RLModule
from rlmigrate.new_stack.specs import RLModuleSpec, SpecError

if TYPE_CHECKING:
    from rlmigrate.new_stack.state import StateReport

T = TypeVar("T")

# The entry of a state that holds the nets which belong to no single module. Ray has no such entry
# and ignores it when it reads one.
SHARED_STATE = "__shared__"

_NOT_GIVEN = object()


class MultiRLModule(RLModule):
    """A dict of modules that takes batches by module name.

    Nets that a subclass keeps on itself, such as a shared encoder, are part of its state and of its
    checkpoints; Ray 2.60 leaves them out of both.
    """

    rl_module_specs: dict[str, RLModuleSpec]
    _rl_modules: dict[str, RLModule]

    def __init__(
        self,
        config: Any = _NOT_GIVEN,
        *,
        observation_space: Any = None,
        action_space: Any = None,
        inference_only: bool | None = None,
        learner_only: bool | None = None,
        model_config: Any = None,
        rl_module_specs: Mapping[str, RLModuleSpec] | None = None,
        **kwargs: Any,
    ) -> None:
        if config is not _NOT_GIVEN:
            accept_old_form(
                f"{type(self).__name__}(config)",
                until="2.38",
                now="keyword arguments and setup(self)",
                rule="RLM602",
            )
            rl_module_specs = getattr(config, "modules", None)
            inference_only = getattr(config, "inference_only", None)
        specs = copy.deepcopy(dict(rl_module_specs or {}))
        for module_id, spec in specs.items():
            if not isinstance(spec, RLModuleSpec):
                raise SpecError(
                    f"MultiRLModule: {module_id!r} must be an RLModuleSpec, "
                    f"not {type(spec).__name__}"
                )
        if inference_only is None:
            inference_only = all(spec.inference_only for spec in specs.values())
        if inference_only:
            for spec in specs.values():
                spec.inference_only = True
        self.rl_module_specs = specs
        self._old_config = None if config is _NOT_GIVEN else config
        super().__init__(
            observation_space=observation_space,
            action_space=action_space,
            inference_only=inference_only,
            learner_only=None,  # type: ignore[arg-type]
            catalog_class=None,
            model_config=model_config,
            **kwargs,
        )

    def setup(self) -> None:
        """Build the modules from their specs.

        Raises AssertionError if they are of different frameworks.
        """
        self._rl_modules = {}
        build = getattr(self, "build", None)
        if build is not None and self._old_config is not None:  # the hook's name up to Ray 2.4
            self.config = self._old_config
            build()
            return
        for module_id, spec in self.rl_module_specs.items():
            module = self._rl_modules[module_id] = spec.build()
            if self.framework is None:
                self.framework = module.framework
            elif module.framework not in (None, self.framework):
                raise AssertionError(
                    f"module {module_id!r} is of framework {module.framework!r}, the others of "
                    f"{self.framework!r}"
                )

    # Forward passes -------------------------------------------------------------------------

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return self._each("_forward", batch, kwargs)

    def _forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return self._each("forward_inference", batch, kwargs)

    def _forward_exploration(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return self._each("forward_exploration", batch, kwargs)

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return self._each("forward_train", batch, kwargs)

    def _each(self, method: str, batch: dict[str, Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        return {
            module_id: getattr(self._rl_modules[module_id], method)(part, **kwargs)
            for module_id, part in batch.items()
            if module_id in self
        }

    def get_initial_state(self) -> Any:
        """Return the initial states by module."""
        return {name: module.get_initial_state() for name, module in self._rl_modules.items()}

    def is_stateful(self) -> bool:
        """Tell whether any module is stateful."""
        return any(self.get_initial_state().values())

    # The dict of modules --------------------------------------------------------------------

    def add_module(self, module_id: str, module: RLModule, *, override: bool = False) -> None:
        """Add a module, which the specs and checkpoints know from then on.

        Raises ValueError if the name is taken and `override` is not given, for another framework,
        and for a name that is no file name.
        """
        validate_module_id(module_id)
        if module_id in self._rl_modules and not override:
            raise SpecError(f"module {module_id!r} exists; pass override=True to replace it")
        if not module.inference_only:
            self.inference_only = False
        if self.framework is None:
            self.framework = module.framework
        elif module.framework not in (None, self.framework):
            raise SpecError(
                f"module {module_id!r} is of framework {module.framework!r}, this MultiRLModule of "
                f"{self.framework!r}"
            )
        self._rl_modules[module_id] = module
        self.rl_module_specs[module_id] = RLModuleSpec.from_module(module.unwrapped())

    def remove_module(self, module_id: str, *, raise_err_if_not_found: bool = True) -> None:
        """Remove a module.

        Raises KeyError if there is none of the name, unless told not to.
        """
        if raise_err_if_not_found:
            self._find(module_id)
        self._rl_modules.pop(module_id, None)
        self.rl_module_specs.pop(module_id, None)

    def foreach_module(
        self, func: Callable[..., T], *, return_dict: bool = False, **kwargs: Any
    ) -> list[T] | dict[str, T]:
        """Call `func(module_id, module, **kwargs)` for each module."""
        results = {
            name: func(name, module.unwrapped(), **kwargs)
            for name, module in self._rl_modules.items()
        }
        return results if return_dict else list(results.values())

    def _find(self, module_id: str) -> RLModule:
        if module_id not in self._rl_modules:
            raise KeyError(f"no module {module_id!r}; there are {sorted(self._rl_modules)}")
        return self._rl_modules[module_id]

    def __getitem__(self, module_id: str) -> RLModule:
        return self._find(module_id)

    def __contains__(self, module_id: object) -> bool:
        return module_id in self._rl_modules

    def __len__(self) -> int:
        return len(self._rl_modules)

    def get(self, module_id: str, default: RLModule | None = None) -> RLModule | None:
        """Return a module, or the default."""
        return self._rl_modules.get(module_id, default)

    def items(self) -> ItemsView[str, RLModule]:
        """Return names and modules."""
        return self._rl_modules.items()

    def keys(self) -> KeysView[str]:
        """Return the names."""
        return self._rl_modules.keys()

    def values(self) -> ValuesView[RLModule]:
        """Return the modules."""
        return self._rl_modules.values()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._rl_modules!r})"

    # State ----------------------------------------------------------------------------------

    def shared_nets(self) -> dict[str, Any]:
        """Return the nets that belong to this module itself, by attribute name."""
        if self.framework != "torch":
            return {}
        from torch import nn

        return {
            name: value
            for name, value in sorted(vars(self).items())
            if isinstance(value, nn.Module) and not isinstance(value, RLModule)
        }

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        inference_only: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Return the states by module, and that of the shared nets."""
        state: dict[str, Any] = {}
        for module_id, module in self._rl_modules.items():
            if self._check_component(module_id, components, not_components):
                state[module_id] = module.get_state(
                    components=self._get_subcomponents(module_id, components),
                    not_components=self._get_subcomponents(module_id, not_components),
                    inference_only=inference_only,
                )
        if self._check_component(SHARED_STATE, components, not_components):
            state.update(self._shared_state())
        return state

    def _shared_state(self) -> dict[str, Any]:
        nets = self.shared_nets()
        if not nets:
            return {}
        from rlmigrate.new_stack.state import state_to_numpy

        flat = {
            f"{name}.{key}": tensor
            for name, net in nets.items()
            for key, tensor in net.state_dict().items()
        }
        return {SHARED_STATE: state_to_numpy(flat)}

    def set_state(self, state: Mapping[str, Any]) -> StateReport:
        """Load the states of the modules named in it, and of the shared nets."""
        from rlmigrate.new_stack.state import StateReport, state_to_torch

        report = StateReport()
        for module_id, part in state.items():
            if module_id == SHARED_STATE:
                report += _load_shared(self.shared_nets(), state_to_torch(part))
            elif module_id in self:
                report += (self[module_id].set_state(part) or StateReport()).under(module_id)
            else:
                report += StateReport(unexpected=(module_id,))
        return report

    def get_ctor_args_and_kwargs(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments that build a module like this one."""
        return (), {
            "observation_space": self.observation_space,
            "action_space": self.action_space,
            "inference_only": self.inference_only,
            "learner_only": self.learner_only,
            "model_config": self.model_config,
            "rl_module_specs": self.rl_module_specs,
        }

    def get_checkpointable_components(self) -> list[tuple[str, Any]]:
        """List the modules, each of which gets a directory in a checkpoint."""
        return list(self._rl_modules.items())

    def as_multi_rl_module(self) -> MultiRLModule:
        """Return the module itself."""
        return self


def _load_shared(nets: Mapping[str, Any], state: Mapping[str, Any]) -> StateReport:
    from rlmigrate.new_stack.state import StateReport

    report = StateReport()
    for name, net in nets.items():
        own = {k[len(name) + 1 :]: v for k, v in state.items() if k.startswith(f"{name}.")}
        missing, unexpected = net.load_state_dict(own, strict=False)
        report += StateReport(tuple(missing), tuple(unexpected)).under(f"{SHARED_STATE}/{name}")
    prefixes = tuple(f"{name}." for name in nets)
    unknown = tuple(key for key in state if not key.startswith(prefixes))
    return report + StateReport(unexpected=unknown).under(SHARED_STATE)


def validate_module_id(module_id: object) -> None:
    """Check that a name can be a directory's.

    Raises ValueError otherwise.
    """
    if (
        not isinstance(module_id, str)
        or not module_id
        or re.search(r'[<>:"/\\|?]', module_id)
        or module_id[-1] in " ."
    ):
        raise SpecError(
            f"not a valid module name: {module_id!r}; it must be a string without any of "
            '<>:"/\\|? and must not end in a space or a dot, as it becomes a directory'
        )
