"""Cases of RLM103; what it finds gets a marker, no rewrite."""

from __future__ import annotations

from rlmigrate.migrate.rules.base import Case
from rlmigrate.migrate.rules.cases.rlm101 import LOOK_ALIKE, NEW_STACK, TEXTBOOK_BEFORE

UNCHANGED: tuple[Case, ...] = (
    Case("a module of the new stack", NEW_STACK),
    Case("a class that is only called TorchModelV2", LOOK_ALIKE),
    Case("a torch model, which other rules take", TEXTBOOK_BEFORE),
)
