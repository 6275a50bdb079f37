"""What a cross-encoder in training is shown, and how it is measured on the way."""
