"""The API of modules with target networks, and the two steps of keeping one."""

from __future__ import annotations

import abc
import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

TARGET_NETWORK_ACTION_DIST_INPUTS = "target_network_action_dist_inputs"


class TargetNetworkAPI(abc.ABC):
    """A module that keeps slowly moving copies of some of its nets."""

    @abc.abstractmethod
    def make_target_networks(self) -> None:
        """Create the target networks, which the Learner asks for once."""

    @abc.abstractmethod
    def get_target_network_pairs(self) -> list[tuple[Any, Any]]:
        """List the pairs (main net, target net)."""

    @abc.abstractmethod
    def forward_target(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Run the batch through the target networks."""


def make_target_network(main_net: nn.Module) -> nn.Module:
    """Copy a net with its weights, as one that does not learn.

    Raises ValueError for what is no torch module.
    """
    _check_torch(main_net)
    target = copy.deepcopy(main_net)
    target.requires_grad_(False)
    return target


def update_target_network(*, main_net: nn.Module, target_net: nn.Module, tau: float) -> None:
    """Move a target network towards the main one: `tau * main + (1 - tau) * target`.

    Integer buffers (BatchNorm counts its batches in one) are copied: a mean of them is no count.
    """
    _check_torch(main_net)
    main = main_net.state_dict()
    moved = {
        name: tau * main[name] + (1 - tau) * value if value.is_floating_point() else main[name]
        for name, value in target_net.state_dict().items()
    }
    target_net.load_state_dict(moved)


def _check_torch(net: object) -> None:
    from torch import nn

    if not isinstance(net, nn.Module):
        raise ValueError(
            f"a target network is made from a torch.nn.Module, not from {type(net).__name__}"
        )
