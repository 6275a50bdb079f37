"""Methods: a paper each, as a plan and an objective with its published constants."""
