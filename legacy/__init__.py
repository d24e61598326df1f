"""RLlib's old API stack, running without Ray."""
