"""Layers and helpers for models of TensorFlow, which their modules import as a whole."""
