"""Search with a run's students over HTTP: a page to look at, and JSON for prototypes."""
