"""Errors raised by rlmigrate.

    RlmigrateError
    ├── UsageError           arguments or configuration that cannot be acted on
    ├── SourceError          a file that cannot be read, parsed or written
    ├── MissingDependency    an optional library is needed; names the extra to install
    ├── LegacyError          the old stack was asked for something it cannot do
    │   └── UnsupportedSpace     a space that no preprocessor or distribution serves
    ├── ModuleError          an RLModule or spec is built or called wrongly
    │   └── SpecViolation        a batch or an output does not match its declared specs
    ├── WrapError            a legacy class cannot be wrapped as asked
    ├── WeightsError         parameters that do not match; lists all of them
    ├── CheckpointError      a checkpoint that cannot be read or written
    │   └── UnsafeCheckpoint     reading it would run code; says what was refused
    └── ParityError          raised by assert_parity; carries the report

Every message says what, where, expected and actual, and the next step.
"""

from __future__ import annotations


class RlmigrateError(Exception):
    """Base of all errors that rlmigrate raises on purpose."""


class UsageError(RlmigrateError):
    """Arguments or configuration cannot be acted on."""


class SourceError(RlmigrateError):
    """A source file cannot be read, parsed or written."""


class MissingDependency(RlmigrateError, ImportError):
    """An optional library is needed for what was asked."""

    def __init__(self, library: str, *, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs {library}, which is not installed; "
            f'run: pip install "rlmigrate[{extra}]"'
        )
        self.library = library
        self.extra = extra


class LegacyError(RlmigrateError):
    """The old stack was asked for something it cannot do."""


class UnsupportedSpace(LegacyError, NotImplementedError):
    """No preprocessor or action distribution serves this space."""


class ModuleError(RlmigrateError):
    """An RLModule or a spec is built or called wrongly."""


class SpecViolation(ModuleError, ValueError):
    """A batch or an output does not match its declared specs."""


class WrapError(RlmigrateError):
    """A legacy class cannot be wrapped as asked."""


class WeightsError(RlmigrateError, ValueError):
    """Parameters do not match; the message lists all of them."""


class CheckpointError(RlmigrateError):
    """A checkpoint cannot be read or written."""


class UnsafeCheckpoint(CheckpointError):
    """Reading the checkpoint would run code from it."""


class ParityError(RlmigrateError, AssertionError):
    """Two implementations do not compute the same."""
