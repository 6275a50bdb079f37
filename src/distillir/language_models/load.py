"""Loading of the language models that a recipe names as teachers."""

from collections.abc import Mapping
from typing import Any

from distillir.base.errors import DistillirError
from distillir.language_models.answer import LEAST_SHARE
from distillir.language_models.asker import Asker
from distillir.language_models.prompt import (
    DUOT5,
    INSTUPR_PAIRWISE,
    INSTUPR_POINTWISE,
    MONOT5,
    PAIRWISE_FIELDS,
    POINTWISE_FIELDS,
    Prompt,
    own_prompt,
)
from distillir.language_models.spec import (
    LikelihoodSpec,
    LocalChoiceSpec,
    OwnPromptSpec,
    PublishedChoiceSpec,
    ServerChoiceSpec,
    read_spec,
)

_PROMPTS = {
    False: {"prompt": INSTUPR_POINTWISE, "monot5": MONOT5},
    True: {"prompt": INSTUPR_PAIRWISE, "duot5": DUOT5},
}


def check_likelihood(spec: LikelihoodSpec, where: str) -> None:
    """Refuse a template that lacks a field; nothing is loaded."""
    if spec.template is not None:
        own_prompt(spec.template, ("", ""), ("document",), INSTUPR_POINTWISE, where)


def check_choice(kind: str, spec: PublishedChoiceSpec | ServerChoiceSpec, where: str, *, pairwise: bool) -> None:
    """Refuse a template without answers, or that lacks a field; nothing is loaded or asked."""
    if isinstance(spec, LocalChoiceSpec | ServerChoiceSpec):
        if (spec.template is None) != (spec.answers is None):
            raise DistillirError("template and answers go together", where=where)
        _prompt(kind, spec, where, pairwise)


def load_likelihood(spec: LikelihoodSpec) -> Asker:
    """Make what asks how likely a query is; its model is loaded when the first question is asked.

    Raises:
        DistillirError: The model is not there.
    """
    from distillir.language_models.likelihood import TEMPLATE, QueryLikelihood

    return QueryLikelihood(
        spec.model,
        template=spec.template or TEMPLATE,
        max_length=spec.max_length,
        precision=spec.precision,
        trust_remote_code=spec.trust_remote_code,
    )


def load_choice(
    kind: str, spec: PublishedChoiceSpec | ServerChoiceSpec, where: str, *, pairwise: bool = False
) -> Asker:
    """Make what asks for one of two answers; models are loaded and servers called when the first question is asked.

    Args:
        kind: ``prompt``, ``monot5``, or ``duot5`` of two documents.
        spec: Its options.
        where: What messages call the place.
        pairwise: Whether questions are about two documents.

    Raises:
        DistillirError: As `check_choice`, or a model that is not there.
    """
    prompt = _prompt(kind, spec, where, pairwise)
    if isinstance(spec, ServerChoiceSpec):
        from distillir.language_models.server_choice import ServerChoice

        return ServerChoice(spec, prompt)
    from distillir.language_models.local_choice import LocalChoice

    # Models that were trained to say two words are read as published.
    least = (LEAST_SHARE if kind == "prompt" else 0.0) if spec.least_share is None else spec.least_share
    return LocalChoice(
        spec.model,
        prompt,
        max_length=spec.max_length,
        precision=spec.precision,
        chat=spec.chat if isinstance(spec, LocalChoiceSpec) else None,
        least_share=least,
        trust_remote_code=spec.trust_remote_code,
    )


def load_asker(kind: str, value: object, where: str, *, pairwise: bool = False) -> Asker:
    """Make what a recipe names, of its options as the recipe writes them.

    Args:
        kind: ``prompt``, ``monot5``, ``query-likelihood``, or ``prompt`` and ``duot5`` of two documents.
        value: Its options, or a model's name.
        where: What messages call the place.
        pairwise: Whether questions are about two documents.

    Raises:
        DistillirError: An unknown key, a wrong value, a template that lacks a field, or a model that is not there.
    """
    if kind == "query-likelihood":
        likely = read_spec(LikelihoodSpec, value, where)
        check_likelihood(likely, where)
        return load_likelihood(likely)
    spec: Any
    if kind != "prompt":
        spec = read_spec(OwnPromptSpec, value, where)
    else:
        behind = isinstance(value, Mapping) and "server" in value
        spec = read_spec(ServerChoiceSpec, value, where) if behind else read_spec(LocalChoiceSpec, value, where)
    check_choice(kind, spec, where, pairwise=pairwise)
    return load_choice(kind, spec, where, pairwise=pairwise)


def _prompt(kind: str, spec: PublishedChoiceSpec | ServerChoiceSpec, where: str, pairwise: bool) -> Prompt:
    known = _PROMPTS[pairwise][kind]
    if not isinstance(spec, LocalChoiceSpec | ServerChoiceSpec) or spec.template is None or spec.answers is None:
        return known
    return own_prompt(spec.template, spec.answers, PAIRWISE_FIELDS if pairwise else POINTWISE_FIELDS, known, where)
