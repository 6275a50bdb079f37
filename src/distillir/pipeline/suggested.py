"""Values that the diagnostics of a teacher's scores suggest: its temperature, and the weight of the labels."""

from typing import Any

from distillir.pipeline.run_folder import RunFolder
from distillir.teaching.teaching_set import open_teaching_set

#: A teacher whose order of the judged training lists has so high an nDCG@10 knows more than the labels do (ours;
#: measured where it has 0.68 and 0.71, which is not enough, and 0.90: benchmarks/results/default.md).
KNOWS_BETTER = 0.8
#: Weight of the labels beside such a teacher.
FEW_LABELS = 0.3


def suggested_temperature(folder: RunFolder) -> float | None:
    """The teacher's temperature by its diagnostics; None where no temperature fits."""
    suggested: float | None = _diagnostics(folder).get("temperature")
    return suggested


def labels_weight(folder: RunFolder) -> float:
    """The weight of the cross-entropy of judged positives beside the teacher's scores, by how it ranks them."""
    agreement = _diagnostics(folder).get("ndcg_at_10")
    return FEW_LABELS if agreement is not None and agreement >= KNOWS_BETTER else 1.0


def _diagnostics(folder: RunFolder) -> dict[str, Any]:
    """Diagnostics of the teaching set; where it has none yet they are noted now."""
    from distillir.teaching.diagnosis import diagnose_set

    known: dict[str, Any] = folder.facts.read().get("diagnostics", {})
    if "temperature" not in known:
        found = diagnose_set(open_teaching_set(folder.teaching, folder.collection))
        if found is None:
            return {}
        known = {**found.to_dict(), **known}
        folder.facts.note(diagnostics=known)
    return known
