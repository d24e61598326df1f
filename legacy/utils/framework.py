"""Import torch and TF if they are there."""

from __future__ import annotations

import os
from typing import Any


def try_import_torch(error: bool = False) -> tuple[Any, Any]:
    """Give (torch, torch.nn), or (None, None) if torch is missing and `error` is False."""
    if os.environ.get("RLLIB_TEST_NO_TORCH_IMPORT"):
        return None, None
    try:
        import torch
        from torch import nn
    except ImportError:
        if error:
            raise
        return None, None
    return torch, nn


def try_import_tf(error: bool = False) -> tuple[Any, Any, int | None]:
    """Give (tf.compat.v1, tf, 2), or (None, None, None) if TF is missing and `error` is False."""
    if os.environ.get("RLLIB_TEST_NO_TF_IMPORT"):
        return None, None, None
    try:
        import tensorflow as tf
    except ImportError:
        if error:
            raise
        return None, None, None
    return tf.compat.v1, tf, 2


def try_import_tfp(error: bool = False) -> Any:
    """Give tensorflow_probability, or None if it is missing and `error` is False."""
    try:
        import tensorflow_probability as tfp  # pyright: ignore[reportMissingImports]
    except ImportError:
        if error:
            raise
        return None
    return tfp
