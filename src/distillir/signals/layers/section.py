"""Section of the report on layers."""

from pathlib import Path

from pydantic import NonNegativeInt

from distillir.collections.collection import Collection
from distillir.reporting.metrics import Metrics
from distillir.reporting.section import Section, rendered
from distillir.signals.layers.figures import layer_pairs_figure, layer_quality_figure, layer_weights_figure
from distillir.signals.layers.report import read_layers
from distillir.teachers.counted import calls_told


def layer_section(path: Path, metrics: Metrics, collection: Collection | None) -> Section | None:
    """The section on layers; None for a run without."""
    if not any((path / name).exists() for name in ("layers", "layers.jsonl", "layer_quality.json")):
        return None
    found, notes = read_layers(path), []
    if not found.draws:
        notes.append("Layers that were compared: the run directory has no layers.jsonl, or no draw in it.")
    if not found.quality:
        notes.append("How well each layer ranks: the run directory has no layer_quality.json that can be read.")
    if found.unreadable:
        notes.append(f"Layers: {found.unreadable} of the lines of layers.jsonl are no draw and were passed over.")
    if not found.draws and not found.quality:
        return Section(notes=tuple(notes))
    return rendered(
        "distillir.signals.layers",
        notes,
        layers=found,
        calls=metrics.part("layer_calls", dict[str, NonNegativeInt]) or {},
        calls_told=calls_told,
        figures={
            "layer_quality": layer_quality_figure(found.quality) if found.quality else None,
            "layer_weights": layer_weights_figure(found),
            "layer_pairs": layer_pairs_figure(found),
        },
    )
