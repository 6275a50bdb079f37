"""Layers as a signal (LEAD): what a recipe asks for, scores of a teacher's layers on disk, which layers are paired."""
