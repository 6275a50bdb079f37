"""The number of tokens of a text that a model reads, by its files; no weights are loaded."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distillir.encoding.identity import built_in_prompt, default_prompt, resolved_prompts
from distillir.encoding.loading import from_hub, one_line_errors, quiet_libraries
from distillir.encoding.model_files import first_module_path, model_kind, read_model_json, resolve_model
from distillir.encoding.model_options import PLAIN, ModelOptions, Side
from distillir.encoding.positions import usable_positions
from distillir.encoding.tokenizer_files import check_vocabulary

#: What transformers gives as the limit of tokenizers that have none is larger.
_NO_LIMIT = 10**9
#: Tokens of a query that ColBERT reads, where its files do not say.
_COLBERT_QUERY = 32


@dataclass(frozen=True)
class TextLimits:
    """Limits of the texts that a model reads.

    Attributes:
        tokenizer: The model's.
        tokens: Tokens of a text, or of a pair, special ones and prompt included; None: any number.
        query: Tokens of a query's own text; None: any number.
        document: Tokens of a document's own text, of a pair those of both texts together; None: any number.
    """

    tokenizer: Any
    tokens: int | None
    query: int | None
    document: int | None


def text_limits(
    name: str | os.PathLike[str],
    kind: str,
    *,
    max_length: int | None = None,
    options: ModelOptions = PLAIN,
) -> TextLimits:
    """Read the limits of a model.

    Args:
        name: See `resolve_model`.
        kind: ``dense``, ``multi-vector`` (a dense model is made into one), ``sparse`` or ``cross-encoder``.
        max_length: Tokens at most, where the recipe says so.
        options: Its prompts, and whether code of its own may run.

    Raises:
        DistillirError: It has no tokenizer that transformers can load, or one that knows no word.
    """
    from transformers import AutoTokenizer

    path, folder = resolve_model(name), first_module_path(name)
    where: dict[str, Any] = {"trust_remote_code": options.trust_remote_code}
    if folder and Path(path).is_dir():
        path = str(Path(path) / folder)
    elif folder:
        where["subfolder"] = folder
    with one_line_errors(str(name)):
        tokenizer = AutoTokenizer.from_pretrained(path, **where)
    check_vocabulary(tokenizer, name)
    file = f"{folder}/sentence_bert_config.json" if folder else "sentence_bert_config.json"
    knobs = read_model_json(name, file)
    said = [max_length] if max_length is not None else [tokenizer.model_max_length, knobs.get("max_seq_length")]
    known = [*said, None if max_length is not None else _positions(path, where)]
    tokens = min((limit for limit in known if limit is not None and limit < _NO_LIMIT), default=None)
    query, document = _sides(name, knobs) if kind == "multi-vector" else (None, None)
    pair = kind == "cross-encoder"
    special = tokenizer.num_special_tokens_to_add(pair=pair)

    def room(side: Side, own: int | None) -> int | None:
        most = min((limit for limit in (tokens, own) if limit is not None), default=None)
        return None if most is None else max(0, most - special - _prompt_tokens(tokenizer, name, kind, side, options))

    return TextLimits(tokenizer, tokens, None if pair else room("query", query), room("document", document))


def _positions(path: str, where: dict[str, Any]) -> int | None:
    """Positions of the model's architecture, which is built without weights; None where it does not say."""
    import torch
    from transformers import AutoConfig, AutoModel

    with quiet_libraries(), from_hub(path):
        try:
            config = AutoConfig.from_pretrained(path, **where)
        except (OSError, ValueError, KeyError):  # no transformers model: its modules have no positions
            return None
        try:
            with torch.device("meta"):
                return usable_positions(AutoModel.from_config(config, trust_remote_code=where["trust_remote_code"]))
        except (RuntimeError, ValueError, TypeError, NotImplementedError, AttributeError, ImportError):
            said = getattr(config, "max_position_embeddings", None)  # some code cannot be built without weights
            return said if isinstance(said, int) and said > 0 else None


def _sides(name: str | os.PathLike[str], knobs: dict[str, Any]) -> tuple[int | None, int | None]:
    """Tokens of queries and documents of a late-interaction model: of sentence-transformers, PyLate or Stanford."""
    if model_kind(name) != "multi-vector":
        return _COLBERT_QUERY, None
    pylate = read_model_json(name, "config_sentence_transformers.json")
    stanford = read_model_json(name, "artifact.metadata") if not knobs and not pylate else {}
    expansion = knobs.get("query_expansion") or {}
    fixed = expansion.get("length") if expansion.get("strategy") == "fixed" else None
    query = fixed or knobs.get("query_length") or pylate.get("query_length") or stanford.get("query_maxlen")
    document = knobs.get("document_length") or pylate.get("document_length") or stanford.get("doc_maxlen")
    return query or (_COLBERT_QUERY if stanford else None), document


def _prompt_tokens(tokenizer: Any, name: str | os.PathLike[str], kind: str, side: Side, options: ModelOptions) -> int:
    given = resolved_prompts(name, options)
    if kind == "cross-encoder":  # one prompt, before the query, and both texts share what is left
        prompt = given.get("query", default_prompt(name))
    else:
        prompt = given.get(side, built_in_prompt(name, side))
    tokens = len(tokenizer(prompt, add_special_tokens=False)["input_ids"]) if prompt else 0
    # A dense model that is made into a multi-vector one gets a marker before each text.
    return tokens + (kind == "multi-vector" and model_kind(name) != "multi-vector")
