"""A sparse model (SPLADE) as teacher: the dot product of its vectors over the vocabulary."""

import numpy as np

from distillir.base.arrays import Rows, Scores
from distillir.collections import Collection
from distillir.encoding.models import load_sparse
from distillir.encoding.sparse_vectors import encode_sparse
from distillir.teachers.encoders.encoder import EncoderTeacher


class SparseTeacher(EncoderTeacher):
    """A SparseEncoder; its vectors serve sparse retrieval too."""

    kind = "sparse"
    load = staticmethod(load_sparse)

    def pairs(self, collection: Collection, queries: Rows, documents: Rows) -> Scores:
        """See `EncoderTeacher.pairs`."""
        left = encode_sparse(self.model, collection.queries, queries, kind="query", **self.encoding)
        right = encode_sparse(self.model, collection.corpus, documents, kind="document", **self.encoding)
        return np.asarray(left.multiply(right).sum(axis=1), dtype=np.float32).reshape(-1)
