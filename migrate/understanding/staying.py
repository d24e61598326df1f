"""Attributes that forward sets and that stay attributes, for others to look at.

read_staying   find those that other code or a method of its own looks at afterwards
"""

from __future__ import annotations

from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.understanding.counters import ENTRIES, mentions, reached
from rlmigrate.migrate.understanding.forward import Forward
from rlmigrate.migrate.understanding.scope import Scope


def read_staying(scope: Scope, index: RepoIndex, forward: Forward) -> None:
    """Let forward go on setting attributes that are looked at afterwards.

    What values need of them they get from the embeddings, as of any other; where other code sets
    such an attribute, values could differ, and it stays a problem.
    """
    if scope.kin or scope.q_model or scope.net_base or scope.framework == "tf":
        return
    busy = reached(scope)
    handed = {attribute for each in forward.helpers.values() for attribute in each}
    for attribute in forward.stored:
        if attribute in handed or attribute in index.set_outside:
            continue
        readers = {
            name
            for name, method in scope.methods.items()
            if name not in {"__init__", *ENTRIES} and mentions(method, attribute)
        }
        if readers & busy:
            continue
        if readers or attribute in index.outside:
            scope.staying.add(attribute)
            forward.stored[attribute] = f"self.{attribute}"
