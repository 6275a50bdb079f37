"""Rows of ``benchmarks/reproduce``: reading them, running one, comparing what it gave, and the page made of them."""
