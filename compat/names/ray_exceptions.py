"""`ray.exceptions` and `ray.tune.error`: what old code catches, and nothing here raises."""

from __future__ import annotations


class RayError(Exception):
    """Base of what a cluster may raise."""


class RayTaskError(RayError):
    """A remote function has failed."""


class RayActorError(RayError):
    """A remote object is gone."""


class WorkerCrashedError(RayError):
    """A process of the cluster has ended."""


class ObjectLostError(RayError):
    """A stored value is gone."""


class GetTimeoutError(RayError, TimeoutError):
    """`ray.get` took too long."""


class OutOfMemoryError(RayError):
    """A process was ended for its memory."""


class TuneError(Exception):
    """An experiment of Tune has failed."""
