"""The lines in which ``status`` tells what of a run is there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_STATES = (("done", "done"), ("running", "running"), ("died", "died"), ("missing", "not begun"))


def status_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Lines of what `distillir.pipeline.shards.status.look` has found."""
    held = f" (in use: {found['held_by']})" if found["held_by"] else ""
    yield f"{'output':9}{found['output']}{held}"
    if found["collection"] != "there":
        yield f"{'texts':9}{found['collection']}: nothing can be counted"
    for stage in found["stages"]:
        yield f"{stage['stage']:9}{'; '.join(_told(stage))}"
        for shards in stage.get("shards", ()):
            yield f"{'':9}shards of {shards['of']}: {', '.join(_by_state(shards))}"
    for waiting in found["waiting_for"]:
        yield f"{'at work':9}{waiting}"
    yield f"{'next':9}{found['next'] or _nothing(found)}"


def _told(stage: Mapping[str, Any]) -> list[str]:
    parts = [
        f"{part['known']} of {part['of']} {part['queries']}{'' if part['merged'] else ', not merged'}"
        for part in stage.get("parts", ())
    ]
    parts += [f"{part['known']} of {part['of']} {part['texts']}" for part in stage.get("texts", ())]
    parts += [f"{part['known']} of {part['of']} pairs by {part['teacher']}" for part in stage.get("answers", ())]
    if stage.get("done"):
        return ["done", *parts]
    return parts or ["missing" if "done" in stage else "nothing"]


def _by_state(shards: Mapping[str, Any]) -> list[str]:
    told = []
    for state, word in _STATES:
        if shards[state]:
            holders = (
                [f"{number}: {holder}" for number, holder in shards["holders"].items()] if state == "running" else []
            )
            who = f" ({', '.join(holders)})" if holders else ""
            told.append(f"{_ranges(shards[state])} {word}{who}")
    return told


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers in short: ``1-3, 7``."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def _nothing(found: Mapping[str, Any]) -> str:
    return "wait for the shards that are at work" if found["waiting_for"] else "nothing: all is there"
