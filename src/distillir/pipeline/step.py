"""A step of a run, and the question whether something of a run is made already: asked once, answered to all alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from distillir.base.processes import Write, barrier, first_decides, make_together
from distillir.pipeline.products import BY_NAME
from distillir.pipeline.provenance import reusable
from distillir.pipeline.run_folder import RunFolder


@dataclass(frozen=True)
class Step:
    """A part of a run: does its work, goes on where a kill stopped it, and passes over what is there.

    Attributes:
        name: Its name in the list of steps (`distillir.pipeline.steps.STEPS`), and for the dry run.
        run: The work. It decides itself whether the recipe wants it.
        verb: The verb of the command line that takes it, besides ``run``; None: ``run`` alone.
        makes: Names of the products that it makes where they are missing (`distillir.pipeline.products.PRODUCTS`).
        needs: Names of the products that it reads and cannot make; a missing one is refused where one of ``makes`` is
            missing that comes after it.
        looks: Whether it only looks and refuses: a dry run takes it too.
    """

    name: str
    run: Callable[[RunFolder], object]
    verb: str | None = None
    makes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    looks: bool = False

    def lacks(self, folder: RunFolder) -> list[str]:
        """Names of products without which it cannot make what is missing, and which are not there.

        A product of which a part is missing counts as there: its step makes the rest.
        """
        missing = [BY_NAME[name] for name in self.makes if not exists(folder, name)]
        after = {name for product in missing if product.wanted(folder) for name in product.made_from(folder)}
        needed = [name for name in self.needs if name in after and BY_NAME[name].wanted(folder)]
        return [name for name in needed if not exists(folder, name)]


def walk(folder: RunFolder, steps: Sequence[Step]) -> None:
    """Take steps in order.

    Args:
        folder: The run's.
        steps: Some of `distillir.pipeline.steps.STEPS`, in their order.

    Raises:
        DistillirError: A step lacks what none before it makes (then none is taken; the message names the verb that
            makes it), and as the steps do.
    """
    made: set[str] = set()
    for step in steps:
        for name in step.lacks(folder):
            if name not in made:
                folder.need(BY_NAME[name].path(folder), BY_NAME[name].verb)
        made.update(step.makes)
    barrier()  # no process makes anything before all have looked
    for step in steps:
        step.run(folder)


def exists(folder: RunFolder, product: str) -> bool:
    """Tell whether a product's first path is there, whatever it was made from; each process looks for itself."""
    return BY_NAME[product].path(folder).exists()


def made(folder: RunFolder, what: str | Path) -> bool:
    """Tell whether something of a run is made already; every process gets the same answer.

    Args:
        folder: The run's.
        what: A product by its name, which must fit what it was made from (`distillir.pipeline.provenance.reusable`); or
            a file or folder of a product, whose own contents or place say what it was made from.

    Raises:
        DistillirError: The product was made from something else; the message names what has changed.
    """
    return reusable(folder, what) if isinstance(what, str) else first_decides(what.exists)


def make_once(
    folder: RunFolder, what: str | Path, make: Callable[[], Write | None], *, timed: str | None = None
) -> bool:
    """Make something of a run where it is missing, all processes together.

    Args:
        folder: The run's.
        what: As in `made`.
        make: As in `distillir.base.processes.make_together`.
        timed: Under which stage its seconds are counted; None: they are not.

    Returns:
        Whether it was made now.

    Raises:
        DistillirError: As `made`, and what ``make`` raises.
    """
    if made(folder, what):
        return False
    make_together(make, None if timed is None else folder.facts.timed(timed))
    return True
