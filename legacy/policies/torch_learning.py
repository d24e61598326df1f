"""Learning steps of torch policies."""

from __future__ import annotations

from typing import Any

import torch
import tree

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.batches import SampleBatch, pad_batch_to_sequences_of_same_size
from rlmigrate.legacy.policies.policy import Policy

LEARNER_STATS_KEY = "learner_stats"
# Gradients that are where the optimizers look for them already.
_IN_PLACE = object()


def as_list(value: Any) -> list[Any]:
    """Wrap a single thing into a list; tuples become lists."""
    return list(value) if isinstance(value, list | tuple) else [value]


class TorchLearning(Policy):
    """Compute the loss on padded batches, clip, step."""

    device: Any
    devices: list[Any]
    model_gpu_towers: list[Any]

    def _setup_learning(self, max_seq_len: int) -> None:
        self._optimizers = as_list(self.optimizer())
        self._loss: Any = None
        index = {parameter: i for i, parameter in enumerate(self.model.parameters())}
        self.multi_gpu_param_groups = [
            {index[p] for group in optimizer.param_groups for p in group["params"]}
            for optimizer in self._optimizers
        ]
        self._loaded_batches: list[list[SampleBatch]] = [[]]
        self.distributed_world_size: int | None = None
        self.batch_divisibility_req = self._batch_divisibility()
        self.max_seq_len = max_seq_len
        # For models without `tower_stats` of their own.
        self.tower_stats: dict[Any, dict[str, Any]] = {}
        if not hasattr(self.model, "tower_stats"):
            self.tower_stats[self.model] = {}

    # Hooks.

    def optimizer(self) -> Any:
        """Make the optimizer, or several: one per loss."""
        optimizers = [torch.optim.Adam(self.model.parameters(), lr=self.config["lr"])]
        if self.exploration:
            return self.exploration.get_exploration_optimizer(optimizers)
        return optimizers

    def _batch_divisibility(self) -> int:
        return 1

    def _losses(self, model: Any, train_batch: SampleBatch) -> Any:
        """Call the policy's loss."""
        return self.loss(model, self.dist_class, train_batch)

    def extra_grad_process(self, optimizer: Any, loss: Any) -> dict[str, Any]:
        """Change gradients before the step; gives statistics."""
        return {}

    def extra_compute_grad_fetches(self) -> dict[str, Any]:
        """Give more statistics of compute_gradients."""
        return {LEARNER_STATS_KEY: {}}

    def _stats(self, train_batch: SampleBatch) -> dict[str, Any]:
        return {}

    # Steps.

    def learn_on_batch(self, postprocessed_batch: Any) -> dict[str, Any]:
        """Take one step; gives statistics. Pads the batch in place."""
        self.model.train()
        custom: dict[str, Any] = {}
        self.callbacks.on_learn_on_batch(
            policy=self, train_batch=postprocessed_batch, result=custom
        )
        _, fetches = self.compute_gradients(postprocessed_batch)
        self.apply_gradients(_IN_PLACE)
        self.num_grad_updates += 1
        behind = self.num_grad_updates - 1 - (postprocessed_batch.num_grad_updates or 0)
        return {
            **fetches,
            "model": self.model.metrics() if hasattr(self.model, "metrics") else {},
            "custom_metrics": custom,
            "num_agent_steps_trained": postprocessed_batch.count,
            "num_grad_updates_lifetime": self.num_grad_updates,
            "diff_num_grad_updates_vs_sampler_policy": behind,
        }

    def compute_gradients(self, postprocessed_batch: Any) -> tuple[list[Any], dict[str, Any]]:
        """Give the gradients of all parameters, in their order, and statistics."""
        batch = self._padded(postprocessed_batch)
        batch.set_training(True)
        grads, info = self._gradients(batch)
        info.update(self._stats(batch))
        return grads, {**self.extra_compute_grad_fetches(), LEARNER_STATS_KEY: info}

    def _gradients(self, batch: SampleBatch) -> tuple[list[Any], dict[str, Any]]:
        losses = as_list(self._losses(self.model, batch))
        if hasattr(self.model, "custom_loss"):
            losses = as_list(self.model.custom_loss(losses, batch))
        if len(losses) != len(self._optimizers):
            raise LegacyError(
                f"{type(self).__name__}: there are {len(losses)} losses, but "
                f"{len(self._optimizers)} optimizers; loss() must give one per optimizer"
            )
        parameters = list(self.model.parameters())
        grads: list[Any] = [None] * len(parameters)
        info: dict[str, Any] = {"allreduce_latency": 0.0}
        steps = zip(self._optimizers, losses, self.multi_gpu_param_groups, strict=True)
        for optimizer, loss, indices in steps:
            for i in indices:
                grad = parameters[i].grad
                if grad is not None:
                    grad.zero_()
            loss.backward(retain_graph=True)
            info.update(self.extra_grad_process(optimizer, loss))
            for i in indices:
                grads[i] = parameters[i].grad
        return grads, info

    def apply_gradients(self, gradients: Any) -> None:
        """Step along gradients as compute_gradients gave them."""
        if gradients is not _IN_PLACE:
            if len(self._optimizers) != 1:
                raise LegacyError("apply_gradients: gradients can be given to one optimizer only")
            for grad, parameter in zip(gradients, self.model.parameters(), strict=True):
                if grad is not None:
                    parameter.grad = torch.as_tensor(grad).to(self.device)
        for optimizer in self._optimizers:
            optimizer.step()

    def _padded(self, batch: Any) -> SampleBatch:
        if not batch.zero_padded:
            pad_batch_to_sequences_of_same_size(
                batch,
                max_seq_len=self.max_seq_len,
                batch_divisibility_req=self.batch_divisibility_req,
                view_requirements=self.view_requirements,
            )
        return self._lazy_tensor_dict(batch)

    def _lazy_tensor_dict(self, postprocessed_batch: Any, device: Any = None) -> SampleBatch:
        raise NotImplementedError

    def load_batch_into_buffer(self, batch: SampleBatch, buffer_index: int = 0) -> int:
        """Keep a batch for learn_on_loaded_batch; gives its number of rows."""
        batch.set_training(True)
        self._loaded_batches[0] = [self._padded(batch)]
        return len(batch)

    def get_num_samples_loaded_into_buffer(self, buffer_index: int = 0) -> int:
        """Count the rows of the batch that is kept."""
        return sum(len(batch) for batch in self._loaded_batches[0])

    def learn_on_loaded_batch(self, offset: int = 0, buffer_index: int = 0) -> dict[str, Any]:
        """Take one step on a minibatch of the batch that is kept."""
        if not self._loaded_batches[0]:
            raise LegacyError("learn_on_loaded_batch: call load_batch_into_buffer first")
        batch = self._loaded_batches[0][0]
        config = self.config
        size = config.get("minibatch_size") or config.get("sgd_minibatch_size")
        size = config["train_batch_size"] if size in (None, -1) else size
        return self.learn_on_batch(batch if size >= len(batch) else batch[offset : offset + size])

    def get_tower_stats(self, stats_name: str) -> list[Any]:
        """Give what the loss left under a name in the model's `tower_stats`, in a list."""
        stats = self.tower_stats.get(self.model) if self.tower_stats else self.model.tower_stats
        if not stats or stats_name not in stats:
            raise LegacyError(
                f"{stats_name!r} is not in the model's tower_stats; the loss must set it first"
            )
        return [tree.map_structure(lambda value: value.to(self.device), stats[stats_name])]
