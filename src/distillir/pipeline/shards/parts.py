"""Candidates of shares of the queries, each a file in the cache, found by all that candidates are made of."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from distillir.base.arrays import Rows
from distillir.base.environment import raise_if_refused
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_file, cache_root
from distillir.base.leftovers import is_half_made
from distillir.collections.run import Run, from_lists
from distillir.pipeline.inputs import Inputs
from distillir.pipeline.mined_parts import MinedPart, mined_form
from distillir.pipeline.products import BY_NAME
from distillir.pipeline.run_folder import RunFolder

#: Raised when what a file holds changes.
_FORM = 1


def parts_folder(folder: RunFolder, part: MinedPart) -> Path:
    """Folder in the cache of a part's candidates, made or not.

    Its name is a hash of all that the candidates are made of: texts, all queries of the part, judgements, weights and
    settings of the sources, and the recipe's ``candidates``. How many shards there are plays no role.
    """
    recipe = folder.recipe
    told = {
        "form": _FORM,
        "version": BY_NAME[part.product].version,
        "inputs": Inputs(folder).of(part.product),
        "kept": recipe.student.own_kind.kept(),
        "candidates": {key: value for key, value in mined_form(recipe, part).items() if key != "guard"},
        "own document": recipe.queries.own_document,
    }
    written = json.dumps(told, default=str, sort_keys=True).encode("utf-8", "surrogatepass")
    return cache_root() / "mined" / xxhash.xxh3_128_hexdigest(written)


class MinedLists:
    """Candidates by query, from the files of a folder; a query that stands in several has the same list in each.

    Args:
        folder: See `parts_folder`.
        names: Of the files; None: those that are there now.

    Attributes:
        names: Of the files.
    """

    def __init__(self, folder: Path, names: tuple[str, ...] | None = None) -> None:
        self.folder = folder
        found = sorted(path for path in folder.glob("*.npz") if not is_half_made(path))
        self.names = tuple(path.name for path in found) if names is None else names
        self._queries = {name: _read(folder / name, "queries") for name in self.names}

    def known(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Mask [Q] of the query rows whose candidates are there."""
        found = list(self._queries.values())
        return np.isin(rows, np.concatenate(found) if found else np.empty(0, dtype=np.int64))

    def run(self, rows: Rows) -> Run:
        """Candidates of query rows, all of which must be known, in their order."""
        documents: dict[int, Any] = {}
        scores: dict[int, Any] = {}
        name = ""
        for file, queries in self._queries.items():
            path = self.folder / file
            offsets, found, values = (_read(path, key) for key in ("offsets", "documents", "scores"))
            part = Run(queries, offsets, found, values)
            name = str(_read(path, "name"))
            for place, query in enumerate(queries.tolist()):
                documents[query], scores[query] = part.of(place)
        wanted = rows.tolist()
        return from_lists(rows, [documents[query] for query in wanted], [scores[query] for query in wanted], name)


def keep_lists(folder: Path, run: Run) -> None:
    """Keep the candidates of some queries as a file, whole or not at all."""
    name = xxhash.xxh3_128_hexdigest(np.ascontiguousarray(run.queries).tobytes())
    with atomic_file(folder / f"{name}.npz") as temporary, temporary.open("wb") as stream:
        np.savez(
            stream,
            queries=run.queries,
            offsets=run.offsets,
            documents=run.documents,
            scores=run.scores,
            name=np.array(run.name),
        )


def _read(path: Path, key: str) -> npt.NDArray[Any]:
    try:
        with np.load(path) as file:
            found: npt.NDArray[Any] = file[key]
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise_if_refused(error)
        said = " ".join(str(error).split())
        raise DistillirError(f"is damaged ({said})", where=path, remedy="delete it; its shard mines it again") from None
    return found
