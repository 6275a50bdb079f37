"""Families of embedding models that were trained with prompts before their texts."""

import os
import re
from pathlib import PurePath

from distillir.encoding.identity import has_prompts
from distillir.encoding.model_files import read_model_json

_WEB = "Instruct: Given a web search query, retrieve relevant passages that answer the query\\nQuery: "
_RETRIEVE = "Represent this sentence for searching relevant passages: "
#: Part of a model's name, and what the model's authors put before queries and documents (their model cards).
_FAMILIES: tuple[tuple[str, dict[str, str]], ...] = (
    (r"e5-mistral|e5-large-instruct|e5\b.*instruct", {"query": _WEB}),
    (r"(^|[-_/])e5[-_]", {"query": "query: ", "document": "passage: "}),
    (r"bge-(small|base|large)-zh", {"query": "为这个句子生成表示以用于检索相关文章："}),
    (r"bge-(small|base|large)-en", {"query": _RETRIEVE}),
    (r"qwen3-embedding", {"query": _WEB.removesuffix(" ")}),
    (r"gte-qwen|gte-.*-instruct|stella[-_]|kalm-embedding|nv-embed|sfr-embedding|linq-embed", {"query": _WEB}),
    (r"nomic-embed-text|modernbert-embed", {"query": "search_query: ", "document": "search_document: "}),
    (r"arctic-embed-.*v2", {"query": "query: "}),
    (r"arctic-embed|mxbai-embed|uae-large", {"query": _RETRIEVE}),
    (r"embeddinggemma", {"query": "task: search result | query: ", "document": "title: none | text: "}),
    (r"jina-embeddings-v5", {"query": "Query: ", "document": "Document: "}),
    (r"^ruri-v3|/ruri-v3", {"query": "検索クエリ: ", "document": "検索文書: "}),
)


def expected_prompts(name: str | os.PathLike[str]) -> dict[str, str] | None:
    """Prompts that a dense model's family puts before texts, where its own files put nothing; None for others.

    Families are known by name: that of the folder or on the hub, or of the model that the configuration says it came
    from (``_name_or_path``, ``base_model``).

    Args:
        name: A folder, alias or hub name.

    Returns:
        Prompts by ``query`` and ``document``, as a recipe writes them.
    """
    if has_prompts(name):
        return None
    config = read_model_json(name, "config.json")
    text = os.fspath(name)
    # Of a path the last part alone: a folder above may be called anything.
    called = [PurePath(text).name if os.path.isdir(text) else text]  # noqa: PTH112
    called += [str(config[key]) for key in ("_name_or_path", "base_model") if isinstance(config.get(key), str)]
    for pattern, prompts in _FAMILIES:
        if any(re.search(pattern, each.lower()) for each in called):
            return prompts
    return None


def prompts_told(name: str | os.PathLike[str], prompts: dict[str, str], where: str) -> str:
    """A line about a model that gets no prompts though its family was trained with some."""
    written = ", ".join(f'{side}: "{text}"' for side, text in prompts.items())
    return (
        f"{where}: models like {name} were trained with a prompt before their texts, and this one has none of its own: "
        f'it may do worse without. Its authors\' is prompts: {{{written}}}; {{query: ""}} says that none is meant'
    )
