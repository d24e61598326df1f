"""Comments and docstrings of policies without a network stand in the modules."""

from __future__ import annotations

import pytest

BEFORE = '''import numpy as np
from ray.rllib.policy.policy import Policy


class Mine(Policy):
    """Plays what it knows."""

    def __init__(self, observation_space, action_space, config):
        """Read the table.

        Args:
            config: the policy's settings
        """
        # What was seen lately.
        super().__init__(observation_space, action_space, config)
        self.seen = []
        # One entry an action.
        self.table = np.zeros(action_space.n)

    def compute_actions(self, obs_batch, state_batches=None, explore=None, **kwargs):
        """Take the best of the table.

        Ties go to the first.

        Hands state_batches on as they are.

        Returns:
            actions, state_outs, info
        """
        # obs_batch = obs_batch[:, 1:]
        self.seen.append(len(obs_batch))

        # All rows get the same.
        best = self.table.argmax()
        return np.array([best] * len(obs_batch)), [], {}
'''
SETUP = '''
    def setup(self):
        """Read the table."""
        # What was seen lately.
        self.seen = []
        # One entry an action.
        self.table = np.zeros(self.action_space.n)
'''
FORWARD = '''
    def _forward(self, batch, **kwargs):
        """Take the best of the table.

        Ties go to the first.
        """
        obs_batch = old_observations(batch[Columns.OBS], self.observation_space)
        # obs_batch = obs_batch[:, 1:]
        self.seen.append(len(obs_batch))

        # All rows get the same.
        best = self.table.argmax()
        return acted(np.array([best] * len(obs_batch)))
'''


def test_what_is_still_true_is_carried(migrate) -> None:
    text = migrate(BEFORE).text()
    assert 'class Mine(RLModule):\n    """Plays what it knows."""\n' in text
    assert SETUP in text
    assert FORWARD in text


def test_a_comment_on_the_base_constructor_goes_with_it(migrate) -> None:
    text = migrate(BEFORE.replace("# What was seen lately.", "# Call the parent.")).text()
    assert "parent" not in text


@pytest.mark.parametrize("docstring", ['"""Returns:\n            actions."""', r'"""A \n b."""'])
def test_a_docstring_of_which_nothing_is_certain_is_left_out(migrate, docstring) -> None:
    start, end = BEFORE.index('"""Take'), BEFORE.index("        # obs_batch")
    text = migrate(f"{BEFORE[:start]}{docstring}\n{BEFORE[end:]}").text()
    assert "def _forward(self, batch, **kwargs):\n        obs_batch =" in text
