"""RLModule: the container of a policy's nets and of the three ways through them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from rlmigrate.new_stack.checking.enforcing import call_checked
from rlmigrate.new_stack.checkpoints.checkpointable import Checkpointable
from rlmigrate.new_stack.era import current_era
from rlmigrate.new_stack.old_forms import accept_old_form

if TYPE_CHECKING:
    import gymnasium as gym

    from rlmigrate.new_stack.multi_rl_module import MultiRLModule

DEFAULT_MODULE_ID: Final = "default_policy"

_NOT_GIVEN: Final = object()


class RLModule(Checkpointable):
    """The base of all modules, of any framework.

    Subclasses override `setup` to make their nets from `self.observation_space`,
    `self.action_space` and `self.model_config`, and `_forward` (or the three `_forward_*`).
    The constructor is not to be overridden.

    Raises RuntimeError if it runs twice, which is what a wrong order of base classes leads to.
    """

    framework: str | None = None
    STATE_FILE_NAME: ClassVar[str] = "module_state"

    observation_space: Any
    action_space: Any
    inference_only: Any
    learner_only: bool
    model_config: Any
    action_dist_cls: Any
    catalog: Any
    config: Any
    _is_stateful: bool | None

    def __init__(
        self,
        config: Any = _NOT_GIVEN,
        *,
        observation_space: gym.Space[Any] | None = None,
        action_space: gym.Space[Any] | None = None,
        inference_only: bool | None = None,
        learner_only: bool = False,
        model_config: Any = None,
        catalog_class: Any = None,
        **kwargs: Any,
    ) -> None:
        from rlmigrate.new_stack.specs import RLModuleConfig

        if config is not _NOT_GIVEN:
            accept_old_form(
                f"{type(self).__name__}(config)",
                until="2.38",
                now="keyword arguments and setup(self)",
                rule="RLM602",
            )
            observation_space = getattr(config, "observation_space", None)
            action_space = getattr(config, "action_space", None)
            inference_only = getattr(config, "inference_only", False)
            learner_only = getattr(config, "learner_only", False)
            model_config = getattr(config, "model_config_dict", {})
            catalog_class = getattr(config, "catalog_class", None)
        catalog: Any = None
        catalog_error: Exception | None = None
        if catalog_class is not None:
            try:
                catalog = catalog_class(
                    observation_space=observation_space,
                    action_space=action_space,
                    model_config_dict=model_config,
                )
            except Exception as error:  # a module that makes its own nets needs no catalog
                catalog_error = error
        if config is _NOT_GIVEN:
            config = RLModuleConfig(
                observation_space=observation_space,
                action_space=action_space,
                inference_only=bool(inference_only),
                learner_only=learner_only,
                model_config_dict=model_config,
                catalog_class=catalog_class,
            )
        settings = {
            "observation_space": observation_space,
            "action_space": action_space,
            "inference_only": inference_only,
            "learner_only": learner_only,
            "model_config": model_config,
            "catalog": catalog,
            "config": config,
            "action_dist_cls": None,
        }
        for name, value in settings.items():
            self._keep(name, value)
        if catalog is not None:
            self._keep("action_dist_cls", catalog.get_action_dist_cls(framework=self.framework))
        self._run_setup(catalog_error)
        self._keep("_is_stateful", None)

    def _keep(self, name: str, value: object) -> None:
        """Set an attribute that is no net."""
        setattr(self, name, value)

    def _run_setup(self, catalog_error: Exception | None) -> None:
        if self.__dict__.get("_is_setup"):
            raise RuntimeError(
                f"the constructor of {type(self).__name__} ran RLModule.setup() twice; put "
                "TorchRLModule before the other base classes and override setup(), not __init__()"
            )
        try:
            self.setup()
        except AttributeError as error:
            # `self.catalog.build_...` on a catalog that could not be made: say why it could not.
            if catalog_error is not None and "'NoneType' object has no attribute" in str(error):
                raise catalog_error from error
            raise
        self._keep("_is_setup", True)

    def setup(self) -> None:
        """Make the nets; called once by the constructor."""

    # Action distributions -------------------------------------------------------------------

    def get_inference_action_dist_cls(self) -> Any:
        """Return the distribution class for the outputs of `forward_inference`."""
        raise NotImplementedError

    def get_exploration_action_dist_cls(self) -> Any:
        """Return the distribution class for the outputs of `forward_exploration`."""
        raise NotImplementedError

    def get_train_action_dist_cls(self) -> Any:
        """Return the distribution class for the outputs of `forward_train`."""
        raise NotImplementedError

    # Forward passes -------------------------------------------------------------------------

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Compute the outputs, in all phases; override this or the three methods below."""
        return {}

    def forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Compute outputs for acting greedily. Override `_forward_inference` instead."""
        if current_era() is not None:
            return call_checked(self, "inference", self._forward_inference, batch, kwargs)
        return self._forward_inference(batch, **kwargs)

    def _forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return self._forward(batch, **kwargs)

    def forward_exploration(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Compute outputs for collecting samples. Override `_forward_exploration` instead."""
        if current_era() is not None:
            return call_checked(self, "exploration", self._forward_exploration, batch, kwargs)
        return self._forward_exploration(batch, **kwargs)

    def _forward_exploration(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return self._forward(batch, **kwargs)

    def forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Compute outputs for a loss. Override `_forward_train` instead.

        Raises RuntimeError on a module built with `inference_only=True`.
        """
        if self.inference_only:
            raise RuntimeError(
                f"forward_train called on a {type(self).__name__} built with inference_only=True; "
                "build it with inference_only=False to train it"
            )
        if current_era() is not None:
            return call_checked(self, "train", self._forward_train, batch, kwargs)
        return self._forward_train(batch, **kwargs)

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return self._forward(batch, **kwargs)

    # Specs, checked in old eras only (see checking/enforcing.py) ----------------------------

    def _default_input_specs(self) -> Any:
        """Return the input specs of all phases."""

    def input_specs_inference(self) -> Any:
        """Return the specs of the batch for `forward_inference`."""

    def input_specs_exploration(self) -> Any:
        """Return the specs of the batch for `forward_exploration`."""

    def input_specs_train(self) -> Any:
        """Return the specs of the batch for `forward_train`."""

    def output_specs_inference(self) -> Any:
        """Return the specs of what `forward_inference` returns."""

    def output_specs_exploration(self) -> Any:
        """Return the specs of what `forward_exploration` returns."""

    def output_specs_train(self) -> Any:
        """Return the specs of what `forward_train` returns."""

    # Recurrent state ------------------------------------------------------------------------

    def get_initial_state(self) -> Any:
        """Return the state before the first step, without a batch dimension; {} for none."""
        return {}

    def is_stateful(self) -> bool:
        """Tell whether the initial state holds anything.

        Raises AssertionError if the initial state is no dict.
        """
        if self._is_stateful is None:
            state = self.get_initial_state()
            if not isinstance(state, dict):
                raise AssertionError(
                    f"{type(self).__name__}.get_initial_state() must return a dict, "
                    f"not {type(state).__name__}"
                )
            self._is_stateful = bool(state)
        return self._is_stateful

    # State and checkpoints ------------------------------------------------------------------

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        inference_only: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Return the parameters, without those that only learning needs if so asked."""
        return {}

    def set_state(self, state: Mapping[str, Any]) -> Any:
        """Take over a state from `get_state`; return what did not match."""

    def get_ctor_args_and_kwargs(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments that build a module like this one."""
        return (), {
            "observation_space": self.observation_space,
            "action_space": self.action_space,
            "inference_only": self.inference_only,
            "learner_only": self.learner_only,
            "model_config": self.model_config,
            "catalog_class": None if self.catalog is None else type(self.catalog),
        }

    # Others ---------------------------------------------------------------------------------

    def as_multi_rl_module(self) -> MultiRLModule:
        """Return a MultiRLModule that holds this very module under `DEFAULT_MODULE_ID`.

        Ray 2.60 builds a second module with other weights there; up to 2.34 it did as we do.
        """
        from rlmigrate.new_stack.multi_rl_module import MultiRLModule

        multi = MultiRLModule(rl_module_specs={})
        this: Any = self
        multi.add_module(DEFAULT_MODULE_ID, this)
        return multi

    def as_multi_agent(self) -> MultiRLModule:
        """Do what `as_multi_rl_module` does, under the name it had up to 2.34."""
        accept_old_form(
            "RLModule.as_multi_agent()", until="2.34", now="as_multi_rl_module()", rule="RLM609"
        )
        return self.as_multi_rl_module()

    def unwrapped(self) -> RLModule:
        """Return the module itself, or the one inside a wrapper."""
        return self
