"""Specs: the base of a recipe's parts, the registry of kinds, and code of a user's own that a recipe may name."""

from distillir.specs.allow_code import allow_code, code_allowed
from distillir.specs.part import Part
from distillir.specs.registry import Registry

__all__ = ["Part", "Registry", "allow_code", "code_allowed"]
