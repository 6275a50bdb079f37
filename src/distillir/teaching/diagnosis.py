"""Diagnosis of a teaching set that was made elsewhere, as of one that was scored here."""

from distillir.base.progress import say
from distillir.teachers.diagnostics import Diagnostics, diagnose, say_diagnostics
from distillir.teaching.teaching_set import TeachingSet


def diagnose_set(lists: TeachingSet) -> Diagnostics | None:
    """Figures on the scores of a set; None where it has none."""
    if not lists.has_scores:
        return None
    count = range(len(lists))
    relevant = [lists.relevant(i) for i in count]
    judged = any(flags.any() for flags in relevant)
    return diagnose([lists.scores(i) for i in count], relevant if judged else None)


def say_set(lists: TeachingSet) -> Diagnostics | None:
    """Print the figures on a set, and warnings about what it lacks.

    Returns:
        The figures; None where it has no scores.
    """
    found = diagnose_set(lists)
    if found is not None:
        say_diagnostics(found)
    else:
        say("  no teacher scores: for objectives of judgements alone (info_nce, bce), or to be scored by a teacher")
        if alone := int((lists.sizes < 2).sum()):
            say(f"  {alone} lists have fewer than two candidates: there is nothing to compare in them")
    bare = sum(not lists.relevant(i).any() for i in range(len(lists)))
    if bare:
        say(f"  {bare} of {len(lists)} lists have no judged positive: objectives of positives need pseudo_positives")
    return found


def say_prompts(lists: TeachingSet) -> None:
    """Warn of prompts that an imported file gave its queries and that the set does not hold."""
    prompts = lists.info.get("imported", {}).get("prompts")
    if prompts and not prompts["kept"] and (given := [prompt for prompt in prompts["counts"] if prompt.strip()]):
        say(
            f"  the file it was imported from reads its queries with a prompt ({given[0]!r}"
            f"{' and others' if len(given) > 1 else ''}), which the set does not hold"
        )
