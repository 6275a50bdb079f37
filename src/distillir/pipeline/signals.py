"""Signals of a run: their answers are made, and they are measured."""

from typing import Any

from distillir.base.processes import barrier
from distillir.composition.compose import compose
from distillir.pipeline.mine import prepare_student
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.signal_place import SignalPlace
from distillir.signals.signal import Signal


class MakingPlace(SignalPlace):
    """A stage whose signals have their answers made: the student before training is made for them."""

    def prepare_student(self) -> None:
        """See `distillir.signals.place.Place.prepare_student`."""
        prepare_student(self.run)


def prepare_product(product: str, folder: RunFolder) -> None:
    """Have the teachers answer what the recipe's signals are made of; what is there already is kept.

    Args:
        product: Which product the answers are (`distillir.signals.signal.SignalKind.product`).
        folder: The run's.

    Raises:
        DistillirError: The teaching set is missing, or a signal cannot be made of it.
    """
    place = MakingPlace.of_run(folder)
    for signal in compose(folder.recipe).signals:
        if signal.kind.product == product:
            prepare_signal(signal, place)


def prepare_signal(signal: Signal[Any], place: MakingPlace) -> None:
    """Have the teacher of one signal answer, for the lists of a stage."""
    barrier()
    signal.prepare(place)
    barrier()


def measure_signals(folder: RunFolder) -> None:
    """Measure each signal once the student is trained."""
    place = MakingPlace.of_run(folder)
    for signal in compose(folder.recipe).signals:
        signal.measure(place)
