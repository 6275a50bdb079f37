"""Training of cross-encoders: their training examples, and the measures on the way."""
