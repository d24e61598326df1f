"""The layers of the old stack's default nets for DQN and SAC, in the order in which TF lists them.

Keras lists the layers of a net by their distance from its end, so that those of a separate value
branch stand between the others.

dqn_layers, sac_layers   names of torch's modules, for the torch twin of a TF model
leaves                   the modules with weights in one part of a net
Misfit                   why that is not possible
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Misfit(Exception):
    """The weights are not those of the default net that the config describes."""


def dqn_layers(model: Any) -> list[str]:
    """Name the layers of DQN's net and heads. Raises Misfit."""
    heads = [*leaves(model, "advantage_module"), *leaves(model, "value_module")]
    return [*_net(model, ""), *heads]


def sac_layers(model: Any) -> list[str]:
    """Name the layers of SAC's nets. Raises Misfit."""
    nets = ("action_model", "q_net", "twin_q_net")
    return [
        layer
        for name in nets
        if getattr(model, name) is not None
        for layer in _net(getattr(model, name), f"{name}.")
    ]


def _net(net: Any, prefix: str) -> list[str]:
    """Name the layers of a default net as Keras lists them: the deepest first."""
    from rlmigrate.legacy.models.complex_input_net import ComplexInputNetwork
    from rlmigrate.legacy.models.fcnet import FullyConnectedNetwork
    from rlmigrate.legacy.models.visionnet import VisionNetwork

    if isinstance(net, ComplexInputNetwork):
        return [prefix + name for name in _complex_net(net)]
    for memory in ("use_lstm", "use_attention"):
        if net.model_config.get(memory):
            raise Misfit(f"the order of a net's layers with {memory} is not known")
    if not isinstance(net, FullyConnectedNetwork | VisionNetwork):
        raise Misfit(f"{type(net).__name__} has no known order of layers")
    vision = isinstance(net, VisionNetwork)
    if vision and net._logits is not None and net.model_config.get("post_fcnet_hiddens"):
        raise Misfit(
            "behind convolutions, TF's net has an activation after the last of post_fcnet_hiddens, "
            "and torch's has none"
        )
    main = [*leaves(net, "_convs" if vision else "_hidden_layers"), *leaves(net, "_logits")]
    value = [*leaves(net, "_value_branch_separate"), *leaves(net, "_value_branch")]
    if net._value_branch_separate is None:
        return [prefix + name for name in (*main, *value)]
    if vision:  # layers without weights, which stand behind them, count too
        main += [""] if net.last_layer_is_flattened else []
        value += [""]
    ranked = sorted(
        (at - len(branch), branch is value, name)
        for branch in (main, value)
        for at, name in enumerate(branch)
    )
    return [prefix + name for *_, name in ranked if name]


def _complex_net(net: Any) -> Iterator[str]:
    """Name the layers of the parts' nets by kind, then those behind them."""
    for kind in ("cnns", "one_hot", "flatten"):
        for position, part in getattr(net, kind).items():
            if kind == "cnns":
                _check_one_pixel(part)
            yield from _net(part, f"{kind}.{position}.")
    yield from _net(net.post_fc_stack, "post_fc_stack.")
    yield from leaves(net, "logits_layer")
    yield from leaves(net, "value_layer")


def _check_one_pixel(net: Any) -> None:
    channels = net.model_config["conv_filters"][-1][0]
    if net.num_outputs != channels:
        raise Misfit(
            f"the convolutions leave {net.num_outputs // channels} pixels, which TF flattens in "
            "another order than torch"
        )


def leaves(net: Any, part: str) -> list[str]:
    """Name the modules with parameters of their own within one of a net's attributes."""
    module = getattr(net, part, None)
    if module is None:
        return []
    return [
        f"{part}.{name}" if name else part
        for name, each in module.named_modules()
        if any(True for _ in each.parameters(recurse=False))
    ]
