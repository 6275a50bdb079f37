"""``--report-to``: the tracker of a training, short for ``--set training.report_to=...``."""

from typing import Annotated

import typer

ReportTo = Annotated[
    str | None,
    typer.Option(
        "--report-to",
        metavar="TRACKER",
        help="tell losses and measures to wandb, tensorboard or trackio, too; see docs/train.md",
    ),
]


def with_report_to(settings: list[str] | None, tracker: str | None) -> list[str]:
    """The settings of a command line, with the tracker's among them where one is named."""
    return [*(settings or ()), *([] if tracker is None else [f"training.report_to={tracker}"])]
