"""The bridge between the stacks: wrapping, weights, checkpoints, old names, parity."""
