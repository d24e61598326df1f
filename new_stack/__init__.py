"""RLlib's RLModule stack, running without Ray."""
