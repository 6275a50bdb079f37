"""Collections: where texts and judgements come from, and the memory-mapped form everything else reads."""

from distillir.collections.collection import Collection, Qrels
from distillir.collections.load import load_collection
from distillir.collections.table import TextTable

__all__ = ["Collection", "Qrels", "TextTable", "load_collection"]
