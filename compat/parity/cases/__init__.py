"""Inputs for a comparison, made from spaces.

Case       one batch: observations, given actions, states, sequence lengths
edges      the values of a space where implementations part
plan       the cases of a comparison
"""

from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.cases.plan import CaseOptions, plan_cases

__all__ = ["Case", "CaseOptions", "plan_cases"]
