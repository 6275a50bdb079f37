"""A search over the few keys of a recipe that matter, on queries that are neither learnt from nor reported."""
