"""Proof that a moved network computes the same numbers.

check_parity    compare a legacy model with its RLModule
assert_parity   the same, raising unless everything passes
record          write inputs, weights and outputs of an old model to one file
compare         compare a recording with an RLModule
ParityReport    what they say
Status          PASS, FAIL, INCOMPLETE, ERROR
"""

from rlmigrate.compat.parity.check import assert_parity, check_parity
from rlmigrate.compat.parity.recording.api import compare, record
from rlmigrate.compat.parity.results import ClassResult, ParityReport, Status

__all__ = [
    "ClassResult",
    "ParityReport",
    "Status",
    "assert_parity",
    "check_parity",
    "compare",
    "record",
]
