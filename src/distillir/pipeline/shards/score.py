"""``score --shard``: a teacher's answers about a share of the candidates, into the caches that `score` reads."""

from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.pipeline.shards.answers import asked_about, nothing_to_score, score_part
from distillir.pipeline.shards.open_shard import open_shard
from distillir.pipeline.shards.share import Share
from distillir.recipe import Recipe
from distillir.teachers.load import load_teacher


def score_shard(path: Path, recipe: Recipe, share: Share, *, anew: bool = False) -> None:
    """Ask the recipe's teacher about a share of the candidates; what is known is not asked.

    Args:
        path: Folder of the run; the candidates must be there.
        recipe: What the run is made of.
        share: Which part of the work.
        anew: As in `distillir.pipeline.open_run.open_run`.

    Raises:
        DistillirError: As `open_shard`, the recipe has no teacher that is asked, candidates are missing, or the teacher
            cannot be loaded.
    """
    lack = nothing_to_score(recipe)
    if lack or recipe.teacher is None:
        raise DistillirError(f"there is nothing to score in shards: {lack}", where="--shard", remedy="leave it out")
    with open_shard(path, recipe, "score", share, anew=anew) as folder:
        score_part(folder, load_teacher(recipe.teacher), asked_about(folder), share)
