"""Diagnostics of dark examples: how well they fill the gap in the teacher's scores, and how they soften its softmax."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from distillir.base.arrays import Scores
from distillir.base.progress import say
from distillir.signals.dark_examples.dark_example_lists import DarkExampleLists, hard_negatives

#: Share of lists without any dark example that fits, above which a warning is given.
SPARSE = 0.5
#: Of each kind, for the report.
EXAMPLES = 4


@dataclass(frozen=True)
class KindFigures:
    """Dark examples of one kind.

    Attributes:
        made: How many.
        score: The teacher's mean score of them.
        gap: Share that it scores above all hard negatives of the list and below its positive.
        above: Share that it scores above the positive.
        chosen: Share of all that training examples hold.
    """

    made: int
    score: float
    gap: float
    above: float
    chosen: float


@dataclass(frozen=True)
class DarkDiagnostics:
    """Figures on dark examples; means are over the lists that have any.

    Attributes:
        lists: Lists with dark examples.
        kinds: ``reinforced`` and ``noisy``, where they were made.
        positive: The teacher's mean score of the positives.
        negative: Its mean score of hard negatives.
        chosen: Mean number of dark examples that a training example holds.
        without: Share of the lists in which none fits.
        entropy: Mean entropy of the teacher's softmax at temperature 1 as a share of that of the uniform distribution
            over as many texts: of the candidates, of these and the chosen dark examples (``with_dark``), and of
                positive
            and chosen dark examples (``dark_list``).
        nats: The same entropies in nats.
        share: The positive's mean share of these softmaxes.
        confidence: Least, median and greatest confidence of the gate; None without a gate.
        opened: Share of lists with chosen dark examples that the gate opens at the start and at the end of a stage.
        examples: Some chosen dark examples to show, each the index of its list and its place among that list's.
    """

    lists: int
    kinds: dict[str, KindFigures]
    positive: float
    negative: float | None
    chosen: float
    without: float
    entropy: dict[str, float]
    nats: dict[str, float]
    share: dict[str, float]
    confidence: list[float] | None
    opened: list[float]
    examples: list[tuple[int, int]]

    def to_dict(self) -> dict[str, Any]:
        """The figures as a mapping for JSON."""
        return asdict(self)

    def say(self) -> None:
        """Print the figures, a line each kind."""
        for name, kind in self.kinds.items():
            say(
                f"  {name}: {kind.made} made, mean score {kind.score:.3g}; {kind.gap:.0%} between the hard negatives "
                f"(mean {_number(self.negative)}) and the positive (mean {self.positive:.3g}), {kind.above:.0%} above"
            )
        say(
            f"  a training example holds {self.chosen:.1f} of them ({self.without:.0%} of the lists none); the "
            f"teacher's softmax is at {self.entropy['candidates']:.2f} of uniform without and "
            f"{self.entropy['with_dark']:.2f} with them"
        )
        if self.confidence is not None:
            low, middle, high = self.confidence
            say(
                f"  gate: open for {self.opened[0]:.0%} of the lists at first, {self.opened[1]:.0%} at last "
                f"(confidence from {low:.2f} to {high:.2f}, median {middle:.2f})"
            )
        if self.without > SPARSE:
            say(
                "  WARNING: few dark examples lie between the hard negatives and the positive of this teacher; "
                "a lower method.dark.floor takes more, or it has no use for them"
            )
        elif not any(self.opened):
            say(
                "  WARNING: the gate opens for no list, so that no dark example is learnt from: "
                "lower method.dark.gate.start, or set method.dark.gate.schedule to quantile"
            )


def diagnose_dark(chosen: DarkExampleLists, seed: int = 0) -> DarkDiagnostics:
    """Look at dark examples.

    Args:
        chosen: The dark lists of a recipe.
        seed: For what is drawn.
    """
    lists = chosen.dark.lists
    generator = np.random.default_rng(seed)
    kinds: dict[str, list[tuple[float, bool, bool, bool]]] = {}
    entropies: dict[str, list[float]] = {name: [] for name in ("candidates", "with_dark", "dark_list")}
    nats: dict[str, list[float]] = {name: [] for name in entropies}
    shares: dict[str, list[float]] = {name: [] for name in entropies}
    positives, negatives, sizes = [], [], []
    held: list[tuple[int, int, str]] = []
    for index, found in lists.items():
        picked = chosen.choose(index, generator)
        positive, hard = float(found.candidates[found.positive]), hard_negatives(chosen.lists, index, found)
        positives.append(positive)
        negatives.append(hard)
        sizes.append(len(picked))
        held += [(index, int(place), found.kinds[place]) for place in picked]
        best = float(hard.max()) if len(hard) else -np.inf
        for place, (kind, score) in enumerate(zip(found.kinds, found.scores.tolist(), strict=True)):
            kinds.setdefault(kind, []).append((score, best < score < positive, score > positive, place in picked))
        dark = found.scores[picked]
        for name, values in (
            ("candidates", chosen.lists.scores(index)),
            ("with_dark", np.concatenate([found.candidates, dark])),
            ("dark_list", np.concatenate([[positive], dark])),
        ):
            entropy, weights = _softmax(values)
            nats[name].append(entropy)
            entropies[name].append(entropy / np.log(len(values)) if len(values) > 1 else 0.0)
            shares[name].append(float(weights[found.positive if name != "dark_list" else 0]))
    confidences = sorted(chosen.confidences.values())
    hard_scores = np.concatenate(negatives) if negatives else np.empty(0)
    return DarkDiagnostics(
        lists=len(lists),
        kinds={kind: KindFigures(len(rows), *_means(rows)) for kind, rows in sorted(kinds.items(), reverse=True)},
        positive=float(np.mean(positives)),
        negative=float(hard_scores.mean()) if len(hard_scores) else None,
        chosen=float(np.mean(sizes)),
        without=float(np.mean(np.array(sizes) == 0)),
        entropy={name: float(np.mean(values)) for name, values in entropies.items()},
        nats={name: float(np.mean(values)) for name, values in nats.items()},
        share={name: float(np.mean(values)) for name, values in shares.items()},
        confidence=None
        if chosen.spec.gate is None or not confidences
        else [confidences[0], float(np.median(confidences)), confidences[-1]],
        opened=[
            float(np.mean([chosen.open(index, progress) for index in chosen.confidences] or [False]))
            for progress in (0.0, 1.0)
        ],
        examples=_examples(held),
    )


def _examples(held: Sequence[tuple[int, int, str]]) -> list[tuple[int, int]]:
    """A few dark examples of each kind, of lists evenly spread over all."""
    chosen: list[tuple[int, int]] = []
    for kind in sorted({kind for *_, kind in held}, reverse=True):
        own = [(index, place) for index, place, found in held if found == kind]
        chosen += [own[i] for i in np.unique(np.linspace(0, len(own) - 1, min(EXAMPLES, len(own))).astype(int))]
    return chosen


def _means(rows: Sequence[tuple[float, ...]]) -> tuple[float, float, float, float]:
    score, gap, above, chosen = np.mean(np.array(rows, dtype=np.float64), axis=0).tolist()
    return score, gap, above, chosen


def _softmax(scores: Scores) -> tuple[float, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """Entropy in nats and weights of a softmax."""
    shifted = np.exp(scores.astype(np.float64) - scores.max())
    weights = shifted / shifted.sum()
    return float(-(weights * np.log(np.maximum(weights, 1e-300))).sum()), weights


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"
