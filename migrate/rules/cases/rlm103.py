"""Cases of the rule."""

from __future__ import annotations

from rlmigrate.migrate.rules.base import Case

UNCHANGED: tuple[Case, ...] = ()
