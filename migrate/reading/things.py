"""What objects of RLlib an expression can be.

Thing   the kinds that rules tell apart
"""

from __future__ import annotations

from enum import StrEnum


class Thing(StrEnum):
    """What an expression is; `""` stands for anything else."""

    ALGORITHM = "algorithm"
    POLICY = "policy"
    POLICIES = "policy map"
    WORKERS = "workers"
    WORKER = "worker"
    OTHER = ""
