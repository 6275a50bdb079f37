"""Dark examples of a teaching set: made and scored once."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from distillir.base.errors import DistillirError
from distillir.base.processes import barrier, first_decides, rank
from distillir.base.progress import progress, say
from distillir.collections.joined import with_documents
from distillir.collections.table import TextTable
from distillir.signals.dark_examples.dark_example import Fits
from distillir.signals.dark_examples.dark_example_lists import DarkExampleLists
from distillir.signals.dark_examples.dark_example_set import (
    TEXTS,
    check_fingerprint,
    is_complete,
    open_dark_set,
    read_unscored,
    write_dark_scores,
    write_texts,
)
from distillir.signals.dark_examples.diagnostics import DarkDiagnostics, diagnose_dark
from distillir.signals.dark_examples.make import Beginning, FitsFor, Key, make_dark
from distillir.signals.dark_examples.spec import DarkSpec
from distillir.signals.place import Place
from distillir.teachers.counted import CountedTeacher, added, calls_told
from distillir.teaching.copy_aware_lists import CopyAwareLists

# Dark examples of texts longer than the first, times the tokens that the student reads, are made of their beginnings:
# with all that it reads, or, of text of hardly any tokens (blank, one endless word), as long as the second times those.
_CHARACTERS_A_TOKEN, _MOST_CHARACTERS_A_TOKEN = 16, 64


def make_dark_set(place: Place, spec: DarkSpec, target: Path) -> None:
    """Make and score the dark examples of a stage's lists; what is there already is kept.

    Args:
        place: The stage of the run.
        spec: What is wanted.
        target: Folder of the dark examples.
    """
    texts, done = first_decides(lambda: ((target / TEXTS).is_dir(), is_complete(target)))
    lists = place.copy_aware_lists()
    source = dark_fingerprint(place, spec, lists)
    if texts:
        check_fingerprint(target, source)
    if not done:
        place.prepare_student()  # what it reads decides how the texts are made
        teacher = _teacher(place)
        with place.timed("dark"):
            if not texts and rank() == 0:
                _write_texts(place, spec, lists, target, teacher, source)
            barrier()
            _score(place, lists, target, teacher)
    if rank() == 0:
        found = _diagnose(place, spec, lists, target)
        if not done:
            found.say()
        noted = place.noted().get("dark", {})
        place.note(dark=found.to_dict() if place.key is None else {**noted, place.key: found.to_dict()})
    barrier()


def _teacher(place: Place) -> CountedTeacher:
    from distillir.teachers.load import load_teacher

    assert place.recipe.teacher is not None
    return load_teacher(place.recipe.teacher)


def _write_texts(
    place: Place, spec: DarkSpec, lists: CopyAwareLists, target: Path, teacher: CountedTeacher, source: str
) -> None:
    collection, recipe = place.collection, place.recipe
    fits_for, key, beginning = dark_readers(place, teacher)
    with progress("Make dark examples", len(lists)) as advance:
        made = make_dark(
            collection,
            lists,
            spec,
            seed=recipe.query_seed,
            pseudo_positives=recipe.training.pseudo_positives,
            fits_for=fits_for,
            key=key,
            beginning=beginning,
        )
        at = 0

        def told() -> Any:
            nonlocal at
            for one in made:
                advance(one.index + 1 - at)
                at = one.index + 1
                yield one

        target.mkdir(exist_ok=True)
        try:
            write_texts(told(), collection.queries.ids(lists.queries.tolist()), target, source)
        except DistillirError:
            with suppress(OSError):
                target.rmdir()
            raise
        advance(len(lists) - at)
    unscored = read_unscored(target)
    count = sum(len(one.rows) for one in unscored)
    say(f"Dark examples: {count} texts of {len(unscored)} lists ({len(lists)} lists in all)")


def dark_readers(place: Place, teacher: CountedTeacher) -> tuple[FitsFor, Key, Beginning]:
    """Readers of texts: the part that both teacher (beside a query) and student read, and the student's alone."""
    from distillir.encoding.reading import SPARE_TOKENS, most_tokens, reads_whole, shorten_text, tokens_read
    from distillir.encoding.vectors import prompt_for
    from distillir.students.load import load_student_of

    student = load_student_of(place.recipe.student, place.initial_student, device="cpu")
    student = place.recipe.student.own_kind.document_reader(student)
    limit = place.recipe.training.max_length
    prompt = prompt_for(student, "document") or ""

    def fits_for(query: str) -> Fits:
        return lambda text, end: (
            reads_whole(student, prompt + text[:end], limit=limit) and teacher.reads(query, text[:end])
        )

    most = min((value for value in (limit, most_tokens(student)) if value is not None), default=None)

    def beginning(text: str) -> str:
        head = shorten_text(student.tokenizer, text, most, _CHARACTERS_A_TOKEN)
        return head if most is None else head[: _MOST_CHARACTERS_A_TOKEN * (most + SPARE_TOKENS)]

    return (
        fits_for,
        lambda text: tokens_read(student, prompt + text, limit=limit),
        beginning,
    )


