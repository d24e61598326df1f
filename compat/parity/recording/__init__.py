"""Numbers of an old model in one file, for environments that can never be one.

format      the .npz file: a JSON manifest and arrays, read without unpickling
recorded    a recording as a Side
emitting    the single-file recorder, needing numpy and the user's own Ray only
"""
