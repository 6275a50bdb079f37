"""faiss' factory strings and search parameters: refused in one line, with a way out, where faiss cannot take them."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distillir.base.errors import DistillirError

#: What messages call the places.
FACTORY, SEARCH = "candidates.from: dense.factory", "candidates.from: dense.search"
_PARAMETERS = re.compile(r"\w+=\+?(\d+\.?\d*|\.\d+)(e\d{1,2})?(,\w+=\+?(\d+\.?\d*|\.\d+)(e\d{1,2})?)*")
_LINKS = re.compile(r"(?:HNSW|NSG)(\d+)")
# A width that the parts of most strings divide; what a string says of parts is known with the model's own only.
_WIDTH = 5040
# What faiss says, and the way out.
_WAYS_OUT = (
    ("could not parse", "write Flat, or a string of the faiss index factory such as IVF1024,Flat or HNSW32"),
    ("stoi", "write smaller numbers, as in IVF1024,Flat"),
    ("training points", "use fewer clusters or bits, or Flat: it is exact, and fast enough for so few documents"),
    ("cannot output", "use fewer dimensions than the vectors have and than there are documents, or leave PCA out"),
    ("graph smaller than", "use HNSW32, or Flat: it is exact, and fast enough for so few documents"),
    ("METRIC_L2", "use an index that knows inner products, such as IVF1024,Flat or HNSW32"),
    ("subquantizers", "use a number of parts that divides the dimensions of the vectors"),
)


def check_factory(factory: str, where: str = FACTORY) -> None:
    """Refuse a factory string that faiss cannot read, before anything is encoded.

    What a string asks of the number of documents and of dimensions shows when the index is made.

    Raises:
        DistillirError: It is misspelt, or has a graph of less than two links, in which nothing can be found.
    """
    if factory == "Flat":
        return
    import faiss

    try:
        faiss.index_factory(_WIDTH, factory, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        if "could not parse" in str(error) or "stoi" in str(error):
            raise refused(factory, error, where=where) from None
    # faiss ends the whole process (assertion 'i < end') at 0, and does not end at 1.
    if any(int(links) < 2 for links in _LINKS.findall(factory)):
        raise DistillirError(f"{factory!r} is a graph without links", where=where, remedy="write HNSW32")


def check_search(search: str, where: str = SEARCH) -> None:
    """Refuse search parameters of another form than ``nprobe=64`` or ``nprobe=64,ht=40``, or of 0 or less.

    Raises:
        DistillirError: They have another form; which names there are shows with the index.
    """
    named = re.sub(r"\s", "", search)
    if not _PARAMETERS.fullmatch(named) or any(float(part.split("=")[1]) <= 0 for part in named.split(",")):
        raise DistillirError(
            f"{search!r} are no faiss search parameters",
            where=where,
            remedy="write them as nprobe=64 or efSearch=256, with numbers above 0",
        )


def refused(factory: str, error: Exception, *, documents: str = "", where: str = FACTORY) -> DistillirError:
    """Make the error for an index that faiss cannot make.

    Args:
        factory: Its string.
        error: What faiss raised.
        documents: How many there are, and of how many dimensions.
        where: What the message calls the place.
    """
    said = reason(error)
    way_out = next((remedy for part, remedy in _WAYS_OUT if part in said), "use another string, or Flat: it is exact")
    return DistillirError(f"faiss cannot make {factory!r}{documents} ({said})", where=where, remedy=way_out)


def reason(error: Exception) -> str:
    """The message of a faiss error on one line, without its source position."""
    text = " ".join(str(error).split())
    return re.sub(r"^Error in .*? at \S+:\d+: (Error: '.*?' failed: )?", "", text) or text


@contextmanager
def overheard() -> Iterator[list[str]]:
    """Keep what a C++ library prints to stderr off the screen; the list holds its lines after the block."""
    lines: list[str] = []
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # there is no stderr
        yield lines
        return
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            lines += file.read().decode(errors="replace").splitlines()


def few_points(lines: list[str]) -> str:
    """A phrase for faiss' warning that clusters have too few points to be good; empty where it gave none."""
    found = [re.search(r"provide at least (\d+) training points", line) for line in lines]
    wanted = max((int(each[1]) for each in found if each), default=0)
    return f"faiss asks for {wanted} documents or more to train it" if wanted else ""


def default_search(index: Any, depth: int) -> str:
    """Search parameters where none are given: a quarter of the cells, at least 8; twice the depth, at least 64."""
    import faiss

    inverted = faiss.try_extract_index_ivf(index)
    if inverted is not None:
        return f"nprobe={min(inverted.nlist, max(8, inverted.nlist // 4))}"
    return f"efSearch={max(64, 2 * depth)}" if hasattr(faiss.downcast_index(index), "hnsw") else ""
