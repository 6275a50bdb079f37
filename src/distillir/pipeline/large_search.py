"""Exact vector search of a large corpus, told with its hours before it begins, and what else there is."""

from collections.abc import Iterator
from math import isqrt
from typing import Any

from distillir.base.processes import rank
from distillir.base.progress import say
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.shards.encodings import mined_here
from distillir.pipeline.step import exists
from distillir.retrieval.sources import MODEL_SOURCES, load_retriever, read_sources

#: From so many documents on an exact search is told of. One core searches a million vectors of 384 numbers for 10,000
#: queries in a quarter of an hour (benchmarks/results/dense_mining.md).
LARGE = 1_000_000


def tell_large_search(folder: RunFolder) -> None:
    """Say of each dense source that searches all of a large corpus how long that takes here, and name the other way.

    Nothing is changed: an index that visits a part of the vectors finds other lists, and is a recipe's to choose.

    Args:
        folder: The run's; the student before training is there.
    """
    documents = len(folder.collection.corpus)
    if rank() != 0 or documents < LARGE:
        return
    parts = [part for part in mined_here(folder) if not exists(folder, part.product)]
    queries, depth = sum(len(part.rows) for part in parts), max((part.depth for part in parts), default=0)
    if not queries:
        return
    from distillir.retrieval.exact_seconds import exact_seconds

    for name, width in _searched_whole(folder):
        hours = exact_seconds(queries, documents, width, depth) / 3600
        cells = _cells(documents)
        size = f"{documents:,} vectors ({4e-9 * documents * width:.1f} GB as float32)"
        say(
            f"dense ({name}) searches all {size} for {queries:,} queries: about {hours:.2g} h here, by a rate measured "
            "now. It is exact. An index on disk takes less and misses some: "
            f'factory: "IVF{cells},SQ8", search: nprobe={max(1, cells // 16)} (docs/mine.md, "Dense at size")'
        )


def _searched_whole(folder: RunFolder) -> Iterator[tuple[str, int]]:
    """Names and widths of the dense sources that search all vectors; first stages included."""
    student, named = folder.recipe.student, folder.recipe.candidates.from_
    trust = student.trust_remote_code
    default = student.own_kind.source_of(None, initial=str(folder.initial_student), trust_remote_code=trust)
    waiting: list[Any] = list(named) if isinstance(named, list | tuple) else [named]
    while waiting:
        source = waiting.pop(0)
        if read_sources(source)[0][0] not in MODEL_SOURCES:
            continue
        made: Any = load_retriever(source, default, trust_default=trust)
        if getattr(made, "factory", None) == "Flat":
            yield made.name, _width(made)
        if getattr(made, "first", None) not in (None, "index"):
            waiting.append(made.first)


def _width(retriever: Any) -> int:
    """Numbers of a vector of a dense source, by its model."""
    from distillir.encoding.models import load_sentence_transformer

    model = load_sentence_transformer(retriever.model, device="cpu", options=retriever.encoding["options"])
    return int(model.truncate_dim or model.get_embedding_dimension() or 384)


def _cells(documents: int) -> int:
    """Cells of an inverted file: the power of two above the square root of the number of documents."""
    return 1 << max(1, isqrt(documents)).bit_length()
