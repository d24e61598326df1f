"""Layers that derive from Ray's classes; `rlmigrate rewrite` copies them where Ray is the target.

inputs    PolicyInputs: infos, and the action and reward before
views     ViewColumns: the columns that a module's view requirements ask for
learners  Learners of algorithms that only the old stack had, and the columns of its batches
samples   SampleConnector: what policies did to the samples of an episode
advantages  advantages and values that policies computed of them
"""
