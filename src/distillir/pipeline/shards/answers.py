"""Teachers' answers in shards: candidates to ask about, a share of it, how much is known, and the rest."""

from collections.abc import Iterator

import numpy as np

from distillir.base.progress import say
from distillir.collections.run import Run
from distillir.pipeline.products import BY_NAME, needs_lists
from distillir.pipeline.rankings import read_ranking
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.shards.encodings import encode_all, encodings_to_score
from distillir.pipeline.shards.marks import have_worked
from distillir.pipeline.shards.share import Share
from distillir.recipe import Recipe
from distillir.teachers.bm25 import BM25Teacher
from distillir.teachers.cross_encoders.cross_encoder import CrossEncoderTeacher
from distillir.teachers.encoders.encoder import EncoderTeacher
from distillir.teachers.ensemble import EnsembleTeacher
from distillir.teachers.language_models.asking import AskingTeacher
from distillir.teachers.load import load_teacher
from distillir.teachers.teacher import Teacher

WHOLE = Share(1, 1)


def nothing_to_score(recipe: Recipe) -> str:
    """Tell why shards have nothing to ask a recipe's teacher; empty where they have."""
    if recipe.teaching is not None:
        return "the recipe brings a teaching set"
    if recipe.teacher is None:
        return "the recipe has no teacher"
    if all(isinstance(member, BM25Teacher) for member in teachers_within(load_teacher(recipe.teacher))):
        return "BM25 keeps no scores, it computes them in one go"
    return ""


def teachers_within(teacher: Teacher) -> Iterator[Teacher]:
    """A teacher, or the members of an ensemble in its place."""
    if not isinstance(teacher, EnsembleTeacher):
        yield teacher
        return
    for member in teacher.members:
        yield from teachers_within(member)


def asked_about(folder: RunFolder) -> list[Run]:
    """The candidates that a teacher scores, in the order in which one process asks about them.

    Raises:
        DistillirError: They are not mined.
    """
    paths = []
    if BY_NAME["teacher's run"].wanted(folder):
        paths.append(folder.evaluation_candidates)
    if needs_lists(folder):
        paths.append(folder.candidates)
    for path in paths:
        folder.need(path, "mine")
    return [read_ranking(folder, path) for path in paths]


def score_part(folder: RunFolder, teacher: Teacher, runs: list[Run], share: Share) -> None:
    """Have a share of the answers of a teacher kept where `score_stage` finds them."""
    collection = folder.collection
    pairs = sum(len(run.documents) for run in runs)
    for member in teachers_within(teacher):
        if isinstance(member, CrossEncoderTeacher):
            asked = member.score_share(collection, runs, share.span)
            say(f"Shard {share}: {asked} of {pairs} pairs asked of {member.name} now")
        elif isinstance(member, EncoderTeacher):
            done = encode_all(encodings_to_score(collection, [member], runs), share, others=False)
            say(f"Shard {share}: {done} texts encoded by {member.name} now")
        elif not isinstance(member, BM25Teacher):
            for run in runs:
                places = share.rows(np.arange(len(run)))
                member.score(collection, run.queries[places], [run.of(place)[0] for place in places.tolist()])
            say(f"Shard {share}: {member.calls().get('asked', 0)} of {pairs} pairs asked of {member.name} now")


def known_pairs(folder: RunFolder, teacher: Teacher, runs: list[Run]) -> list[tuple[str, int, int]]:
    """Name of each member of a teacher whose scores are kept, pairs that it has scored, and how many there are."""
    found = []
    for member in teachers_within(teacher):
        if isinstance(member, CrossEncoderTeacher | AskingTeacher):
            known = sum(member.known(folder.collection, run) for run in runs)
            found.append((member.name, known, sum(len(run.documents) for run in runs)))
    return found


def complete(folder: RunFolder, teacher: Teacher) -> None:
    """Ask what shards have left out, so that scores are those of one process to the bit; nothing where none worked."""
    if not have_worked(folder.path, "score"):
        return
    runs = asked_about(folder)
    for name, known, pairs in known_pairs(folder, teacher, runs):
        rest = f"; the other {pairs - known} are asked now" if known < pairs else ""
        say(f"Scores of {known} of {pairs} pairs by {name} are there{rest}")
    for member in teachers_within(teacher):
        if isinstance(member, CrossEncoderTeacher):
            member.score_share(folder.collection, runs, WHOLE.span)
        elif isinstance(member, EncoderTeacher):
            encode_all(encodings_to_score(folder.collection, [member], runs))
