"""A dense model as teacher: the similarity of its vectors."""

import numpy as np

from distillir.base.arrays import Rows, Scores
from distillir.collections import Collection
from distillir.encoding.model_files import similarity_name
from distillir.encoding.models import load_sentence_transformer
from distillir.encoding.vectors import encode_rows
from distillir.teachers.encoders.encoder import EncoderTeacher

_PAIRS_PER_PRODUCT = 65_536


class DenseTeacher(EncoderTeacher):
    """A SentenceTransformer: cosine or dot product, whichever its configuration names.

    Its vectors serve dense retrieval too (see `distillir.encoding.vectors`).
    """

    kind = "dense"
    load = staticmethod(load_sentence_transformer)

    def pairs(self, collection: Collection, queries: Rows, documents: Rows) -> Scores:
        """See `EncoderTeacher.pairs`."""
        distinct_queries, query_places = np.unique(queries, return_inverse=True)
        distinct_documents, document_places = np.unique(documents, return_inverse=True)
        left = encode_rows(self.model, collection.queries, distinct_queries, kind="query", **self.encoding)
        right = encode_rows(self.model, collection.corpus, distinct_documents, kind="document", **self.encoding)
        if similarity_name(self.model) == "cosine":
            left, right = _unit(left), _unit(right)
        flat = np.empty(len(queries), dtype=np.float32)
        for first in range(0, len(flat), _PAIRS_PER_PRODUCT):
            part = slice(first, first + _PAIRS_PER_PRODUCT)
            flat[part] = np.einsum("nd,nd->n", left[query_places[part]], right[document_places[part]])
        return flat


def _unit(vectors: Scores) -> Scores:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.float32(1e-12)), dtype=np.float32)
