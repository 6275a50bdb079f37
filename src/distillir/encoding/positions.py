"""Number of tokens that a model has positions for."""

from typing import Any

from distillir.base.errors import DistillirError

#: What transformers calls a table of learnt positions.
_TABLES = ("position_embeddings", "embed_positions", "wpe")


def usable_positions(transformer: Any) -> int | None:
    """Number of tokens that a transformers model can read; None where it does not say.

    RoBERTa's kin (XLM-RoBERTa, CamemBERT, MPNet, Longformer and more) number positions from ``padding_idx + 1`` on, so
    that the first ones of their table are for no token: 514 positions are 512 tokens. Such a table has a
    ``padding_idx`` of its own.

    Args:
        transformer: A transformers model.
    """
    config = getattr(transformer, "config", None)
    if config is None:
        return None
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    said = getattr(text, "max_position_embeddings", None)
    found = [said] if isinstance(said, int) and said > 0 else []  # XLNet says -1: as many as there are
    for module in transformer.modules():
        for name in _TABLES:
            table = getattr(module, name, None)
            padding, weight = getattr(table, "padding_idx", None), getattr(table, "weight", None)
            if isinstance(padding, int) and weight is not None and len(weight) in found:
                found.append(len(weight) - padding - 1)
    return min(found, default=None)


def learnt_positions(transformer: Any) -> int | None:
    """Number of tokens, as `usable_positions`, that a table of learnt positions has room for; None without a table.

    Decoders with rotary positions read on beyond what their configuration says, if worse.
    """
    from torch import nn

    tables = (getattr(module, name, None) for module in transformer.modules() for name in _TABLES)
    return usable_positions(transformer) if any(isinstance(table, nn.Embedding) for table in tables) else None


def model_positions(model: Any) -> int | None:
    """Number of tokens that a sentence-transformers model can read: the least of its transformers'."""
    found = [usable_positions(module.auto_model) for module in _transformers(model)]
    return min((positions for positions in found if positions is not None), default=None)


def fit_to_positions(model: Any) -> None:
    """Let a sentence-transformers model truncate where its positions end, if its files say more or nothing."""
    for module in _transformers(model):
        positions = usable_positions(module.auto_model)
        if positions is None:
            continue
        if module.max_seq_length is None or module.max_seq_length > positions:
            module.max_seq_length = positions
        for name in ("query_length", "document_length"):
            if (getattr(module, name, None) or 0) > positions:
                setattr(module, name, positions)


def set_max_length(model: Any, max_length: int, name: str) -> None:
    """Truncate a sentence-transformers model's texts to ``max_length`` tokens.

    Raises:
        DistillirError: The model has not that many positions, or always reads whole texts.
    """
    check_positions(max_length, model_positions(model), name)
    try:
        model.max_seq_length = max_length
    except AttributeError:  # static embeddings: there is nothing that truncates
        raise DistillirError(
            "always reads whole texts", where=name, remedy="leave max_length out for this model"
        ) from None


def check_positions(max_length: int, positions: int | None, name: str) -> None:
    """Refuse more tokens than a model has positions for.

    Raises:
        DistillirError: There are fewer positions.
    """
    if positions is not None and max_length > positions:
        raise DistillirError(
            f"max_length {max_length} is more than the model's {positions} positions",
            where=name,
            remedy=f"choose at most {positions}",
        )


def _transformers(model: Any) -> list[Any]:
    from sentence_transformers.base.modules import Transformer

    return [module for module in model.modules() if isinstance(module, Transformer)]
