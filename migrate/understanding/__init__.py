"""Understand a model class: what its constructor takes, what forward reads, what values need.

ModelFacts    what is believed of one class; printable with `render`
Mark          one place in the source that the new stack says otherwise
Reading       facts and marks of one class
read_model    read one class
render        facts as text
"""

from rlmigrate.migrate.understanding.facts import Mark, ModelFacts, Problem, Reading, Stash
from rlmigrate.migrate.understanding.printing import render
from rlmigrate.migrate.understanding.read import read_model

__all__ = ["Mark", "ModelFacts", "Problem", "Reading", "Stash", "read_model", "render"]
