"""Verify pairs of classes: one by one, several at a time, on a cluster, or where a run stopped.

Task             one pair, with all that is known of it
VerifyOptions    what holds for all pairs
verify_tasks     run them; one report
"""

from rlmigrate.compat.parity.verifying.run import verify_tasks
from rlmigrate.compat.parity.verifying.tasks import Task, VerifyOptions, lines_to_add

__all__ = ["Task", "VerifyOptions", "lines_to_add", "verify_tasks"]
