"""Action distributions of the old stack, written as distributions of the new one."""
