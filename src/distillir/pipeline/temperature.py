"""The teacher's temperature that its scores suggest."""

from distillir.pipeline.run_folder import RunFolder
from distillir.teaching.teaching_set import open_teaching_set


def suggested_temperature(folder: RunFolder) -> float | None:
    """The teacher's temperature by its diagnostics; of a teaching set that has none yet they are noted now."""
    from distillir.teaching.diagnosis import diagnose_set

    if "temperature" not in folder.facts.read().get("diagnostics", {}):
        found = diagnose_set(open_teaching_set(folder.teaching, folder.collection))
        if found is None:
            return None
        folder.facts.note(diagnostics={**found.to_dict(), **folder.facts.read().get("diagnostics", {})})
        return found.temperature
    suggested: float | None = folder.facts.read()["diagnostics"]["temperature"]
    return suggested
