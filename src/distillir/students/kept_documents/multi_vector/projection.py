"""The projection of a late-interaction query encoder's token vectors to the documents' width."""

from typing import Any

from distillir.students.kept_documents.projection import Projection, fill_layer, new_layer


def project_tokens(model: Any, width: int, *, unit: bool, found: Projection | None, seed: int = 0) -> Any:
    """A query encoder whose token states a new linear layer leads to the documents' vectors.

    Where a linear layer without an activation stands at its end already, as ColBERT's does, the new one takes its
    place: it can be all that both would be.

    Args:
        model: The query encoder.
        width: Of the documents' token vectors.
        unit: Whether these have length 1: then those of queries do, too.
        found: The layer's values; None: torch's, drawn by the seed.
        seed: See there.
    """
    from sentence_transformers.base.modules import Normalize

    before, after = _parted(model)
    layer = new_layer(int(before[-1].get_embedding_dimension()), width, seed, module_input_name="token_embeddings")
    if found is not None:
        fill_layer(layer, found)
    rest = [module for module in after if not isinstance(module, Normalize)]
    ends = [Normalize(module_input_name="token_embeddings")] if unit else []
    return _of_modules(model, [*before, layer, *rest, *ends])


def bare(model: Any) -> Any:
    """The model up to where `project_tokens` puts its layer, with what says which tokens count."""
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    before, after = _parted(model)
    masks = [module for module in after if isinstance(module, MultiVectorMask)]
    return _of_modules(model, [*before, *masks])


def _parted(model: Any) -> tuple[list[Any], list[Any]]:
    """Modules before and behind the place of the layer; a linear one that stands there is in neither."""
    from sentence_transformers.base.modules import Dense
    from torch.nn import Identity

    modules = list(model.children())
    last = max((place for place, module in enumerate(modules) if isinstance(module, Dense)), default=None)
    if last is None:
        return modules[:1], modules[1:]
    if isinstance(modules[last].activation_function, Identity):
        return modules[:last], modules[last + 1 :]
    return modules[: last + 1], modules[last + 1 :]


def _of_modules(model: Any, modules: list[Any]) -> Any:
    from sentence_transformers import MultiVectorEncoder

    made = MultiVectorEncoder(
        modules=modules,
        similarity_fn_name=model.similarity_fn_name,
        prompts=model.prompts,
        device=str(model.device),
        trust_remote_code=model.trust_remote_code,
    )
    made.default_prompt_name = model.default_prompt_name
    made.eval()
    return made
