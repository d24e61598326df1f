"""Learning steps, weights and state of eager TF policies."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tree

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.batches import SampleBatch, pad_batch_to_sequences_of_same_size
from rlmigrate.legacy.policies.policy import Policy
from rlmigrate.legacy.policies.torch_learning import LEARNER_STATS_KEY, as_list
from rlmigrate.legacy.types import Tensor
from rlmigrate.legacy.utils.numpy import convert_to_numpy

Gradients = list[tuple[Any, Any]]


class Taped:
    """An optimizer's face for `compute_gradients_fn`: gradients come from the tape."""

    def __init__(self, tape: Any) -> None:
        self.tape = tape

    def compute_gradients(self, loss: Tensor, var_list: list[Any]) -> Gradients:
        """Pair the gradients of a loss with their variables."""
        return list(zip(self.tape.gradient(loss, var_list), var_list, strict=True))


class TFLearning(Policy):
    """Compute the loss on padded batches under a tape, and step."""

    _max_seq_len: int
    batch_divisibility_req: int

    # Hooks.

    def get_batch_divisibility_req(self) -> int:
        """Give the number by which batch sizes must be divisible."""
        return 1

    def optimizer(self) -> Any:
        """Make the optimizer, or several: one per loss."""
        return tf.keras.optimizers.Adam(self.config["lr"])

    def stats_fn(self, train_batch: Any) -> dict[str, Any]:
        """Give statistics of a learning step."""
        return {}

    def grad_stats_fn(self, train_batch: Any, grads: Any) -> dict[str, Any]:
        """Give statistics of the gradients."""
        return {}

    def extra_learn_fetches_fn(self) -> dict[str, Any]:
        """Give more outputs of a learning step."""
        return {}

    def compute_gradients_fn(self, optimizer: Any, loss: Any) -> Gradients:
        """Give gradients and variables; `optimizer` has `compute_gradients(loss, variables)`."""
        return optimizer.compute_gradients(loss, self.model.trainable_variables())  # type: ignore[no-any-return]

    def apply_gradients_fn(self, optimizer: Any, grads: Gradients) -> Any:
        """Step along gradients."""
        optimizer.apply_gradients([(g, v) for g, v in grads if g is not None])

    # Steps.

    def _make_optimizers(self) -> None:
        optimizers = as_list(self.optimizer())
        if self.exploration:
            optimizers = self.exploration.get_exploration_optimizer(optimizers)
        self._optimizers = optimizers
        self._optimizer = optimizers[0] if optimizers else None

    def learn_on_batch(self, postprocessed_batch: Any) -> dict[str, Any]:
        """Take one step; gives statistics. Pads the batch in place."""
        custom: dict[str, Any] = {}
        self.callbacks.on_learn_on_batch(
            policy=self, train_batch=postprocessed_batch, result=custom
        )
        grads, stats = self._gradients(postprocessed_batch)
        self._apply(grads)
        self.num_grad_updates += 1
        behind = self.num_grad_updates - 1 - (postprocessed_batch.num_grad_updates or 0)
        return {
            **stats,
            "custom_metrics": custom,
            "num_agent_steps_trained": postprocessed_batch.count,
            "num_grad_updates_lifetime": self.num_grad_updates,
            "diff_num_grad_updates_vs_sampler_policy": behind,
        }

    def compute_gradients(self, postprocessed_batch: Any) -> tuple[list[Any], dict[str, Any]]:
        """Give the gradients of all trainable variables, in their order, and statistics."""
        grads, stats = self._gradients(postprocessed_batch)
        return convert_to_numpy([g for pairs in grads for g, _ in pairs]), stats  # type: ignore[return-value]

    def apply_gradients(self, gradients: Any) -> None:
        """Step along gradients as compute_gradients gave them."""
        if len(self._optimizers) != 1:
            raise LegacyError("apply_gradients: gradients can be given to one optimizer only")
        tensors = [None if g is None else tf.convert_to_tensor(g) for g in gradients]
        self._apply([list(zip(tensors, self.model.trainable_variables(), strict=True))])

    def _gradients(self, batch: Any) -> tuple[list[Gradients], dict[str, Any]]:
        if not hasattr(self, "_optimizers"):
            self._make_optimizers()
        if not batch.zero_padded:
            pad_batch_to_sequences_of_same_size(
                batch,
                max_seq_len=self._max_seq_len,
                batch_divisibility_req=self.batch_divisibility_req,
                view_requirements=self.view_requirements,
            )
        batch = self._lazy_tensor_dict(batch)
        batch.set_training(True)
        with tf.GradientTape(persistent=True) as tape:
            losses = as_list(self.loss(self.model, self.dist_class, batch))
            losses = as_list(self.model.custom_loss(losses, batch))
        grads = [self.compute_gradients_fn(Taped(tape), loss) for loss in losses]
        flat = [g for pairs in grads for g, _ in pairs]
        stats = {
            LEARNER_STATS_KEY: self.stats_fn(batch),
            **self.extra_learn_fetches_fn(),
            **self.grad_stats_fn(batch, flat),
        }
        return grads, convert_to_numpy(stats)  # type: ignore[return-value]

    def _apply(self, grads: list[Gradients]) -> None:
        if len(grads) != len(self._optimizers):
            raise LegacyError(
                f"{type(self).__name__}: there are {len(grads)} losses, but "
                f"{len(self._optimizers)} optimizers; loss() must give one per optimizer"
            )
        for operation in self.model.update_ops():
            if callable(operation):  # a tensor of an operation that forward() made has run there
                operation()
        for optimizer, pairs in zip(self._optimizers, grads, strict=True):
            self.apply_gradients_fn(optimizer, pairs)

    def _lazy_tensor_dict(self, postprocessed_batch: Any) -> SampleBatch:
        """Let a batch turn its columns into tensors when they are read."""
        batch = postprocessed_batch
        if not isinstance(batch, SampleBatch):
            batch = SampleBatch(batch)
        batch.set_get_interceptor(_to_tensors)
        return batch

    # Weights and state.

    def variables(self) -> list[Any]:
        """List the model's variables."""
        return list(self.model.variables())

    def get_weights(self, as_dict: bool = False) -> Any:
        """Give the model's variables as arrays, in their order or by name."""
        if as_dict:
            return convert_to_numpy(self.model.variables(as_dict=True))
        return [variable.numpy() for variable in self.variables()]

    def set_weights(self, weights: Any) -> None:
        """Set the variables that `get_weights` gave.

        Raises LegacyError for another number of arrays.
        """
        variables = self.variables()
        if len(weights) != len(variables):
            raise LegacyError(f"set_weights: {len(weights)} arrays for {len(variables)} variables")
        values = weights.values() if isinstance(weights, dict) else weights
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def get_state(self) -> dict[str, Any]:
        """Give weights, optimizers, exploration, counters, spaces and config."""
        state = super().get_state()
        state["_optimizer_variables"] = [
            [convert_to_numpy(v) for v in _variables_of(optimizer)]
            for optimizer in getattr(self, "_optimizers", [])
        ]
        if self.exploration:
            state["_exploration_state"] = self.exploration.get_state()
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what `get_state` gave; optimizers that have not stepped yet keep their start."""
        saved = state.get("_optimizer_variables") or []
        for optimizer, values in zip(getattr(self, "_optimizers", []), saved, strict=False):
            if hasattr(optimizer, "build"):
                optimizer.build(self.model.trainable_variables())
            for variable, value in zip(_variables_of(optimizer), values, strict=False):
                variable.assign(value)
        if self.exploration and "_exploration_state" in state:
            self.exploration.set_state(state["_exploration_state"])
        self.global_timestep = int(state["global_timestep"])
        super().set_state(state)


def _variables_of(optimizer: Any) -> list[Any]:
    given: Any = optimizer.variables
    variables: Any = given() if callable(given) else given
    return list(variables)


def _to_tensors(value: Any) -> Any:
    def convert(item: Any) -> Any:
        if item is None or tf.is_tensor(item):
            return item
        if hasattr(item, "lengths") and hasattr(item, "max_len"):
            parts = (convert(part) for part in (item.values, item.lengths))
            return type(item)(*parts, item.max_len)
        return tf.convert_to_tensor(item)

    return tree.map_structure(convert, value)
