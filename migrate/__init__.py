"""The codemods and the command line: static, no torch, TF, Ray or bridge at import time."""
