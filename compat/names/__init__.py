"""Old `ray.rllib...` import paths, resolved to today's Ray or to rlmigrate.

ray_names         the context manager
UnknownInRay      raised for a name that RLlib had and rlmigrate does not implement
context           installing and taking away the finders
stand_ins         what stands for names that are not implemented
resolver          from a dotted name to the object it means
modules           the module objects and finders
ray_forms         constructor forms of old releases on an installed Ray's classes
gym_face          `gym` for programs that were written before gymnasium
dropped_names     what numpy 2 and Python 3.10 have dropped
ray_core, tune    `ray.init`, `register_env` and the like, as far as models need them
environments      RLlib's environment base classes
ray_exceptions    what old code catches
deprecation       the decorator with which old code marks classes
result_names      constants: keys of results, paths of components
examples          our implementations of example modules that documents link
"""

from __future__ import annotations

from rlmigrate.compat.names.context import ray_names
from rlmigrate.compat.names.stand_ins import UnknownInRay

__all__ = ["UnknownInRay", "ray_names"]
