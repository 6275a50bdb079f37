"""``status``: what of a run is there and what is missing, stage by stage; nothing is written, no model is loaded."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.collections.load import is_imported
from distillir.pipeline.products import BY_NAME, needs_lists
from distillir.pipeline.run_collection import asked_documents, open_collection, query_generator
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.shards.answers import asked_about, known_pairs, nothing_to_score
from distillir.pipeline.shards.encode import encodings
from distillir.pipeline.shards.encodings import mined_here
from distillir.pipeline.shards.marks import DIED, RUNNING, Mark, marks, run_is_held
from distillir.pipeline.shards.open_shard import ReadFolder
from distillir.pipeline.shards.parts import MinedLists, parts_folder
from distillir.recipe import Recipe
from distillir.teachers.load import load_teacher

#: Stages and the product that says that each is done, after those that shards share.
_LATER = (("train", "student"), ("evaluate", "metrics"))


def look(path: Path, recipe: Recipe, called: str) -> dict[str, Any]:
    """Look at what of a run is there.

    Args:
        path: Folder of the run; it need not exist.
        recipe: What the run is made of.
        called: What follows the verb in commands: the recipe and its options.

    Returns:
        What ``--json`` prints: ``output``, ``held_by``, ``collection``, ``stages`` (``mine``, ``encode``, ``score``,
        ``train``, ``evaluate``), ``next`` (a command, or empty) and ``waiting_for``.

    Raises:
        DistillirError: The folder holds the run of another recipe, or something else than a run.
    """
    folder = ReadFolder(path, recipe)
    known = marks(path, recipe)
    lack = _unreadable(recipe)
    stages: list[dict[str, Any]] = [_mining(folder, known, lack)]
    if not lack:
        stages.append({"stage": "encode", "texts": _encoded(folder), **_shards(known, "encode")})
    stages.append(_scoring(folder, known, lack))
    stages += [{"stage": verb, "done": BY_NAME[name].path(folder).exists()} for verb, name in _LATER]
    command, waiting = _next(stages, known, called)
    return {
        "output": str(path),
        "held_by": run_is_held(path),
        "collection": lack or "there",
        "stages": stages,
        "next": command,
        "waiting_for": waiting,
    }


def _unreadable(recipe: Recipe) -> str:
    """Tell why nothing can be counted yet; empty where it can."""
    if not is_imported(recipe.collection):
        return "not imported yet"
    if recipe.queries.generated:
        collection = open_collection(recipe)
        if left := query_generator(recipe).unanswered(collection, asked_documents(recipe, collection)):
            return f"{left} queries are still to be written by a language model"
    return ""


def _mining(folder: RunFolder, known: Sequence[Mark], lack: str) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    wanted = folder.recipe.teaching is None and not lack
    for part in mined_here(folder) if wanted else []:
        merged = BY_NAME[part.product].path(folder).is_file()
        mined = len(part.rows) if merged else int(MinedLists(parts_folder(folder, part)).known(part.rows).sum())
        told = {"product": part.product, "queries": part.queries, "merged": merged}
        parts.append({**told, "known": mined, "of": len(part.rows)})
    done = bool(parts or wanted) and all(part["merged"] for part in parts)
    return {
        "stage": "mine",
        "done": done or folder.recipe.teaching is not None,
        "parts": parts,
        **_shards(known, "mine"),
    }


def _encoded(folder: RunFolder) -> list[dict[str, Any]]:
    counted = []
    for encoding in encodings(folder):
        with suppress(DistillirError):
            rows = encoding.rows
            counted.append({"texts": encoding.name, "known": len(rows) - len(encoding.missing(rows)), "of": len(rows)})
    return counted


def _scoring(folder: RunFolder, known: Sequence[Mark], lack: str) -> dict[str, Any]:
    wanted = [name for name in ("teaching set", "teacher's run") if BY_NAME[name].wanted(folder)]
    done = all(BY_NAME[name].path(folder).exists() for name in wanted)
    answers: list[dict[str, Any]] = []
    teacher = folder.recipe.teacher
    if not done and not lack and teacher is not None and not nothing_to_score(folder.recipe):
        with suppress(DistillirError):  # no candidates yet
            counts = known_pairs(folder, load_teacher(teacher), asked_about(folder))
            answers = [{"teacher": name, "known": pairs, "of": of} for name, pairs, of in counts]
    needless = not needs_lists(folder) and not wanted
    return {"stage": "score", "done": done or needless, "answers": answers, **_shards(known, "score")}


def _shards(known: Sequence[Mark], verb: str) -> dict[str, Any]:
    """The shards of a verb, those that never began among them, for each number of shards that was used."""
    own = [mark for mark in known if mark.verb == verb]
    found = []
    for of in sorted({mark.share.of for mark in own}):
        states = {mark.share.number: mark for mark in own if mark.share.of == of}
        entry: dict[str, Any] = {"of": of, "missing": [n for n in range(1, of + 1) if n not in states]}
        for state in ("done", RUNNING, DIED):
            entry[state] = [number for number, mark in states.items() if mark.state == state]
        entry["holders"] = {str(n): mark.holder for n, mark in states.items() if mark.state == RUNNING}
        found.append(entry)
    return {"shards": found} if found else {}


def _next(stages: Sequence[dict[str, Any]], known: Sequence[Mark], called: str) -> tuple[str, list[str]]:
    """The command to run next, and what is at work that it would wait for."""
    for stage in stages:
        verb = stage["stage"]
        if stage.get("done", True):
            continue
        counts = [*stage.get("parts", ()), *stage.get("answers", ())]
        whole = bool(counts) and all(count["known"] >= count["of"] for count in counts)
        own = [mark for mark in known if mark.verb == verb]
        running = [f"{verb} {mark.share} ({mark.holder})" for mark in own if mark.state == RUNNING]
        if whole or not own:
            return f"distillir {verb} {called}", running
        of = own[-1].share.of
        begun = {mark.share.number for mark in own if mark.share.of == of and mark.state != DIED}
        left = [number for number in range(1, of + 1) if number not in begun]
        if left:
            return f"distillir {verb} {called} --shard {left[0]}/{of}", running
        return ("" if running else f"distillir {verb} {called}"), running
    return "", []
