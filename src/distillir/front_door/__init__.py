"""The front door: what ``import distillir`` gives, a file a function. The work is done by the rooms behind."""
