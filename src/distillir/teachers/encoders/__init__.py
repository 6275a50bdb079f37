"""Teachers that encode query and document apart."""
