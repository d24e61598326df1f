"""Settings of torch.compile for the forward methods of a module."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any


@dataclass
class TorchCompileConfig:
    """What `TorchRLModule.compile` passes to torch.compile."""

    torch_dynamo_backend: str = "aot_eager" if sys.platform == "darwin" else "cudagraphs"
    torch_dynamo_mode: str | None = None
    kwargs: dict[str, Any] = field(default_factory=dict)
