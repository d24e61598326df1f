"""The recorder that `rlmigrate record --emit` writes, in three parts: cases, model, recording."""
