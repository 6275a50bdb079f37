"""What a recipe may say: the base of its parts, the kinds by name, and the code of a user's own that it may name."""

from distillir.specs.allow_code import allow_code, code_allowed
from distillir.specs.part import Part
from distillir.specs.registry import Registry

__all__ = ["Part", "Registry", "allow_code", "code_allowed"]
