"""Composition of a recipe: stages with their lists, objectives and settings, ready to be trained."""
