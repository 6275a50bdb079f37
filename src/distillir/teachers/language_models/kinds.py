"""Language models as a recipe names them for teachers, of scores and of preferences."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.language_models.load import check_choice, check_likelihood, load_choice, load_likelihood
from distillir.language_models.spec import CHOICE, LikelihoodSpec, OwnPromptSpec
from distillir.specs.kind import OptionKind
from distillir.teachers.kind import PairwiseKind, TeacherKind

if TYPE_CHECKING:
    from distillir.language_models.asker import Asker
    from distillir.teachers.language_models.asking import AskingPairs, AskingTeacher

#: How far apart in the pointwise order pairs lie, by kind (MiuLab/PairDistill pairwise_rerank.py and its instupr form).
_DISTANCES = {"duot5": 5, "prompt": 7}


def asker_of(kind: OptionKind, options: Any, where: str) -> "Asker":
    """What is asked of a language model, for one of the kinds of this file.

    Raises:
        DistillirError: Its model is not there.
    """
    if isinstance(options, LikelihoodSpec):
        return load_likelihood(options)
    return load_choice(kind.name, options, where, pairwise=isinstance(kind, PairwiseKind))


def asks(kind: OptionKind) -> bool:
    """Whether a kind is a language model that is asked."""
    return kind in (PROMPT, MONOT5, QUERY_LIKELIHOOD, PAIRWISE_PROMPT, DUOT5)


def _choice(name: str, options: Any, cache: Path | None) -> "AskingTeacher":
    from distillir.teachers.language_models.asking import AskingTeacher

    return AskingTeacher(load_choice(name, options, f"teacher.{name}"), cache and cache / "scores")


def _likelihood(options: LikelihoodSpec, cache: Path | None) -> "AskingTeacher":
    from distillir.teachers.language_models.asking import AskingTeacher

    return AskingTeacher(load_likelihood(options), cache and cache / "scores")


def _pairs(name: str, options: Any, cache: Path | None) -> "AskingPairs":
    from distillir.teachers.language_models.asking import AskingPairs

    asker = load_choice(name, options, f"method.pairs.teacher.{name}", pairwise=True)
    return AskingPairs(asker, _DISTANCES[name], cache)


PROMPT = TeacherKind(
    "prompt",
    "a language model asked Yes or No (InstUPR), by transformers or an OpenAI-compatible server",
    CHOICE,
    "model",
    check=partial(check_choice, "prompt", pairwise=False),
    make=partial(_choice, "prompt"),
)
MONOT5 = TeacherKind(
    "monot5",
    "monoT5: a T5 fine-tuned to say true or false of a document",
    OwnPromptSpec,
    "model",
    make=partial(_choice, "monot5"),
)
QUERY_LIKELIHOOD = TeacherKind(
    "query-likelihood",
    "how likely the query is behind the document, by any decoder; no instruction tuning needed",
    LikelihoodSpec,
    "model",
    check=check_likelihood,
    make=_likelihood,
)
PAIRWISE_PROMPT = PairwiseKind(
    "prompt",
    "a language model asked A or B (InstUPR), by transformers or an OpenAI-compatible server",
    CHOICE,
    "model",
    check=partial(check_choice, "prompt", pairwise=True),
    make=partial(_pairs, "prompt"),
)
DUOT5 = PairwiseKind(
    "duot5",
    "duoT5: a T5 fine-tuned to say true or false of the first of two documents",
    OwnPromptSpec,
    "model",
    make=partial(_pairs, "duot5"),
)
