"""Helpers that code of the old stack imports from `ray.rllib.utils`."""
