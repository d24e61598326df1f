"""What SAC asks of a wrapped model, whether of torch or of TF."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import gymnasium as gym

from rlmigrate.compat.wrap.building import Built
from rlmigrate.compat.wrap.inputs import LegacyInput
from rlmigrate.compat.wrap.observations import ObservationEncoder
from rlmigrate.compat.wrap.stacks import Family, sac_parts
from rlmigrate.errors import ModuleError
from rlmigrate.new_stack.layers.q_settings import SAC_NET

Batch = dict[str, Any]


class SacProtocol:
    """Settings, nets and training outputs of SAC.

    A class of one framework gives `_wrap_target` and the operations on tensors, from
    `_wrap_logits` on.
    """

    legacy_class: ClassVar[type]
    legacy_model: Any
    action_space: gym.Space[Any]
    _wrap_encoder: ObservationEncoder

    if TYPE_CHECKING:  # what wrapped models have

        def _wrap_target(self) -> Any: ...

        def legacy_batch(self, batch: Batch) -> LegacyInput:
            """Return a training batch with flat rows."""
            ...

        def get_train_action_dist_cls(self) -> type:
            """Return the class that turns outputs into actions."""
            ...

    def _wrap_build_sac(
        self,
        build: Callable[..., Built],
        family: Family,
        config: Mapping[str, Any],
        framework: Literal["torch", "tf"],
    ) -> Built:
        """Build the model as the old SAC did, with the distribution class that it chose."""
        space, parts = self.action_space, sac_parts(family, framework)
        if config.get("custom_action_dist") or not isinstance(space, gym.spaces.Box):
            catalog: Any = family.catalog
            distribution, _ = catalog.get_action_dist(space, config, framework=framework)
        elif not config.get("normalize_actions", True):
            distribution = parts.gaussian
        else:
            beta = config.get("_use_beta_distribution")
            distribution = parts.beta if beta else parts.squashed
        given = type(self).legacy_class
        obs_space = self._wrap_encoder.model_space
        # The nets' own configs, which SAC fills, stand on that of the model.
        said = {key: config[key] for key in family.defaults if key in config}
        nets = {**family.defaults, **said, **SAC_NET}
        nets |= {"custom_model": None, "custom_model_config": {}}
        return build(
            parts.model if given.__name__ in ("TorchModelV2", "TFModelV2") else given,
            family=family,
            obs_space=obs_space,
            action_space=space,
            config=config,
            num_outputs=_size(obs_space),
            distribution=distribution,
            policy_model_config={**nets, **config.get("policy_model_config", {})},
            q_model_config={**nets, **config.get("q_model_config", {})},
            twin_q=config.get("twin_q", True),
            initial_alpha=config.get("initial_alpha", 1.0),
            target_entropy=config.get("target_entropy", "auto"),
        )

    @property
    def _wrap_discrete(self) -> bool:
        return isinstance(self.action_space, gym.spaces.Discrete)

    # ---- the nets

    @property
    def pi(self) -> Any:
        """The policy's net."""
        return self.legacy_model.action_model

    @property
    def qf(self) -> Any:
        """The critic."""
        return self.legacy_model.q_net

    @property
    def qf_twin(self) -> Any:
        """The second critic, if there is one."""
        return self.legacy_model.twin_q_net

    def get_target_network_pairs(self) -> list[tuple[Any, Any]]:
        """Return the critics with their targets."""
        target = self._wrap_target()
        pairs = [(self.qf, target.q_net)]
        if self.qf_twin is not None:
            pairs.append((self.qf_twin, target.twin_q_net))
        return pairs

    # ---- Q-values

    def compute_q_values(self, batch: Batch, squeeze: bool = True) -> Any:
        """Return the smaller of the critics' values: float[B], or float[B, n] for Discrete."""
        return self._wrap_smaller(self._wrap_critics(batch, self.legacy_model))

    def forward_target(self, batch: Batch, squeeze: bool = True) -> Any:
        """Return the smaller of the target critics' values."""
        return self._wrap_smaller(self._wrap_critics(batch, self._wrap_target()))

    def _wrap_smaller(self, values: list[Any]) -> Any:
        return values[0] if len(values) == 1 else self._wrap_minimum(values[0], values[1])

    def _wrap_critics(self, batch: Batch, model: Any) -> list[Any]:
        features, _ = model(self.legacy_batch(batch), [], None)
        actions = None if self._wrap_discrete else batch["actions"]
        nets = [model.get_q_values]
        if model.twin_q_net is not None:
            nets.append(model.get_twin_q_values)
        found = []
        for net in nets:
            value = net(features, actions)
            value = value[0] if isinstance(value, tuple) else value
            found.append(value if self._wrap_discrete else self._wrap_squeeze(value))
        return found

    # ---- training

    def _forward_train(self, batch: Batch, **kwargs: Any) -> Batch:
        after = {"obs": batch["new_obs"]}
        logits, logits_after = self._wrap_logits(batch), self._wrap_logits(after)
        values = self._wrap_critics(batch, self.legacy_model)
        outputs: Batch = dict(zip(("qf_preds", "qf_twin_preds"), values, strict=False))
        if self._wrap_discrete:
            now, probabilities = self._wrap_log_softmax(logits)
            then, probabilities_after = self._wrap_log_softmax(logits_after)
            return outputs | {
                "q_target_next": self.forward_target(after),
                "action_probs": probabilities,
                "action_log_probs": now,
                "action_probs_next": probabilities_after,
                "action_log_probs_next": then,
            }
        distribution: Any = self.get_train_action_dist_cls()
        actions, logp = distribution.from_logits(logits).rsample_and_logp()
        actions_after, logp_after = distribution.from_logits(logits_after).sample_and_logp()
        detach = self._wrap_detach
        return outputs | {
            "action_dist_inputs": logits,
            "action_dist_inputs_next": logits_after,
            "logp_resampled": logp,
            "logp_next_resampled": detach(logp_after),
            "q_curr": self._wrap_straight_through({"obs": batch["obs"], "actions": actions}),
            "q_target_next": detach(
                self.forward_target({**after, "actions": detach(actions_after)})
            ),
        }

    # ---- what the class of a framework gives

    def _wrap_logits(self, batch: Batch) -> Any:
        """The policy's distribution inputs."""
        raise NotImplementedError

    def _wrap_squeeze(self, values: Any) -> Any:
        """Drop the last dimension, of one."""
        raise NotImplementedError

    def _wrap_minimum(self, one: Any, other: Any) -> Any:
        """The smaller of each two."""
        raise NotImplementedError

    def _wrap_log_softmax(self, logits: Any) -> tuple[Any, Any]:
        """Logarithms of probabilities, and those."""
        raise NotImplementedError

    def _wrap_detach(self, values: Any) -> Any:
        """The same values, without gradients."""
        raise NotImplementedError

    def _wrap_straight_through(self, batch: Batch) -> Any:
        """Q-values whose gradients reach the actions but not the critics."""
        raise NotImplementedError


def _size(space: gym.Space[Any]) -> int:
    if space.shape is None:
        raise ModuleError(f"SAC's nets need an observation space with a shape, not {space}")
    size = 1
    for length in space.shape:
        size *= length
    return size
