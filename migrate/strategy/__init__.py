"""Choose what becomes of a model class: native, bridged or manual, with the reason.

ModelPlan     the choice, and what other rules need to point configs at the result
Study         a plan with the reading that it rests on
plan_model    make the choice for a class of the index
study_class   make the choice for a class in a text
"""

from rlmigrate.migrate.strategy.choose import Study, plan_model, study_class
from rlmigrate.migrate.strategy.plan import ModelPlan

__all__ = ["ModelPlan", "Study", "plan_model", "study_class"]
