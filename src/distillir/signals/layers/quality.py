"""Quality of a teacher's layers: how well each ranks the lists that it is to teach."""

import numpy as np
import numpy.typing as npt

from distillir.signals.layers.layer_set import LayerSet
from distillir.teaching.lists import Lists


def best_layers(layers: LayerSet, lists: Lists) -> tuple[int, ...]:
    """Layers from the one that ranks best on (ours): by mean reciprocal rank of the best judged candidate.

    Where no list has a judged candidate: by how often a layer orders two candidates as the teacher's scores do. Of
    equally good ones the later comes first.
    """
    judged = [index for index in range(len(layers)) if lists.relevant(index).any() and not lists.relevant(index).all()]
    if judged:
        quality = np.mean([_reciprocal_ranks(layers.of(i), lists.relevant(i)) for i in judged], axis=0)
    else:
        wide = [index for index in range(len(layers)) if len(lists.documents(index)) > 1]
        quality = np.mean([_agreement(layers.of(i), lists.scores(i)) for i in wide], axis=0)
    return tuple(sorted(range(layers.depth), key=lambda layer: (-quality[layer], -layer)))


def _reciprocal_ranks(scores: npt.NDArray[np.float32], relevant: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Reciprocal rank of each layer's scores [depth, N]; candidates tied with the best relevant one stand before it."""
    best = np.where(relevant, scores, -np.inf).max(axis=1, keepdims=True)
    found: npt.NDArray[np.float64] = 1.0 / (1 + ((scores >= best) & ~relevant).sum(axis=1))
    return found


def _agreement(scores: npt.NDArray[np.float32], teacher: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Kendall's tau-a of each layer's scores [depth, N] and the teacher's [N]."""
    order = np.sign(teacher[:, None] - teacher[None, :])
    own = np.sign(scores[:, :, None] - scores[:, None, :])
    found: npt.NDArray[np.float64] = (own * order).mean(axis=(1, 2))
    return found
