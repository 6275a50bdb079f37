"""The ``candidates:`` part of a recipe: its form, and the run it asks for."""

import math
from collections.abc import Mapping
from typing import Any

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.collections import Collection, Qrels
from distillir.collections.run import Run
from distillir.retrieval.candidates import SAMPLES, mine_candidates
from distillir.retrieval.fusion import FUSIONS
from distillir.retrieval.sources import DefaultModel, check_name, check_source, load_retriever

DEFAULT_DEPTH = 50
# Each key with the types its value may have; `from` and `guard` have checks of their own.
_KEYS: dict[str, tuple[type, ...]] = {
    "from": (str, dict, list, tuple),
    "depth": (int,),
    "fusion": (str,),
    "weights": (list, tuple, type(None)),
    "exclude_judged": (bool,),
    "add_judged": (bool,),
    "size": (int, type(None)),
    "sample": (str,),
    "seed": (int,),
    "guard": (dict, type(None)),
}
#: What messages call them.
_WORDS = {
    str: "a name",
    dict: "a mapping",
    list: "a list",
    int: "a whole number",
    bool: "true or false",
    type(None): "null",
}


def validate_candidates_spec(spec: object, where: str = "candidates") -> None:
    """Check the form of a recipe's ``candidates:``, without opening anything.

    Args:
        spec: A mapping of ``from`` (a source or a list of them, see `check_source`), and optionally ``depth``,
            ``fusion``, ``weights``, ``exclude_judged``, ``add_judged``, ``size``, ``sample``, ``seed`` (see
            `mine_candidates`) and ``guard`` (``{share: 0.95}`` or ``{margin: 2.0}``, see `false_negative_guard`).
        where: What messages call the place.

    Raises:
        DistillirError: Another form, an unknown key (with the nearest known), or a value that cannot be.
    """
    if not isinstance(spec, Mapping):
        raise DistillirError(f"{spec!r} is no mapping", where=where, remedy="write candidates: {from: bm25}")
    for key, value in spec.items():
        check_name(key, _KEYS, "key", where)
        if not isinstance(value, _KEYS[key]) or (isinstance(value, bool) and bool not in _KEYS[key]):
            known = " or ".join(_WORDS[kind] for kind in _KEYS[key] if kind is not tuple)
            raise DistillirError(f"{key} is {value!r}", where=where, remedy=f"give {known}")
    if "from" not in spec:
        raise DistillirError("no source is named", where=where, remedy="write candidates: {from: bm25}")
    sources = _sources(spec)
    if not sources:
        raise DistillirError("the list of sources is empty", where=f"{where}.from", remedy="write from: bm25")
    several = isinstance(spec["from"], list | tuple)
    for number, source in enumerate(sources):
        check_source(source, f"{where}.from[{number}]" if several else f"{where}.from")
    check_name(spec.get("fusion", "rrf"), FUSIONS, "fusion", f"{where}.fusion")
    check_name(spec.get("sample", "top"), SAMPLES, "sample", f"{where}.sample")
    for key in ("depth", "size"):
        if spec.get(key) is not None and spec[key] < 1:
            raise DistillirError(f"{key} is {spec[key]}", where=where, remedy="give at least 1")
    if spec.get("seed", 0) < 0:
        raise DistillirError(f"seed is {spec['seed']}", where=where, remedy="give 0 or more")
    weights = spec.get("weights")
    if weights is not None:
        if len(weights) != len(sources):
            what = f"{len(weights)} weights for {len(sources)} sources"
            raise DistillirError(what, where=f"{where}.weights", remedy="give one weight per source")
        if not all(_is_number(weight) and math.isfinite(weight) for weight in weights) or not any(weights):
            what = f"weights are {weights!r}"
            raise DistillirError(what, where=f"{where}.weights", remedy="give numbers, not all of them 0")
    if spec.get("exclude_judged") and spec.get("add_judged"):
        raise DistillirError("exclude_judged and add_judged contradict each other", where=where)
    if spec.get("guard") is not None:
        _check_guard(spec["guard"], f"{where}.guard")


def mine_from_spec(
    collection: Collection,
    query_rows: Rows,
    spec: Mapping[str, Any],
    *,
    default_model: DefaultModel = None,
    trust_default: bool = False,
    qrels: Qrels | None = None,
    own_document: str = "leave_out",
    queries: str = "queries",
    among: Rows | None = None,
) -> Run:
    """Mine the candidates that a recipe asks for; ``guard`` waits for the teacher's scores and is passed over here.

    Args:
        collection: The corpus and the queries.
        query_rows: Query rows [Q].
        spec: As in `validate_candidates_spec`.
        default_model: The student before training, for ``dense`` without a model; see `load_retriever`.
        trust_default: Whether code that comes with the student may run.
        qrels: Judgements, for ``exclude_judged`` and ``add_judged``.
        own_document: See `mine_candidates`.
        queries: What the queries are called; see `mine_candidates`.
        among: All queries that are mined for; see `mine_candidates`.

    Returns:
        The run; see `mine_candidates`.

    Raises:
        DistillirError: As `validate_candidates_spec` and `mine_candidates`.
    """
    validate_candidates_spec(spec)
    retrievers = [load_retriever(source, default_model, trust_default=trust_default) for source in _sources(spec)]
    options = {key: value for key, value in spec.items() if key not in ("from", "depth", "guard")}
    depth = spec.get("depth", DEFAULT_DEPTH)
    options |= {"own_document": own_document, "queries": queries, "among": among}
    return mine_candidates(collection, query_rows, retrievers, depth=depth, qrels=qrels, **options)


def _sources(spec: Mapping[str, Any]) -> list[object]:
    named = spec["from"]
    return list(named) if isinstance(named, list | tuple) else [named]


def _check_guard(guard: Mapping[str, Any], where: str) -> None:
    for key in guard:
        check_name(key, ("share", "margin"), "key", where)
    if len(guard) != 1:
        raise DistillirError("give a share or a margin", where=where, remedy="write guard: {share: 0.95}")
    key, value = next(iter(guard.items()))
    if not _is_number(value) or value < 0 or (key == "share" and not 0 < value <= 1):
        raise DistillirError(f"{key} is {value!r}", where=where, remedy="0 < share <= 1; margin >= 0")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
