"""Measures in the card of a trained student: a table, and the front matter that hubs make a leaderboard of."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yaml import YAMLError

from distillir.base.files import atomic_file

#: Around what an evaluation writes into a card; the rest is whoever's who edits it.
BEGIN, END = "<!-- measures: written by distillir evaluate -->", "<!-- end of measures -->"


def write_measures(card: Path, metrics: Mapping[str, Any]) -> None:
    """Put an evaluation's measures into a card; nothing where the card is gone.

    Args:
        card: Its file.
        metrics: What ``metrics.json`` holds.
    """
    if not card.is_file():
        return
    text = card.read_text(encoding="utf-8", errors="surrogateescape")
    if (found := measured_card(text, metrics)) != text:
        with atomic_file(card) as file:
            file.write_text(found, encoding="utf-8", errors="surrogateescape")


def measured_card(card: str, metrics: Mapping[str, Any]) -> str:
    """A card with the measures of an evaluation in the place that `model_card` left for them.

    Args:
        card: As it is, edited or not.
        metrics: What ``metrics.json`` holds.

    Returns:
        The card; the same where the place is gone or its front matter cannot be read, since it is someone's own then.
    """
    from huggingface_hub import EvalResult, ModelCard

    before, begin, rest = card.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        return card
    try:
        found = ModelCard(f"{before}{BEGIN}\n{_table(metrics)}\n{END}{after}")
    except (ValueError, YAMLError):
        return card
    collection, split = str(metrics["collection"]), str(metrics["split"])
    data: Any = found.data
    data.eval_results = [
        EvalResult(
            task_type="information-retrieval",
            task_name="Information Retrieval",
            dataset_type=re.sub(r"\W+", "-", collection).strip("-").lower() or "collection",
            dataset_name=collection,
            dataset_split=split,
            metric_type=measure.lower(),
            metric_name=measure,
            metric_value=value,
        )
        for measure, value in metrics["after"].items()
    ]
    title = re.search(r"^# (.+)$", found.text, re.MULTILINE)
    data.model_name = data.model_name or (title[1] if title else f"distilled on {collection}")
    return str(found)


def _table(metrics: Mapping[str, Any]) -> str:
    """Measures before and after training, with their significance, and on other collections."""
    lines = [
        f"{metrics['queries']} queries of {metrics['collection']} ({metrics['split']}):",
        "",
        "| measure | before | after | gain | 95 % interval | p | teacher |",
        "|---|---|---|---|---|---|---|",
    ]
    teacher = metrics.get("teacher", {})
    for one in metrics["comparison"]:
        lines.append(_row(one["measure"], one, f"{teacher[one['measure']]:.3f}" if one["measure"] in teacher else ""))
    for name, other in metrics.get("also", {}).items():
        lines += [_row(f"{one['measure']} on {name}", one, "") for one in other["comparison"][:1]]
    return "\n".join(lines)


def _row(measure: str, one: Mapping[str, Any], teacher: str) -> str:
    p = "< 0.001" if one["p_value"] < 0.001 else f"{one['p_value']:.3f}"
    interval = f"{one['low']:+.3f} to {one['high']:+.3f}"
    return (
        f"| {measure} | {one['before']:.3f} | {one['after']:.3f} | {one['after'] - one['before']:+.3f} | {interval} | "
        f"{p} | {teacher} |"
    )