def _score(place: Place, lists: CopyAwareLists, target: Path, teacher: CountedTeacher) -> None:
    """Score dark examples and candidates together: a teacher that normalises over a list must see them as one."""
    collection = place.collection
    wider, edge = with_documents(collection, TextTable(target / TEXTS)), len(collection.corpus)
    unscored = read_unscored(target)
    together = [np.concatenate([lists.documents(made.index), made.rows + edge]) for made in unscored]
    scores = teacher.score(wider, np.array([lists.queries[made.index] for made in unscored]), together)
    silent = sum(int(np.isnan(values).sum()) for values in scores)
    if silent:
        raise DistillirError(
            f"gave no answer about {silent} of the candidates and dark texts",
            where=f"teacher {teacher.name}",
            remedy="run again where a server was away; else let another teacher score dark examples",
        )
    split = [len(lists.documents(made.index)) for made in unscored]
    if rank() == 0:
        candidates = [values[:size] for values, size in zip(scores, split, strict=True)]
        write_dark_scores(unscored, candidates, [v[size:] for v, size in zip(scores, split, strict=True)], target)
    calls = teacher.calls()
    noted = place.noted()
    place.note(**{total: added(noted.get(total, {}), calls) for total in ("teacher_calls", "dark_calls")})
    if sum(calls.values()):
        say(f"Teacher {teacher.name}: {calls_told(calls)}")


def _diagnose(place: Place, spec: DarkSpec, lists: CopyAwareLists, target: Path) -> DarkDiagnostics:
    chosen = DarkExampleLists(open_dark_set(target), lists, spec, len(place.collection.corpus))
    return diagnose_dark(chosen, place.recipe.query_seed)


def dark_fingerprint(place: Place, spec: DarkSpec, lists: CopyAwareLists) -> str:
    """Identity of all that the dark examples of a teaching set depend on (hex)."""
    digest, recipe = xxhash.xxh3_128(), place.recipe
    settings = [spec.making().model_dump(), recipe.query_seed, recipe.training.max_length]
    settings += [recipe.training.pseudo_positives, place.collection.fingerprint]
    if recipe.training.pseudo_positives == "always":
        settings.append("of the teacher's best")  # they were made of judged positives
    digest.update(json.dumps(settings).encode())
    for index, query in enumerate(lists.queries.tolist()):
        digest.update(np.int64(query).tobytes() + np.int64(len(lists.documents(index))).tobytes())
        for values in (lists.documents(index), lists.scores(index), lists.relevant(index)):
            digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def check_dark_set(place: Place, spec: DarkSpec, target: Path) -> None:
    """Refuse dark examples in ``target`` that were made of something else; nothing where there are none.

    Raises:
        DistillirError: They were.
    """
    if (target / TEXTS).is_dir():
        check_fingerprint(target, dark_fingerprint(place, spec, place.copy_aware_lists()))
