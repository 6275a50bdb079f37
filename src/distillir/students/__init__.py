"""Students: the models to be trained, thin over sentence-transformers' own."""
