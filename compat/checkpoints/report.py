"""What a conversion did.

PolicyConversion    one policy
ConversionReport    all of them
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rlmigrate.compat.weights import TransferReport


@dataclass(frozen=True)
class PolicyConversion:
    """What became of one policy.

    status: converted to a module, only its state written, or failed.
    """

    policy_id: str
    status: Literal["converted", "state only", "failed"]
    path: str
    module_class: str = ""
    transfer: TransferReport | None = None
    filter_path: str = ""
    optimizer_path: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ConversionReport:
    """What became of a checkpoint."""

    source: str
    target: str
    kind: Literal["policy", "algorithm"]
    ray_version: str
    policies: tuple[PolicyConversion, ...]

    @property
    def ok(self) -> bool:
        """Whether every policy became a module."""
        return all(policy.status == "converted" for policy in self.policies)

    def to_json(self) -> str:
        """Return the report as JSON."""
        data: dict[str, Any] = {"version": 1, **asdict(self)}
        for entry, policy in zip(data["policies"], self.policies, strict=True):
            if policy.transfer is not None:
                entry["matched"], entry["total"] = policy.transfer.matched, policy.transfer.total
                entry["mapping"] = dict(policy.transfer.mapping)
            del entry["transfer"]
        return json.dumps(data, indent=2)

    def save(self, path: str | Path) -> None:
        """Write the report as JSON."""
        Path(path).write_text(self.to_json() + "\n", encoding="utf-8")
