"""Collections: sources of texts and judgements, and the memory-mapped form that everything else reads."""

from distillir.collections.candidate_lists import read_top1000, read_triples
from distillir.collections.collection import Collection, Qrels
from distillir.collections.export import write_beir, write_msmarco, write_qrels_trec
from distillir.collections.load import load_collection
from distillir.collections.table import TextTable

__all__ = [
    "Collection",
    "Qrels",
    "TextTable",
    "load_collection",
    "read_top1000",
    "read_triples",
    "write_beir",
    "write_msmarco",
    "write_qrels_trec",
]
