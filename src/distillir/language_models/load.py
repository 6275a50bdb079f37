"""Loading of the language models that a recipe names as teachers."""

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
from distillir.language_models.spec import LikelihoodSpec, ServerChoiceSpec, read_choice_spec, read_spec

POINTWISE = {
    "prompt": "a language model asked Yes or No (InstUPR), by transformers or an OpenAI-compatible server",
    "monot5": "monoT5: a T5 fine-tuned to say true or false of a document",
    "query-likelihood": "how likely the query is behind the document, by any decoder; no instruction tuning needed",
}
PAIRWISE = {
    "prompt": "a language model asked A or B (InstUPR), by transformers or an OpenAI-compatible server",
    "duot5": "duoT5: a T5 fine-tuned to say true or false of the first of two documents",
}
_PROMPTS = {
    False: {"prompt": INSTUPR_POINTWISE, "monot5": MONOT5},
    True: {"prompt": INSTUPR_PAIRWISE, "duot5": DUOT5},
}


def check_asker(kind: str, value: object, where: str, *, pairwise: bool = False) -> None:
    """Check the options of a language model as teacher, without loading or asking anything.

    Raises:
        DistillirError: An unknown key, a wrong value, or a template that lacks a field.
    """
    if kind == "query-likelihood":
        spec = read_spec(LikelihoodSpec, value, where)
        if spec.template is not None:
            own_prompt(spec.template, ("", ""), ("document",), INSTUPR_POINTWISE, where)
        return
    chosen = read_choice_spec(value, where)
    if kind != "prompt" and (isinstance(chosen, ServerChoiceSpec) or chosen.template or chosen.chat is not None):
        raise DistillirError(
            f"{kind} has its own prompt and is read by transformers", where=where, remedy="use prompt for other models"
        )
    _prompt(kind, chosen.template, chosen.answers, where, pairwise)


def load_asker(kind: str, value: object, where: str, *, pairwise: bool = False) -> Asker:
    """Make the asker that a recipe names; models are loaded and servers called at the first question.

    Args:
        kind: One of `POINTWISE`, or of `PAIRWISE`.
        value: Its options, or a model's name.
        where: What messages call the place.
        pairwise: Whether questions are about two documents.

    Raises:
        DistillirError: As `check_asker`, or a model that is not there.
    """
    check_asker(kind, value, where, pairwise=pairwise)
    if kind == "query-likelihood":
        from distillir.language_models.likelihood import TEMPLATE, QueryLikelihood

        likely = read_spec(LikelihoodSpec, value, where)
        return QueryLikelihood(
            likely.model,
            template=likely.template or TEMPLATE,
            max_length=likely.max_length,
            precision=likely.precision,
            trust_remote_code=likely.trust_remote_code,
        )
    spec = read_choice_spec(value, where)
    prompt = _prompt(kind, spec.template, spec.answers, where, pairwise)
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
        chat=spec.chat,
        least_share=least,
        trust_remote_code=spec.trust_remote_code,
    )


def _prompt(kind: str, template: str | None, answers: tuple[str, str] | None, where: str, pairwise: bool) -> Prompt:
    known = _PROMPTS[pairwise][kind]
    if template is None or answers is None:
        return known
    return own_prompt(template, answers, PAIRWISE_FIELDS if pairwise else POINTWISE_FIELDS, known, where)
