"""Pieces of Ray's own classes that wrapped modules need; importing them imports Ray.

views      ViewColumns: the columns that a model's view requirements ask for
learner    legacy_loss: a Learner that calls custom_loss() and metrics()
"""

from __future__ import annotations
