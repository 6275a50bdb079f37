"""Nearness of a student's vectors to those that they followed, before and after training, for the report."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows, evenly_spaced
from distillir.base.errors import DistillirError
from distillir.base.progress import called
from distillir.encoding.store import Vectors
from distillir.encoding.vectors import LABEL, encode_rows
from distillir.signals.place import Place
from distillir.signals.vectors.projection import FITTED_TO, fitted, load_projection
from distillir.signals.vectors.spec import PROJECTION, SIDES, VectorSpec
from distillir.signals.vectors.teacher_vectors import unit
from distillir.signals.vectors.texts import (
    followed_texts,
    read_as,
    source_name,
    table_of,
    target_vectors,
)

#: Texts of each side that are looked at, at most; fewer unseen ones than the second are too few to look at alone.
LOOKED_AT, FEW = 500, 20
#: Quantiles of the cosines that are kept.
QUANTILES = 21


def measure_nearness(place: Place, spec: VectorSpec) -> None:
    """Note cosines of the student's vectors with those of the model, of texts that were not learnt from.

    They are the evaluation's queries, and documents that the training has not; of collections all of which it has,
    documents of these. Across widths the trained student's go through the map that was trained with it, those of the
    student before through the one that fits it best on the training's texts. All processes encode together.
    """
    learnt = _learnt(place, spec)
    rows, unseen = _sample(place, spec, learnt)
    wanted = {side: targets.of(rows[side]) for side, targets in target_vectors(place, spec, rows).items()}
    maps = _maps(place, spec, learnt, next(iter(wanted.values())).shape[1])
    found: dict[str, Any] = {
        "model": source_name(place.recipe, spec),
        "loss": spec.loss,
        "projection": maps is not None,
    }
    for side, teachers in wanted.items():
        cosines = {}
        for when, folder in _students(place).items():
            own = _encoded(place, folder, side, rows[side])
            found |= {"width": teachers.shape[1], "student_width": own.shape[1]}
            if maps is not None:
                if when not in maps:
                    continue
                own = own @ maps[when].T
            cosines[when] = np.einsum("td,td->t", unit(own), unit(teachers))
        found[side] = {"texts": len(rows[side]), "unseen": unseen[side]}
        found[side] |= {when: _figures(values) for when, values in cosines.items()}
    place.note(vectors={**place.noted().get("vectors", {}), **found})


def _learnt(place: Place, spec: VectorSpec) -> dict[str, Rows]:
    """Texts of the training; empty where its lists are not there any more."""
    try:
        return followed_texts(place, spec)
    except DistillirError:
        return {}


def _sample(place: Place, spec: VectorSpec, learnt: dict[str, Rows]) -> tuple[dict[str, Rows], dict[str, bool]]:
    """Rows that are looked at by side, and whether they were not learnt from."""
    known = {"queries": place.judged().query_rows, "documents": np.arange(len(place.collection.corpus), dtype=np.int64)}
    rows, unseen = {}, {}
    for side in spec.sides:
        others = known[side][~np.isin(known[side], learnt.get(side, np.empty(0, dtype=np.int64)))]
        unseen[side] = side in learnt and len(others) >= min(FEW, len(known[side]))
        rows[side] = np.unique(evenly_spaced(others if unseen[side] else known[side], LOOKED_AT))
    return rows, unseen


def _students(place: Place) -> dict[str, Path]:
    return {"before": place.initial_student, "after": place.path / "student"}


def _encoded(place: Place, folder: Path, side: str, rows: Rows) -> Vectors:
    student, table = place.recipe.student, table_of(place.collection, side)
    precision = place.recipe.evaluation.precision
    options, kind = student.saved_options, read_as(place, side)
    own = SIDES[side]
    with called({} if kind == own else {LABEL[kind]: f"{LABEL[own]}, read as queries"}):
        return encode_rows(str(folder), table, rows, kind=kind, precision=precision, options=options)


def _maps(place: Place, spec: VectorSpec, learnt: dict[str, Rows], width: int) -> dict[str, Vectors] | None:
    """Weights of the linear map of the student before and after; None where none was learnt."""
    folder = place.path / PROJECTION
    if not folder.is_dir():
        return None
    maps = {"after": load_projection(folder).linear.weight.detach().numpy()}  # type: ignore[union-attr, operator]
    if learnt:
        some = {side: evenly_spaced(rows, FITTED_TO) for side, rows in learnt.items()}
        own = {side: _encoded(place, place.initial_student, side, rows) for side, rows in some.items()}
        targets = target_vectors(place, spec, some)
        wanted = {side: targets[side].of(rows) for side, rows in some.items()}
        cosine = place.recipe.student.own_kind.cosines(place.initial_student)
        maps["before"] = fitted(own, wanted, unit_length=cosine)
    return maps


def _figures(cosines: npt.NDArray[np.float32]) -> dict[str, Any]:
    """Mean and quantiles."""
    quantiles = np.quantile(cosines.astype(np.float64), np.linspace(0, 1, QUANTILES))
    return {"mean": round(float(cosines.mean()), 4), "quantiles": [round(float(value), 4) for value in quantiles]}
