"""Policy classes of the old stack: what they override, and what becomes of them."""
