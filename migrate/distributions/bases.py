"""What an action distribution of the old stack stands on, and what that is on the new one.

Base       one old base class
BASES      the known ones, by their old names
base_of    that of a class, asking its model or not
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.policies.problem import NotMovable
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import self_attribute


@dataclass(frozen=True)
class Base:
    """The new base, and how a class on it is made of a net's outputs.

    how: "wraps" makes a distribution of torch, "init" takes `logits` in its constructor, "made"
        is made by from_logits(), "asks" keeps its inputs and its model.
    layer: whether it stands in the layers file.
    given: further parameters of the old constructor, in order, that from_logits() takes, too.
    reads: old attribute to what it is called now, behind the distribution's name.
    apart: methods that gave one number per component and give one per row now.
    inputs: what holds the outputs of the net, "" where nothing does.
    named: how a module names a class on it; `{}` is the class.
    adds: old attribute to the body of a property, for classes that read it.
    """

    new: str
    how: str
    layer: bool = False
    given: tuple[str, ...] = ()
    reads: Mapping[str, str] = field(default_factory=dict)
    apart: frozenset[str] = frozenset()
    inputs: str = ""
    named: str = "{}"
    adds: Mapping[str, str] = field(default_factory=dict)
    samples_shape: bool = True  # its sample() takes `sample_shape`


BASES: Mapping[str, Base] = MappingProxyType(
    {
        "TorchDistributionWrapper": Base("TorchDistribution", "wraps", inputs="inputs"),
        "TorchCategorical": Base("TorchCategorical", "init", inputs="logits"),
        "TorchDiagGaussian": Base("TorchDiagGaussian", "made"),
        "TorchMultiCategorical": Base(
            "TorchMultiCategorical",
            "made",
            given=("input_lens",),
            samples_shape=False,
            adds={"cats": "return [each._dist for each in self._cats]"},
        ),
        "TorchSquashedGaussian": Base(
            "TorchOldSquashedGaussian",
            "made",
            layer=True,
            given=("low", "high"),
            reads={name: name for name in ("low", "high", "_squash", "_unsquash")}
            | {"mean": "_dist.mean", "std": "_dist.stddev"},
        ),
        "TorchBeta": Base(
            "TorchBeta",
            "made",
            layer=True,
            given=("low", "high"),
            reads={name: name for name in ("low", "high", "_squash", "_unsquash")},
            apart=frozenset({"entropy", "kl"}),
        ),
        "TorchDirichlet": Base("TorchDirichlet", "made", layer=True),
        "TorchMultiActionDistribution": Base(
            "MultiActionDistribution",
            "made",
            layer=True,
            reads={name: name for name in ("flat_child_distributions", "action_space_struct")},
            named="{}.for_space(self.action_space)",
            samples_shape=False,
        ),
    }
)
#: A distribution that asks its model while it samples.
ASKING = Base(
    "ModelDistribution",
    "asks",
    layer=True,
    inputs="inputs",
    reads={"last_sample": "last_sample"},
)


def base_of(file: FileEntry, node: ast.ClassDef) -> Base:
    """Find the base of a class; raises NotMovable where there is none that is known."""
    if len(node.bases) != 1:
        raise NotMovable(node, "inherits from more than one class")
    written = dotted(node.bases[0]) or "another class"
    found = file.imports.qualified(node.bases[0]) or ""
    base = BASES.get(found.rpartition(".")[2]) if found.startswith("ray.rllib.") else None
    if base is None:
        raise NotMovable(node, f"builds on {written}, which the new stack does not have")
    if base.how != "wraps" or not asked_of_model(node) or _sets_dist(node):
        return base
    return ASKING


def asked_of_model(node: ast.ClassDef) -> frozenset[str]:
    """Attributes of its model that a class reads, by `self.model.x`."""
    return frozenset(
        each.attr
        for each in nodes_in(node)
        if isinstance(each, ast.Attribute) and self_attribute(each.value) == "model"
    )


def _sets_dist(node: ast.ClassDef) -> bool:
    """Say whether a class makes one distribution of torch."""
    return any(
        self_attribute(target) == "dist"
        for each in nodes_in(node)
        if isinstance(each, ast.Assign)
        for target in each.targets
    )
