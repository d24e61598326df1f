"""Names for the loosely typed things of the old stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

# A torch or TF tensor, or a numpy array: the old stack's protocols do not say which.
Tensor: TypeAlias = Any
# A tensor, or dicts, tuples and `RepeatedValues` of them.
TensorStruct: TypeAlias = Any
# An observation or action as an environment gives or takes it.
Element: TypeAlias = Any
# `config["model"]`, see `rlmigrate.legacy.catalog.MODEL_DEFAULTS`.
ModelConfig: TypeAlias = dict[str, Any]
# What a model reads: a SampleBatch or a plain dict.
InputDict: TypeAlias = Mapping[str, Any]
