"""The TF distribution class that serves an action space."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import tree

from rlmigrate.errors import UnsupportedSpace
from rlmigrate.new_stack.distributions.for_space import check_box, space_struct
from rlmigrate.new_stack.tf.distributions.categorical import TfCategorical
from rlmigrate.new_stack.tf.distributions.diag_gaussian import TfDiagGaussian
from rlmigrate.new_stack.tf.distributions.multi import TfMultiDistribution
from rlmigrate.new_stack.tf.distributions.multi_categorical import TfMultiCategorical


def dist_cls_for(space: gym.Space[Any]) -> Any:
    """Return the class that RLlib's catalog picked for a space with framework "tf2".

    Raises ValueError for an integer Box and UnsupportedSpace (a NotImplementedError) for spaces
    without a distribution.
    """
    if isinstance(space, gym.spaces.Box):
        check_box(space, "rlmigrate.new_stack.tf.distributions")
        return TfDiagGaussian
    if isinstance(space, gym.spaces.Discrete):
        return TfCategorical
    if isinstance(space, gym.spaces.MultiDiscrete):
        return TfMultiCategorical.get_partial_dist_cls(
            space=space, input_lens=[int(n) for n in space.nvec]
        )
    if isinstance(space, gym.spaces.Tuple | gym.spaces.Dict):
        spaces = space_struct(space)
        classes = tree.map_structure(dist_cls_for, spaces)
        pairs = zip(tree.flatten(classes), tree.flatten(spaces), strict=True)
        lens = [int(cls.required_input_dim(part)) for cls, part in pairs]
        return TfMultiDistribution.get_partial_dist_cls(
            space=space, child_distribution_cls_struct=classes, input_lens=lens
        )
    raise UnsupportedSpace(
        f"no TF action distribution for the space {space}; set self.action_dist_cls in setup()"
    )
