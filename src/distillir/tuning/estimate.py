"""``tune --dry-run``: the searched keys, and the number of trials that fit, by steps timed on this machine."""

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from distillir.base.progress import console, say
from distillir.composition.settled import Settled, settle
from distillir.dry_run.encoding import Encodings
from distillir.dry_run.folder import open_dry
from distillir.dry_run.plan import ABOUT, duration, plan
from distillir.pipeline.queries import training_qrels, training_queries
from distillir.recipe import Recipe
from distillir.teaching.teaching_set import open_teaching_set
from distillir.tuning.budget import work
from distillir.tuning.search import Limits
from distillir.tuning.shared import trial_recipe
from distillir.tuning.space import Space, build_space, check_tunable

#: Steps of a run whose work is done once for all trials.
SHARED = ("queries", "mine", "score")


def print_tuning_plan(
    recipe: Recipe, output: Path, limits: Limits, *, only: Sequence[str] | None = None, anew: bool = False
) -> None:
    """Time the student's steps, and print the searched keys and how many trials fit. Nothing is written.

    Args:
        recipe: A checked recipe.
        output: Folder of the search; candidates and scores that are there take no time.
        limits: When the search ends.
        only: As in `distillir.tuning.search.tune`.
        anew: As there.

    Raises:
        DistillirError: What the search would refuse before its first stage, or a model cannot be loaded.
    """
    base = trial_recipe(recipe)
    check_tunable(base)
    with tempfile.TemporaryDirectory(prefix="distillir-dry-run-") as scratch:
        folder = open_dry(output / "shared", base, Path(scratch), anew=anew)
        lines = plan(folder, Encodings())
        if base.teaching is not None:
            taught = open_teaching_set(Path(base.teaching), folder.collection)
            lists, longest = len(taught), int(taught.sizes.max())
            judged = any(bool(taught.relevant(index).any()) for index in range(lists))
        else:
            lists, longest = len(training_queries(folder)), base.candidates.depth
            judged = bool((training_qrels(folder).grades > 0).any())
        kind, model = base.student.own_kind, folder.initial_student
        # The teacher's temperature is settled from its scores: 1 stands for it.
        suggested = Settled(1.0, kind.temperature(model), kind.rate(model))
        settled = settle(base, suggested)
        space = build_space(settled, suggested, longest=longest, lists=lists, judged=judged, only=only)
    shared = sum(line.seconds or 0.0 for line in lines if line.step in SHARED)
    own = sum(line.seconds or 0.0 for line in lines if line.stage == "train")
    each = [own * size for size in _sizes(space, lists, longest)]
    mean, spent = float(np.mean(each)), 60 * limits.minutes
    fitting = 1 + max(0, int((spent - own) / mean)) if mean else 1
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("key")
    table.add_column("searched")
    for key in space.keys:
        times = key.name == "teacher_temperature" and key.scale == 1.0
        table.add_row(key.name, key.range() + (" times what the teacher's scores suggest" if times else ""))
    for name, why in space.left_out.items():
        table.add_row(name, f"not searched: {why}")
    console.print(table)
    unknown = any(line.seconds is None for line in lines if line.step in SHARED)
    say(f"Before the first trial: candidates and scores, at most {duration(shared)}{' + ?' if unknown else ''}")
    say(
        f"A trial: {duration(own)} as the recipe is, {duration(mean)} in the mean of all values "
        f"({duration(min(each))} to {duration(max(each))})"
    )
    most = "" if limits.trials is None else f", at most {limits.trials} (--trials)"
    say(f"About {fitting} trials in {limits.minutes:g} minutes{most}; those that are pruned leave time for more")
    say(ABOUT)


def _sizes(space: Space, lists: int, longest: int) -> list[float]:
    """Lengths of trials of every number of epochs and candidates, in those of the given recipe."""
    named = {key.name: key.values for key in space.keys if key.name in ("epochs", "candidates_per_query")}
    own = np.prod(work(space.base, lists, longest))
    found = []
    for values in itertools.product(*named.values()):
        recipe = space.recipe({**space.own, **dict(zip(named, values, strict=True))})
        found.append(float(np.prod(work(recipe, lists, longest)) / own))
    return found
