"""Build a BM25 index in bounded memory: texts are read once, in batches; postings are laid out on disk."""

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory, reserve
from distillir.base.progress import progress
from distillir.collections import TextTable
from distillir.retrieval.bm25_settings import BM25Settings
from distillir.retrieval.bm25_words import token_ids

#: The mean length of the indexed documents, beside bm25s' own files.
MEAN_LENGTH_FILE = "mean_length.npy"
#: bm25s' names of the scores and the documents of all postings.
DATA_FILE, DOCUMENTS_FILE = "data.csc.index.npy", "indices.csc.index.npy"
Block = tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[Any]]
_POSTINGS_AT_ONCE = 1 << 23


def build_index(corpus: TextTable, settings: BM25Settings, folder: Path) -> None:
    """Index a corpus into ``folder`` in bm25s' own format, with the tokenizer's vocabulary beside it.

    Args:
        corpus: The documents.
        settings: Constants and words.
        folder: Appears whole or not at all; one that is there is left as it is.

    Raises:
        DistillirError: No term is left in the whole corpus.
    """
    import bm25s

    tokenizer = settings.tokenizer()
    # Several processes may build at once: each into a folder of its own, and the first to end wins, as replacing a
    # folder that another one is just opening would fail there.
    own = folder.with_name(f"{folder.name}.{os.getpid()}")
    with atomic_directory(own) as temporary:
        work = temporary / "work"
        work.mkdir()
        index = bm25s.BM25(k1=settings.k1, b=settings.b, method="lucene")
        index.scores, mean_length = build_postings(corpus, tokenizer, work, k1=settings.k1, b=settings.b)
        index.vocab_dict, index.nonoccurrence_array = tokenizer.get_vocab_dict(), None
        # bm25s writes the rest; its two large arrays are there, and need not be written twice.
        postings = {name: work / name for name in (DATA_FILE, DOCUMENTS_FILE)}
        whole, index.scores = index.scores, {**index.scores, "data": np.zeros(0, "f4"), "indices": np.zeros(0, "i4")}
        index.save(temporary, show_progress=False)
        del whole
        for name, path in postings.items():
            path.replace(temporary / name)
        np.save(temporary / MEAN_LENGTH_FILE, np.float64(mean_length))
        tokenizer.save_vocab(temporary)
        shutil.rmtree(work)
    try:
        own.rename(folder)
    except OSError:
        shutil.rmtree(own)


