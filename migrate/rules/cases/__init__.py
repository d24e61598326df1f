"""Cases of the rules whose code is too long to stand in the rule's own file."""
