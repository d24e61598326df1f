"""The rules, one file each; `registry` finds them by scanning this folder."""
