"""What RLlib's workers and exporters ask of a policy, and models and losses never do.

PolicyFromOutside   the base of Policy with these methods
"""

from __future__ import annotations

from typing import Any, NoReturn

from rlmigrate.errors import LegacyError


class PolicyFromOutside:
    """Methods that a subclass may override; of what needs Ray it says so."""

    def load_batch_into_buffer(self, batch: Any, buffer_index: int = 0) -> int:
        """Keep a batch for several learning steps; gives its number of steps."""
        raise NotImplementedError(f"{type(self).__name__} has no load_batch_into_buffer()")

    def get_num_samples_loaded_into_buffer(self, buffer_index: int = 0) -> int:
        """Count the steps that are kept."""
        raise NotImplementedError(
            f"{type(self).__name__} has no get_num_samples_loaded_into_buffer()"
        )

    def learn_on_loaded_batch(self, offset: int = 0, buffer_index: int = 0) -> dict[str, Any]:
        """Take one step on what is kept."""
        raise NotImplementedError(f"{type(self).__name__} has no learn_on_loaded_batch()")

    def learn_on_batch_from_replay_buffer(self, replay_actor: Any, policy_id: str) -> NoReturn:
        """Raise LegacyError: a buffer on a cluster needs Ray."""
        raise LegacyError(
            f"{type(self).__name__}.learn_on_batch_from_replay_buffer() reads from an actor of "
            "Ray; sample a batch and call learn_on_batch()"
        )

    def export_checkpoint(self, export_dir: str, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise LegacyError: checkpoints are written in the new stack's form."""
        raise LegacyError(
            f"{type(self).__name__}.export_checkpoint({export_dir!r}): old checkpoints are read, "
            "not written; keep get_state(), or wrap the policy with rlmigrate.wrap_policy and "
            "call save_to_path()"
        )

    def export_model(self, export_dir: str, onnx: int | None = None) -> None:
        """Write the model to a folder; to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} has no export_model()")

    def import_model_from_h5(self, import_file: str) -> Any:
        """Let the model read a file of weights."""
        return self.model.import_from_h5(import_file)  # type: ignore[attr-defined]

    def reset_connectors(self, env_id: str) -> None:
        """Do nothing: there are no connectors."""

    def restore_connectors(self, state: dict[str, Any]) -> None:
        """Do nothing: there are no connectors."""

    def get_connector_metrics(self) -> dict[str, Any]:
        """Give the timings of connectors, of which there are none."""
        return {}

    def maybe_remove_time_dimension(self, input_dict: dict[str, Any]) -> dict[str, Any]:
        """Take a time axis away that only recurrent modules have; to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} has no maybe_remove_time_dimension()")
