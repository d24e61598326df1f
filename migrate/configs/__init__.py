"""Configs: which key is called what today, and how a builder's calls are rewritten."""
