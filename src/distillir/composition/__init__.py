"""What a recipe stands for: stages with their lists, objectives and settings, ready to be trained."""
