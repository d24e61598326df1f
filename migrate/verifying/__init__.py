"""What `verify` needs to know of two trees, read without importing them.

targets         which old class belongs to which new one
inference       environments and model configs, from how the repository trains each class
configuration   [tool.rlmigrate.verify]
"""
