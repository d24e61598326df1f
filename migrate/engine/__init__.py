"""The engine: find the files, run the rules, apply their edits to a fixed point, report.

discovery      files that a run looks at
suppression    `# rlmigrate: ignore[...]`
todo           markers above what must be done by hand
selection      findings whose edits do not overlap
importing      imports added and cleaned
rounds         one file, to its fixed point
workers        many files, in processes
run            a whole run
"""
