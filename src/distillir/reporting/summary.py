"""Summary of a run's gain: one sentence, and one table for the terminal."""

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from distillir.reporting.metrics import ComparisonFigures, Measured, Metrics
from distillir.reporting.wording import interval, measured, p_value, percent, signed

#: Columns of the table of measures.
COLUMNS = ("measure", "before", "after", "teacher", "gain", "95 % interval", "p", "share")


def evidence(metrics: Measured, measure: str) -> list[str]:
    """The gain on a measure and how sure it is: ``+0.143``, ``95 % CI [+0.101, +0.185]``, ``p < 0.001``."""
    return [signed(metrics.gain(measure)), *_sure(metrics.compared(measure))]


def _sure(compared: ComparisonFigures | None) -> list[str]:
    """Interval and p value of a difference, where they are known."""
    parts = []
    if compared is not None and compared.low is not None and compared.high is not None:
        parts.append(f"95 % CI {interval(compared)}")
    if compared is not None and compared.p_value is not None:
        said = p_value(compared.p_value)
        parts.append(f"p {said}" if said.startswith("<") else f"p = {said}")
    return parts


def change(metrics: Measured) -> str:
    """The main measure before and after: ``from 0.312 to 0.455 MRR@10``; unknown values are left out."""
    if not metrics.measures:
        return "has not been evaluated"
    measure = metrics.measures[0]
    before, after = metrics.value("before", measure), metrics.value("after", measure)
    if before is not None and after is not None:
        return f"went from {measured(before)} to {measured(after)} {measure}"
    if after is not None:
        return f"reaches {measured(after)} {measure}"
    return "has not been evaluated after training"


def headline(metrics: Metrics) -> str:
    """One sentence: the student before and after, how sure the gain is, and how near it comes to the teacher.

    For example: ``kl on stdlib: the student went from 0.312 to 0.455 MRR@10 (+0.143, 95 % CI [+0.101, +0.185],
    p < 0.001), 93 % of the teacher``.
    """
    subject = " on ".join(name for name in (metrics.method, metrics.collection) if name)
    sentence = f"{subject}: the student {change(metrics)}" if subject else f"The student {change(metrics)}"
    if not metrics.measures:
        return sentence
    measure = metrics.measures[0]
    if metrics.gain(measure) is not None:
        sentence += f" ({', '.join(evidence(metrics, measure))})"
    if metrics.share(measure) is not None:
        sentence += f", {percent(metrics.share(measure))} of the teacher"
    return sentence


def beside(metrics: Metrics) -> list[str]:
    """Sentences that follow the headline: on the first stage, and on each other collection."""
    return [*to_first_stage(metrics), *elsewhere(metrics)]


def to_first_stage(metrics: Metrics) -> list[str]:
    """A sentence on a reranker's first stage, where there is one.

    For example: ``First stage (the candidates' own order): 0.612 nDCG@10; the student is +0.093 to it (95 % CI
    [+0.051, +0.135], p < 0.001)``.
    """
    if not metrics.measures or metrics.value("first_stage", metrics.measures[0]) is None:
        return []
    measure = metrics.measures[0]
    line = f"First stage (the candidates' own order): {measured(metrics.value('first_stage', measure))} {measure}"
    compared = next((one for one in metrics.against_first_stage if one.measure == measure), None)
    if compared is not None:
        sure = ", ".join(_sure(compared))
        line += f"; the student is {signed(compared.difference)} to it" + (f" ({sure})" if sure else "")
    return [line]


def elsewhere(metrics: Metrics) -> list[str]:
    """A sentence on each other collection.

    For example: ``On medquad (500 test queries) it went from 0.512 to 0.498 nDCG@10 (-0.014, p = 0.03)``.
    """
    lines = []
    for name, found in metrics.also.items():
        asked = " ".join(part for part in (str(found.queries or ""), found.split, "queries") if part)
        line = f"On {name} ({asked}) it {change(found)}"
        if found.measures and found.gain(found.measures[0]) is not None:
            line += f" ({', '.join(evidence(found, found.measures[0]))})"
        lines.append(line)
    return lines


def summary_table(metrics: Metrics) -> Table:
    """The measures as a table for the terminal.

    Args:
        metrics: What `read_metrics` gave.

    Returns:
        One row per measure: before, after, teacher, gain, 95 % interval, p value, share (student after over teacher).
        A gain that is significant (p < 0.05) is green, such a loss red.
    """
    # Fits the usual 80 columns.
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == COLUMNS[0] else "right", no_wrap=True)
    for measure in metrics.measures:
        compared = metrics.compared(measure)
        sure = compared is not None and compared.significant
        style = ("green" if (metrics.gain(measure) or 0) > 0 else "red") if sure else ""
        name, before, after, teacher, gain, *rest = cells(metrics, measure)
        table.add_row(Text(name), before, Text(after, style="bold"), teacher, Text(gain, style=style), *rest)
    return table


def cells(metrics: Metrics, measure: str) -> list[str]:
    """One measure as text, by `COLUMNS`."""
    compared = metrics.compared(measure)
    return [
        measure,
        measured(metrics.value("before", measure)),
        measured(metrics.value("after", measure)),
        measured(metrics.value("teacher", measure)),
        signed(metrics.gain(measure)),
        interval(compared),
        p_value(compared.p_value if compared else None),
        percent(metrics.share(measure)),
    ]


def rounds(metrics: Metrics, measure: str) -> list[tuple[str, float]]:
    """A measure before training, after each round that another followed, and at the end; what is unknown is left out.

    Returns:
        Names (``before``, ``Round 1``, ...) and values.
    """
    stages = sorted(metrics.rounds, key=int)
    told = [("before", metrics.value("before", measure))]
    told += [(f"Round {number}", metrics.rounds[stage].get(measure)) for number, stage in enumerate(stages, 1)]
    told.append((f"Round {len(stages) + 1}", metrics.value("after", measure)))
    return [(name, value) for name, value in told if value is not None]
