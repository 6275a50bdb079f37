"""Identity of texts: a normal form in which texts are compared, and a key for each text, to find copies."""

import unicodedata

import numpy as np
import xxhash

from distillir.base.arrays import Rows
from distillir.base.files import atomic_file, cache_root
from distillir.base.progress import progress
from distillir.collections.table import TextTable

FORM = 1  # of the keys in the cache: raise it when `normalised` changes
#: What is not seen: soft hyphen, zero width space, word joiner, byte order mark.
_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))


def normalised(text: str) -> str:
    """The form in which texts are compared: two texts with equal ones are the same text.

    Unicode's compatibility form (NFKC) with case folded, runs of white space as one space, none at the ends. So
    composed and decomposed letters, full-width forms, ligatures, capitals, line breaks and characters that are not seen
    make no difference; marks, punctuation and the order of words do.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_UNSEEN))
        return " ".join(unicodedata.normalize("NFKC", text.casefold()).split())
    return " ".join(text.lower().split())


def text_key(text: str) -> int:
    """A 64-bit key (signed) of `normalised`: two of 8.8 million different texts share one in 2 of a million cases."""
    value = xxhash.xxh3_64_intdigest(normalised(text).encode("utf-8", "surrogatepass"))
    return value - (1 << 64) if value >> 63 else value


def text_keys(table: TextTable) -> Rows:
    """The `text_key` of every row [N] of a table, of title and text as models see them; memory-mapped.

    They are made once for the same texts and kept in the cache, 8 bytes a row.
    """
    file = cache_root() / "text-keys" / f"{table.fingerprint}-{FORM}.npy"
    if not file.is_file():
        keys = np.empty(len(table), dtype=np.int64)
        done = 0
        with progress("Compare texts", len(table)) as advance:
            for texts in table.iterate():
                keys[done : done + len(texts)] = [text_key(text) for text in texts]
                done += len(texts)
                advance(len(texts))
        with atomic_file(file) as temporary, temporary.open("wb") as stream:
            np.save(stream, keys)
    found: Rows = np.load(file, mmap_mode="r")
    return found