def build_postings(
    corpus: TextTable, tokenizer: Any, folder: Path, *, k1: float, b: float
) -> tuple[dict[str, npt.NDArray[Any] | int], float]:
    r"""Score every term of every document, as columns of a sparse matrix (compressed by term) on disk.

    The score of term t in document d of length \|d\| is that of Lucene's BM25 without the constant factor
    (k1 + 1), which changes no ranking (variant "Lucene (accurate)" of Kamphuis et al., ECIR 2020, which bm25s calls
    ``lucene``): ln(1 + (N - df + 0.5) / (df + 0.5)) * tf / (tf + k1 (1 - b + b \|d\| / mean length)).

    bm25s' own indexing keeps the tokens of the whole corpus as Python lists; this keeps one batch, and one number per
    term and per document.

    Args:
        corpus: The documents.
        tokenizer: A bm25s Tokenizer; its vocabulary is filled.
        folder: Existing folder for the arrays.
        k1: Saturation of the term frequency.
        b: Strength of the length normalisation, 0 to 1.

    Returns:
        What bm25s calls ``scores``: ``data`` [nnz] float32 and ``indices`` [nnz] int32 (memory-mapped, documents
        ascending within a term), ``indptr`` [terms + 1] int64, and ``num_docs``; and the documents' mean length.

    Raises:
        DistillirError: No term is left in the whole corpus.
    """
    counted = folder / "counted.bin"
    lengths = np.zeros(len(corpus), dtype=np.int64)
    frequencies = np.zeros(0, dtype=np.int64)
    with progress("BM25: reading", total=len(corpus)) as advance, counted.open("wb") as stream:
        start = 0
        for texts in corpus.iterate():
            block = _count(texts, start, tokenizer, lengths)
            for array in block:
                np.save(stream, array)
            frequencies = _added(frequencies, np.bincount(block[1]))
            start += len(texts)
            advance(len(texts))
    if not frequencies.sum():
        raise DistillirError(
            "no word is left in the corpus to index by BM25",
            where=corpus.path,
            remedy="set stopwords to null, or use dense candidates",
        )
    inverse_frequency = inverse_frequencies(len(corpus), frequencies)
    norms = k1 * (1 - b + b * lengths / lengths.mean())
    pointers = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(frequencies)])
    total = int(pointers[-1])
    data = _array_file(folder / DATA_FILE, total, np.float32)
    indices = _array_file(folder / DOCUMENTS_FILE, total, np.int32)
    cursor = pointers[:-1].copy()
    start = 0
    with progress("BM25: writing", total=len(corpus)) as advance:
        for different, terms, counts in _blocks(counted):
            shape = (len(different), len(cursor))
            rows = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(different)])
            block = csr_matrix((counts.astype(np.int32), terms, rows), shape=shape).tocsc()
            in_block = np.diff(block.indptr)
            # The n-th posting of a term in this block goes n places after those of the blocks before.
            places = np.repeat(cursor - block.indptr[:-1], in_block) + np.arange(len(terms))
            indices[places] = block.indices + np.int32(start)
            frequency = np.repeat(inverse_frequency, in_block)
            data[places] = frequency * block.data / (block.data + norms[start:][block.indices])
            cursor += in_block
            start += len(different)
            advance(len(different))
    counted.unlink()
    scores: dict[str, npt.NDArray[Any] | int] = {
        "data": data,
        "indices": indices,
        "indptr": pointers,
        "num_docs": len(corpus),
    }
    return scores, float(lengths.mean())


def inverse_frequencies(documents: int, frequencies: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Lucene's idf of terms that occur in so many of the documents [terms]."""
    return np.log1p((documents - frequencies + 0.5) / (frequencies + 0.5))


def _count(texts: list[str], start: int, tokenizer: Any, lengths: npt.NDArray[np.int64]) -> Block:
    """Numbers of different terms of a batch's documents, the terms, ascending within each, and their frequencies.

    Fills ``lengths``.
    """
    sizes, terms = token_ids(texts, tokenizer)
    lengths[start : start + len(texts)] = sizes
    pairs, counts = np.unique(np.repeat(np.arange(len(texts)) << 32, sizes) | terms, return_counts=True)
    different = np.bincount(pairs >> 32, minlength=len(texts)).astype(np.int32)
    return different, (pairs & 0xFFFFFFFF).astype(np.int32), counts.astype(np.min_scalar_type(counts.max(initial=0)))


def _added(sums: npt.NDArray[np.int64], more: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Sum of two vectors, the shorter one filled with zeros."""
    longer, shorter = (sums, more) if len(sums) >= len(more) else (more, sums)
    total = longer.astype(np.int64)
    total[: len(shorter)] += shorter
    return total


def _blocks(path: Path) -> Iterator[Block]:
    """The arrays of `_count`, some batches of documents together: a term's postings are written in longer pieces."""
    end = path.stat().st_size
    with path.open("rb") as stream:
        while stream.tell() < end:
            parts: list[Block] = []
            postings = 0
            while stream.tell() < end and postings < _POSTINGS_AT_ONCE:
                parts.append((np.load(stream), np.load(stream), np.load(stream)))
                postings += len(parts[-1][1])
            different, terms, counts = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
            yield different, terms, counts


def _array_file(path: Path, length: int, dtype: type[np.generic]) -> npt.NDArray[Any]:
    """A memory-mapped array [length] in a file as ``np.save`` writes it, which has its room on the disk."""
    form = np.lib.format.header_data_from_array_1_0(np.zeros(0, dtype=dtype))
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {**form, "shape": (length,)})
    size = np.dtype(dtype).itemsize
    reserve(path, len(header.getvalue()) + size * length)
    with path.open("r+b") as stream:
        stream.write(header.getvalue())
    array: npt.NDArray[Any] = np.load(path, mmap_mode="r+")
    return array
