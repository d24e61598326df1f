"""The methods that make a TfRLModule of a legacy TF model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import tensorflow as tf

from rlmigrate.compat.wrap.building import Built, build_tf_model
from rlmigrate.compat.wrap.observations import ObservationEncoder
from rlmigrate.compat.wrap.stacks import Family, family_of
from rlmigrate.compat.wrap.tf.distributions import tf_action_distribution
from rlmigrate.compat.wrap.tf.inputs import TfStateLayout, encode, tf_input
from rlmigrate.errors import ModuleError

if TYPE_CHECKING:
    import gymnasium as gym

Batch = dict[str, Any]
Tensor: TypeAlias = Any
_TARGET_PREFIX = "target_legacy_model."


class WrappedTfModel:
    """Run a legacy TF model as a TfRLModule, eagerly.

    Takes raw observations and preprocesses them as the old stack did. `_forward_train` returns
    the values it computed as EMBEDDINGS, so that `compute_values` needs no second pass. The
    state holds the model's variables under `legacy_prefix`.
    """

    legacy_class: ClassVar[type]
    legacy_prefix: ClassVar[str] = "legacy_model."
    legacy_model_config: ClassVar[Mapping[str, Any]] = {}
    legacy_config: ClassVar[Any] = None

    observation_space: gym.Space[Any]
    action_space: gym.Space[Any]
    model_config: Any
    inference_only: bool
    action_dist_cls: type | None
    legacy_model: Any

    def setup(self) -> None:
        """Build the legacy model from the spaces and the model config."""
        given = self.model_config or {}
        given = dict(given if isinstance(given, Mapping) else vars(given))
        config = {**type(self).legacy_model_config, **given}
        family = self._wrap_family
        self.model_config = {"max_seq_len": family.defaults["max_seq_len"], **config}
        # Past Keras, which would track and replace what it is given.
        parts = self.__dict__
        parts["_wrap_encoder"] = ObservationEncoder(
            self.observation_space, family, enabled=not config.get("_disable_preprocessor_api")
        )
        built = self._wrap_build(config)
        parts["legacy_model"] = model = built.model
        parts["_wrap_states"] = TfStateLayout(model)
        base: Any = family.modelv2
        parts["_wrap_has_values"] = type(model).value_function is not base.value_function
        parts["_wrap_distribution"] = tf_action_distribution(
            built.distribution, model=model, action_space=self.action_space
        )

    def _wrap_build(self, config: dict[str, Any]) -> Built:
        model_class = type(self).legacy_class
        return build_tf_model(
            None if model_class.__name__ == "TFModelV2" else model_class,
            family=self._wrap_family,
            obs_space=self.__dict__["_wrap_encoder"].model_space,
            action_space=self.action_space,
            config=config,
        )

    @property
    def _wrap_family(self) -> Family:
        return family_of(type(self).legacy_class)

    # ---- forward passes

    def _forward(self, batch: Batch, **kwargs: Any) -> Batch:
        return self._wrap_run(batch, training=False)[0]

    def _forward_train(self, batch: Batch, **kwargs: Any) -> Batch:
        outputs, lead = self._wrap_run(batch, training=True)
        if self.__dict__["_wrap_has_values"]:
            outputs["embeddings"] = self._wrap_values(lead)
        return outputs

    def _wrap_run(
        self, batch: Batch, *, training: bool, model: Any = None
    ) -> tuple[Batch, tuple[int, ...]]:
        model, states = model or self.legacy_model, self.__dict__["_wrap_states"]
        rows, lead = encode(self.__dict__["_wrap_encoder"], batch["obs"])
        inputs = tf_input(batch, rows, lead, training)
        if not states:
            logits, _ = self._wrap_call(model, inputs, [], None)
            return {"action_dist_inputs": tf.reshape(logits, (*lead, logits.shape[-1]))}, lead
        before = states.to_list(batch.get("state_in"))
        seq_lens = batch.get("seq_lens")
        if seq_lens is None:
            seq_lens = tf.fill([lead[0]], lead[1] if len(lead) == 2 else 1)
        seq_lens = tf.convert_to_tensor(seq_lens)
        inputs["seq_lens"] = seq_lens
        logits, after = self._wrap_call(model, inputs, before, seq_lens)
        outputs = {
            "action_dist_inputs": tf.reshape(logits, (*lead, logits.shape[-1])),
            "state_out": states.to_dict(before, after),
        }
        return outputs, lead

    def _wrap_call(
        self, model: Any, inputs: Any, states: list[Tensor], seq_lens: Tensor
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """Return distribution inputs and new states."""
        logits, after = model(inputs, states, seq_lens)
        return logits, after

    def legacy_batch(self, batch: Batch) -> Any:
        """Return a training batch as the old stack's losses saw it, with flat rows."""
        rows, lead = encode(self.__dict__["_wrap_encoder"], batch["obs"])
        return tf_input(batch, rows, lead, True)

    def compute_values(self, batch: Batch, embeddings: Any = None) -> Tensor:
        """Return state values: float[B] or float[B, T].

        `embeddings` are those of `forward_train` on the same batch; without them the model runs
        once more. Raises ModuleError if the model has no value function.
        """
        if embeddings is not None:
            return embeddings
        if self.inference_only:
            raise ModuleError(
                "compute_values on a module built with inference_only=True; build it with "
                "RLModuleSpec(inference_only=False)"
            )
        if not self.__dict__["_wrap_has_values"]:
            raise ModuleError(
                f"{type(self).legacy_class.__qualname__} does not override value_function()"
            )
        return self._wrap_values(self._wrap_run(batch, training=False)[1])

    def _wrap_values(self, lead: tuple[int, ...]) -> Tensor:
        return tf.reshape(self.legacy_model.value_function(), lead)

    # ---- target networks

    def make_target_networks(self) -> None:
        """Build the model again as a target, with the weights that it has now."""
        twin = self._wrap_build(dict(self.model_config)).model
        for mine, theirs in zip(twin.variables(), self.legacy_model.variables(), strict=True):
            mine.assign(theirs)
        self.__dict__["target_legacy_model"] = twin

    def get_target_network_pairs(self) -> list[tuple[Any, Any]]:
        """Return (model, target)."""
        return [(self.legacy_model, self._wrap_target())]

    def _wrap_target(self) -> Any:
        """Return the target; raise ModuleError before `make_target_networks`."""
        target = self.__dict__.get("target_legacy_model")
        if target is None:
            raise ModuleError("there is no target network yet; call make_target_networks()")
        return target

    # ---- what RLlib asks of a module

    def get_initial_state(self) -> dict[str, Tensor]:
        """Return the states before the first step by name, without batch dimension."""
        states: dict[str, Tensor] = self.__dict__["_wrap_states"].initial()
        return states

    def get_inference_action_dist_cls(self) -> type:
        """Return the class that turns the module's outputs into actions."""
        found: type = self.action_dist_cls or self.__dict__["_wrap_distribution"]
        return found

    def get_non_inference_attributes(self) -> list[str]:
        """Name nothing: Keras models come in one piece."""
        return []

    def named_variables(self) -> dict[str, Tensor]:
        """Return the variables of the model, and of its target, by name."""
        named = _named(self.legacy_model, self.legacy_prefix)
        target = self.__dict__.get("target_legacy_model")
        return named if target is None else named | _named(target, _TARGET_PREFIX)

    @property
    def trainable_variables(self) -> list[Tensor]:
        """The variables that a loss changes."""
        model = self.__dict__.get("legacy_model")
        return [] if model is None else list(model.trainable_variables())

    @property
    def weights(self) -> list[Tensor]:
        """All variables of the model."""
        model = self.__dict__.get("legacy_model")
        return [] if model is None else list(model.variables())

    variables = weights

    # ---- copies: a twin is built and given the weights, for Keras models do not copy reliably

    def __reduce__(self) -> tuple[Any, ...]:
        this: Any = self
        return _rebuild, (type(self), this.get_ctor_args_and_kwargs()[1], this.get_state())

    def __deepcopy__(self, memo: dict[int, Any]) -> WrappedTfModel:
        this: Any = self
        twin = _rebuild(type(self), this.get_ctor_args_and_kwargs()[1], this.get_state())
        memo[id(self)] = twin
        return twin


def _named(model: Any, prefix: str) -> dict[str, Tensor]:
    found = model.variables(as_dict=True)
    return {prefix + name.removesuffix(":0"): variable for name, variable in found.items()}


def _rebuild(cls: type, arguments: dict[str, Any], state: Mapping[str, Any]) -> WrappedTfModel:
    made: Any = cls(**arguments)
    if any(name.startswith(_TARGET_PREFIX) for name in state):
        made.make_target_networks()
    made.set_state(state)
    twin: WrappedTfModel = made
    return twin
