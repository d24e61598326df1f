"""Choose what becomes of a model class: native, bridged or manual, with the reason.

ModelPlan    the choice, and what other rules need to point configs at the result
plan_model   make the choice
"""

from rlmigrate.migrate.strategy.choose import plan_model
from rlmigrate.migrate.strategy.plan import ModelPlan

__all__ = ["ModelPlan", "plan_model"]
