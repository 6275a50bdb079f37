"""``--dry-run``: the work of a run, counted by the stages' own code, and the time of each stage on this machine."""
