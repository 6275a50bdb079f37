"""The projection at the end of a query encoder: the best linear map of its vectors before training (ours)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.base.progress import progress, say

Vectors = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

#: Weights of the ridge, as shares of the mean variance of the student's vectors; the best on texts held out is taken.
RIDGES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
#: One text in so many is held out to choose by.
HELD_OUT = 10
#: Tokens of a text that the student reads for the fit: queries are short, and of documents their beginning does.
READ = 64
#: What progress says of texts that a projection is fitted on, as the student reads them.
FITTING = "Read texts to fit the projection"
#: Mean cosine that a projection must gain, where widths are the same, to be put in.
NEARER = 0.01


@dataclass(frozen=True)
class Projection:
    """An affine map from the student's vectors to the documents'.

    Attributes:
        weight: [D, W].
        bias: [D].
        cosine: Mean cosine to the target of texts that were held out.
    """

    weight: Matrix
    bias: npt.NDArray[np.float64]
    cosine: float


def fit(start: Vectors, wanted: Vectors) -> Projection:
    """Fit by least squares with a ridge; the bias, which takes up the means, has none.

    Args:
        start: The student's vectors [N, W].
        wanted: The documents' model's vectors [N, D] of the same texts.
    """
    held = np.arange(len(start)) % HELD_OUT == HELD_OUT - 1
    held[-1:] |= not held.any()
    known = ~held if len(start) > 1 else held
    solve = _solver(start[known], wanted[known])
    found = [(cosine(_apply(start[held], *solve(ridge)), wanted[held]), ridge) for ridge in RIDGES]
    best, ridge = max(found)
    weight, bias = _solver(start, wanted)(ridge)
    return Projection(weight, bias, best)


def cosine(given: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> float:
    """The mean cosine of aligned vectors [N, D]."""
    lengths = np.linalg.norm(given, axis=1) * np.linalg.norm(wanted, axis=1)
    return float(np.mean((given * wanted).sum(axis=1) / np.maximum(lengths, 1e-12)))


def _apply(vectors: Vectors, weight: Matrix, bias: npt.NDArray[np.float64]) -> Matrix:
    return np.asarray(vectors @ weight.T + bias)


def _solver(start: Vectors, wanted: Vectors) -> Any:
    """A function from a ridge to weight and bias."""
    middle, target = start.mean(axis=0, dtype=np.float64), wanted.mean(axis=0, dtype=np.float64)
    given, aim = start - middle, wanted - target
    products, across = given.T @ given, given.T @ aim
    scale = max(float(np.trace(products)) / len(products), 1e-12)

    def solve(ridge: float) -> tuple[Matrix, npt.NDArray[np.float64]]:
        weight = np.linalg.solve(products + ridge * scale * np.eye(len(products)), across).T
        return weight, target - weight @ middle

    return solve


def without_normalize(model: Any) -> list[Any]:
    """The modules of a model but for normalisation at its end."""
    from sentence_transformers.base.modules import Normalize

    modules = list(model.children())
    while isinstance(modules[-1], Normalize):
        modules.pop()
    return modules


def projected(model: Any, width: int, *, unit: bool, found: Projection | None, seed: int = 0) -> Any:
    """A query encoder with a linear layer, with a bias and no activation, at its end.

    Args:
        model: The query encoder.
        width: Of the documents' vectors.
        unit: Whether these have length 1: then those of queries do, too.
        found: The layer's values; None: torch's, drawn by the seed.
        seed: See there.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Normalize

    modules = without_normalize(model)
    layer = new_layer(int(model.get_embedding_dimension()), width, seed)
    if found is not None:
        fill_layer(layer, found)
    made = SentenceTransformer(
        modules=[*modules, layer, *([Normalize()] if unit else [])],
        similarity_fn_name=model.similarity_fn_name,
        prompts=model.prompts,
        device=str(model.device),
        trust_remote_code=model.trust_remote_code,
    )
    made.default_prompt_name = model.default_prompt_name
    made.eval()
    return made


def new_layer(start: int, width: int, seed: int, **more: Any) -> Any:
    """A linear layer, sentence-transformers' ``Dense``, with a bias and no activation, of weights drawn by a seed.

    Args:
        start: Numbers of a vector before it.
        width: Behind it.
        seed: See above.
        more: Further arguments of ``Dense``.
    """
    import torch
    from sentence_transformers.base.modules import Dense

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Dense(start, width, bias=True, activation_function=torch.nn.Identity(), **more)


def fill_layer(layer: Any, found: Projection) -> None:
    """Put a projection into a layer of `new_layer`."""
    import torch

    with torch.no_grad():
        layer.linear.weight.copy_(torch.from_numpy(found.weight))
        layer.linear.bias.copy_(torch.from_numpy(found.bias))


def choose(model: Any, texts: list[str], wanted: Vectors, how: str, name: str, seed: int = 0) -> Any:
    """The query encoder with the projection that a recipe asks for.

    Args:
        model: The query encoder, not projected.
        texts: What the projection is fitted on [N].
        wanted: The documents' model's vectors of these [N, D].
        how: ``auto``, ``least-squares`` or ``random``.
        name: The index's.
        seed: Of random weights.
    """
    from distillir.encoding.vectors import encode_texts

    width, unit = wanted.shape[1], has_unit_length(wanted)
    if how == "random":
        say(f"Student's vectors are projected onto the {width} numbers of {name}: by random weights")
        return projected(model, width, unit=unit, found=None, seed=seed)
    reading: Any = {"kind": "query", "max_length": _tokens(model), "precision": "float32"}
    with progress(FITTING, len(texts)) as advance:
        start = encode_texts(_bare(model), texts, **reading, advance=advance)
    found = fit(start, wanted)
    if how == "auto" and start.shape[1] == width and (own := cosine(start, wanted)) >= found.cosine - NEARER:
        say(f"Student's vectors fit those of {name} as they are (cosine {own:.3f}): no projection")
        return model
    say(
        f"Student's vectors are projected onto the {width} numbers of {name}: least squares on {len(texts)} texts, "
        f"cosine {found.cosine:.3f} on those held out"
    )
    return projected(model, width, unit=unit, found=found)


def _tokens(model: Any) -> int:
    """Tokens of a text that are read for the fit."""
    from distillir.encoding.reading import most_tokens

    return min(READ, most_tokens(model) or READ)


def _bare(model: Any) -> Any:
    """The model without normalisation at its end, as the projection sees it."""
    from sentence_transformers import SentenceTransformer

    made = SentenceTransformer(modules=without_normalize(model), prompts=model.prompts, device=str(model.device))
    made.default_prompt_name = model.default_prompt_name
    return made


def has_unit_length(vectors: Vectors) -> bool:
    """Tell whether vectors [N, D] have length 1, but for rounding to 16 bits."""
    return bool(np.allclose(np.linalg.norm(vectors.astype(np.float32), axis=1), 1.0, atol=2e-3))
