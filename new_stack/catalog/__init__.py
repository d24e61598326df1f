"""Catalogs: which nets and distributions a default module gets for its spaces.

catalog  Catalog, the base: encoder and action distribution
ppo, bc, dqn, sac    one per algorithm, with its heads
checks   warnings about settings without effect
"""
