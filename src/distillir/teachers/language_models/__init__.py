"""Teachers that ask a language model."""
