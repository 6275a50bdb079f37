"""The best scores of each term of a BM25 index, which a search prunes by: beside the index, made where missing."""

import errno
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from distillir.base.files import atomic_file
from distillir.base.progress import say

#: Beside bm25s' own files.
BOUNDS_FILE = "bounds.npz"
_FORMAT = 1
#: The best score of each term and its n-th best ones for these n: a list of that many documents reaches at least them.
LEVELS = np.array([1, 10, 30, 100, 300, 1000], dtype=np.int64)
Floats = npt.NDArray[np.float32]


def load_bounds(folder: Path, identity: str, data: Floats, pointers: npt.NDArray[np.int64]) -> Floats:
    """Open the bounds of an index; where they are missing, damaged or of another index, make them anew.

    Args:
        folder: Of the index.
        identity: Fingerprint of the index.
        data: Scores of all postings.
        pointers: Where each term's postings begin [terms + 1].

    Returns:
        Scores [len(LEVELS), terms], 0 where a term has fewer postings.
    """
    path, shape = folder / BOUNDS_FILE, (len(LEVELS), len(pointers) - 1)
    known = f"{_FORMAT} {identity} {len(data)}"
    if path.is_file():
        try:
            with np.load(path) as stored:
                if str(stored["identity"]) == known:
                    scores: Floats = stored["scores"]
                    if scores.shape == shape and scores.dtype == np.float32:
                        return scores
            problem = "are of another index"
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            problem = f"cannot be read ({error})"
        say(f"{path}: bounds of BM25 scores {problem}; they are made anew.")
    return _make(path, known, data, pointers, shape)


def _make(path: Path, known: str, data: Floats, pointers: npt.NDArray[np.int64], shape: tuple[int, int]) -> Floats:
    from distillir.retrieval.bm25_kernel import bounds

    scores = np.empty(shape, dtype=np.float32)
    bounds(data, pointers, LEVELS, scores)
    try:
        with atomic_file(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, identity=np.array(known), scores=scores)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        # A cache that this user may only read: the next start makes them again, in seconds.
    return scores


def reached(scores: Floats, depth: int) -> Floats:
    """A score that at least ``depth`` documents reach by each term alone [terms]; 0 where unknown."""
    level = int(np.searchsorted(LEVELS, depth))
    return scores[level] if level < len(LEVELS) else np.zeros_like(scores[0])
