"""Reading and writing outside of the rules: atomic files, git's state, patches."""
