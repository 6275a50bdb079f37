"""Choice of a query's dark examples among many: those that fill the gap in the teacher's scores."""

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows, Scores

CHOICES = {
    "middle": "those whose scores lie between the hard negatives and the positive, spread evenly over that gap",
    "random": "any, at random",
}


def choose_dark(
    dark: Scores,
    positive: float,
    negatives: Scores,
    count: int,
    generator: np.random.Generator,
    *,
    choice: str = "middle",
    floor: float = 1.0,
    drop_above: bool = True,
) -> Rows:
    """Choose dark examples of a query by the teacher's scores.

    **Reconstruction.** The paper says that dark examples are of moderate relevance, where mined candidates leave the
    teacher's scores empty; how they are chosen is not known.

    Args:
        dark: Teacher scores of the query's dark examples [D].
        positive: The teacher's score of the positive.
        negatives: Its scores of the hard negatives [N]; without any the gap has no lower end.
        count: How many are wanted; fewer are chosen where fewer fit.
        generator: Draws where there is a choice.
        choice: One of `CHOICES`.
        floor: Quantile of the negatives' scores at which the gap begins: 1 is the best negative, 0.5 the median.
        drop_above: Leave out texts that the teacher scores above the positive (a guard).

    Returns:
        Places in ``dark``, each once.
    """
    fitting: npt.NDArray[np.bool_] = np.ones(len(dark), dtype=bool)
    if drop_above:
        fitting &= dark <= positive
    if choice == "random":
        places = np.flatnonzero(fitting)
        return generator.permutation(places)[:count].astype(np.int64)
    low = float(np.quantile(negatives, floor)) if len(negatives) else -np.inf
    places = np.flatnonzero(fitting & (dark > low) & (dark < positive))
    if len(places) <= count:
        return places.astype(np.int64)
    # The text nearest to each of evenly spaced scores within the gap, none twice.
    begin = low if np.isfinite(low) else float(dark[places].min())
    chosen: list[int] = []
    for target in np.linspace(begin, positive, count + 2)[1:-1]:
        free = [place for place in places.tolist() if place not in chosen]
        chosen.append(min(free, key=lambda place: abs(float(dark[place]) - target)))
    return np.array(chosen, dtype=np.int64)
