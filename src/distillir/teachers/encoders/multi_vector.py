"""A multi-vector model (late interaction) as teacher: MaxSim of its token vectors."""

import numpy as np

from distillir.base.arrays import Rows, Scores
from distillir.collections import Collection
from distillir.encoding.models import load_multi_vector
from distillir.encoding.token_vectors import encode_tokens
from distillir.retrieval.maxsim import maxsim
from distillir.teachers.encoders.encoder import EncoderTeacher


class MultiVectorTeacher(EncoderTeacher):
    """A MultiVectorEncoder (ColBERT); its token vectors serve late-interaction retrieval too."""

    kind = "multi-vector"
    load = staticmethod(load_multi_vector)

    def pairs(self, collection: Collection, queries: Rows, documents: Rows) -> Scores:
        """See `EncoderTeacher.pairs`."""
        asked = encode_tokens(self.model, collection.queries, queries, kind="query", **self.encoding)
        read = encode_tokens(self.model, collection.corpus, documents, kind="document", **self.encoding)
        flat = np.empty(len(queries), dtype=np.float32)
        # The pairs of a query stand side by side: compared at once.
        edges = np.flatnonzero(np.diff(queries)) + 1
        for places in np.split(np.arange(len(queries)), edges):
            flat[places] = maxsim(asked.of(queries[places[:1]]), read.of(documents[places]))[0]
        return flat
