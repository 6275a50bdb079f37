"""The tokenizer of a model: checks that its files are there, and that it knows words once it is loaded.

Where the files are missing, transformers makes a tokenizer of special tokens alone, in silence: every text is read as
unknown tokens, or as nothing.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError

#: Files that hold a vocabulary, by the names that transformers' tokenizers read.
_VOCABULARY = re.compile(
    r"(tokenizer|tekken)\.|vocab|byte_maps\.json$|.+\.(model|spm|tiktoken|vocab|tokenizer)$", re.IGNORECASE
)
#: Tokenizers that read bytes or characters, and need no file.
_WITHOUT_FILES = ("byt5", "canine", "perceiver")
#: sentence-transformers' modules whose tokenizer lies in their folder; others bring words of their own kind.
_READERS = ("Transformer", "MLMTransformer", "StaticEmbedding", "SparseStaticEmbedding")
_ROUTERS = ("Router", "Asym")
#: Sentencepiece's mark of a blank, which is put in by the code, not by the files.
_BLANK = "\u2581"


def lacks_tokenizer(folder: Path) -> bool:
    """Tell whether a part of a model's folder that reads texts has none of the files of a tokenizer.

    Parts of other libraries, and tokenizers with code of their own, are left to `check_vocabulary`.
    """
    return any(_lacks_tokenizer(part) for part in _parts(folder))


def check_vocabulary(tokenizer: Any, name: str | os.PathLike[str]) -> None:
    """Refuse a loaded tokenizer that knows special tokens alone.

    Args:
        tokenizer: Of transformers or tokenizers; what has no vocabulary to ask for is not judged.
        name: The model's, for the message.

    Raises:
        DistillirError: It knows no word.
    """
    try:
        vocabulary = tokenizer.get_vocab()
        added = getattr(tokenizer, "added_tokens_decoder", None) or tokenizer.get_added_tokens_decoder()
    except (AttributeError, NotImplementedError, TypeError):
        return
    special = {str(getattr(token, "content", token)) for token in added.values() if getattr(token, "special", True)}
    special |= {_BLANK, *map(str, getattr(tokenizer, "all_special_tokens", ()))}
    if all(word in special for word in vocabulary):
        raise without_tokenizer(name)


def check_vocabularies(model: Any, name: str | os.PathLike[str]) -> None:
    """Check the tokenizers of all parts of a sentence-transformers model; see `check_vocabulary`."""
    tokenizers = (getattr(part, "tokenizer", None) for part in model.modules() if part is not model)
    for tokenizer in {id(each): each for each in tokenizers if each is not None}.values():
        check_vocabulary(tokenizer, name)


def without_tokenizer(name: str | os.PathLike[str]) -> DistillirError:
    """Make the error for a model that would read every text as unknown words, or as nothing."""
    return DistillirError(
        "has no tokenizer, or one that knows no word: every text would be read as the same",
        where=os.fspath(name),
        remedy="put the files of its tokenizer (tokenizer.json, vocab.txt, ...) into its folder, beside config.json",
    )


def _lacks_tokenizer(part: Path) -> bool:
    if not part.is_dir() or any(_VOCABULARY.match(file.name) for file in part.iterdir()):
        return False
    own, model = _mapping(part / "tokenizer_config.json"), _mapping(part / "config.json")
    elsewhere = _mapping(part / "sentence_bert_config.json").get("tokenizer_name_or_path")
    if own.get("auto_map") or elsewhere:
        return False
    kinds = (own.get("tokenizer_class"), model.get("tokenizer_class"), model.get("model_type"))
    return not any(str(kind).lower().startswith(_WITHOUT_FILES) for kind in kinds)


def _parts(folder: Path) -> Iterator[Path]:
    """Folders of the parts that read texts: the folder itself, modules, and what a router leads to."""
    modules = _json(folder / "modules.json")
    if not isinstance(modules, list):
        yield folder
        return
    named = [module for module in modules if isinstance(module, dict)]
    yield from _readers(folder, ((str(module.get("type")), str(module.get("path") or "")) for module in named))


def _readers(folder: Path, modules: Iterable[tuple[str, str]]) -> Iterator[Path]:
    for kind, path in modules:
        if not kind.startswith(("sentence_transformers.", "pylate.")):
            continue
        last = kind.rpartition(".")[2]
        if last in _READERS:
            yield folder / path
        elif last in _ROUTERS:
            place = folder / path
            types = (_mapping(place / "router_config.json") or _mapping(place / "config.json")).get("types")
            if isinstance(types, dict):
                yield from _readers(place, ((str(each), str(key)) for key, each in types.items()))


def _mapping(file: Path) -> dict[str, Any]:
    value = _json(file)
    return value if isinstance(value, dict) else {}


def _json(file: Path) -> Any:
    """A file's value; None where there is none, or a damaged one, which is told where it is loaded."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
