"""Measures during a student's training and the state that was kept: printed, and noted for ``metrics.json``."""

from pathlib import Path

from distillir.base.processes import rank
from distillir.base.progress import say
from distillir.pipeline.run_folder import RunFolder
from distillir.training.selection import MEASURE, Selection

#: Under what it is noted, and stands in ``metrics.json``.
FACT = "selection"


def note_selection(folder: RunFolder, chosen: Selection, checkpoints: Path, steps: int, stage: int | None) -> None:
    """Print and note which state of a stage is kept.

    The fact's ``measures``, ``best_step``, ``steps``, ``stopped_early`` and ``seconds`` are those of the last stage
    that was trained; ``stages`` has those of every stage by its number, where the plan has several.

    Args:
        folder: The run's.
        chosen: What was chosen by.
        checkpoints: Where the training has left its measures.
        steps: Of the stage.
        stage: Its number, where the plan has several.
    """
    from distillir.base.best_state import BestState

    if rank() != 0:
        return
    state = BestState.read(checkpoints)
    found = state.facts(steps)
    (step, value), best = state.kept, state.best
    before = "student before training" if stage in (None, 1) else f"student that stage {stage} began with"
    name = "" if stage is None else f"Stage {stage}: "
    of = f"{MEASURE} on {chosen.split} (not reported)"
    if step == 0:
        say(f"{name}the {before} was best: it is kept ({value:.4f} {of})")
    else:
        ended = f"; stopped early, after step {state.measures[-1][0]}" if found["stopped_early"] else ""
        first = state.measures[0][1]
        why = "was best and is kept" if step == best[0] else f"is kept, within chance of step {best[0]}, {best[1]:.4f}"
        say(f"{name}step {step} of {steps} {why} ({value:.4f} {of}; {first:.4f} before it){ended}")
        if state.within_chance:
            say(
                f"{name}within chance of what it was before, by {len(chosen.queries)} queries "
                f"({state.errors:.1f} standard errors): look at the teacher's scores, or choose by more queries"
            )
    noted = folder.facts.read().get(FACT, {})
    by_stage = {} if stage is None else {"stages": {**noted.get("stages", {}), str(stage): found}}
    about = {
        "split": chosen.split,
        "queries": len(chosen.queries),
        "pool": len(chosen.documents),
        "held_out": len(chosen.left_out),
        "measure": MEASURE,
    }
    folder.facts.note(**{FACT: {**about, **found, **by_stage}})
