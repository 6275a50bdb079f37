"""Content keys of (query text, document text) pairs: 128 bits each, computed in arrays."""

import numpy as np
import numpy.typing as npt
import xxhash

from distillir.base.arrays import Rows
from distillir.collections.table import TextTable

# Keys [N, 2]: two 64-bit halves.
Keys = npt.NDArray[np.uint64]
_QUERY_SALT = np.uint64(0x9E3779B97F4A7C15)


def pair_keys(queries: TextTable, query_rows: Rows, documents: TextTable, document_rows: Rows) -> Keys:
    """Keys of aligned pairs: the same two texts have the same key, in whichever collection and under whichever ids.

    Args:
        queries: Table of the query texts.
        query_rows: [N].
        documents: Table of the document texts.
        document_rows: [N].

    Returns:
        [N, 2] uint64.
    """
    return combine(_row_keys(queries, query_rows), _row_keys(documents, document_rows))


def triple_keys(
    queries: TextTable, query_rows: Rows, documents: TextTable, first_rows: Rows, second_rows: Rows
) -> Keys:
    """Keys [N, 2] of aligned (query, first document, second document) texts; the other order has another key."""
    pairs = pair_keys(queries, query_rows, documents, first_rows)
    return combine(pairs, _row_keys(documents, second_rows))


def text_hashes(texts: list[str]) -> Keys:
    """128-bit hashes [len(texts), 2] of texts (XXH3)."""
    digests = b"".join(xxhash.xxh3_128_digest(text.encode("utf-8", "surrogatepass")) for text in texts)
    return np.frombuffer(digests, dtype=np.uint64).reshape(-1, 2)


def combine(queries: Keys, documents: Keys) -> Keys:
    """Keys [N, 2] of pairs, from the hashes of their texts; query and document do not commute."""
    return _mixed(_mixed(queries + _QUERY_SALT) ^ documents)


def _row_keys(table: TextTable, rows: Rows) -> Keys:
    """Text hashes of rows; each distinct row is read once."""
    distinct, places = np.unique(rows, return_inverse=True)
    keys = np.empty((len(distinct), 2), dtype=np.uint64)
    for start in range(0, len(distinct), 16_384):
        keys[start : start + 16_384] = text_hashes(table.texts(distinct[start : start + 16_384]))
    return keys[places.reshape(-1)]


def _mixed(values: Keys) -> Keys:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), a bijection of 64-bit words."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
