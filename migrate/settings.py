"""What the user asked the codemods to do.

Settings   select, ignore, exclude, target, Ray version, layers and jobs
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Options of one run; empty `select` means every rule."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    target: str = "ray"
    ray_version: str = "2.60"
    layers: str = "file"
    jobs: int = 1
