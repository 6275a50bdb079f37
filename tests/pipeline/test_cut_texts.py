"""The report of what models do not read: against loaded models, by hand, and quickly for texts of megabytes."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from command_line import distillir
from distillir.collections import load_collection
from distillir.encoding.models import load_multi_vector, load_sentence_transformer
from distillir.encoding.reading import characters_read, tokens_read
from distillir.encoding.text_limits import text_limits
from distillir.pipeline.cut_texts import FACT, cut_by, cut_lines, cut_texts, tell_cut_texts
from distillir.pipeline.mine import mine_stage
from distillir.pipeline.open_run import open_run
from distillir.pipeline.readers import readers, teacher_in_training
from distillir.pipeline.score import score_stage
from distillir.recipe import Recipe
from distillir.students.load import load_student
from tiny_language_models import save_gpt2, save_t5


def words(count: int) -> str:
    return " ".join(["tree"] * count)


def collection(folder: Path, documents: list[str], queries: list[str]) -> str:
    (folder / "qrels").mkdir(parents=True)
    for kind, texts in (("corpus", documents), ("queries", queries)):
        lines = [json.dumps({"_id": str(n), "text": text}) for n, text in enumerate(texts)]
        (folder / f"{kind}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for split, number in (("train", 0), ("test", 1)):
        (folder / "qrels" / f"{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\n{number}\t0\t1\n")
    return str(folder)


def recipe(source: str, **parts: Any) -> Recipe:
    return Recipe.model_validate(
        {
            "collection": source,
            "teacher": "bm25",
            "student": "all-MiniLM-L6-v2",
            "candidates": {"from": "bm25"},
            "method": "kl",
            **parts,
        }
    )


@pytest.fixture
def source(tmp_path: Path) -> str:
    # Of 10 documents 3 are longer than 20 words: by 10, 80 and 180 of 7 * 5 + 30 + 100 + 200 words.
    documents = [words(5)] * 7 + [words(30), words(100), words(200)]
    return collection(tmp_path / "c", documents, [words(3), words(40)])


def test_shares_are_those_of_a_count_by_hand(source: str) -> None:
    spec = recipe(source, student={"model": "all-MiniLM-L6-v2", "max_length": 22})
    (found,) = cut_texts(spec, load_collection(source))
    assert found.documents == pytest.approx(3 / 10)
    assert found.words == pytest.approx((10 + 80 + 180) / (7 * 5 + 30 + 100 + 200))
    assert found.queries == pytest.approx(1 / 2)
    assert cut_lines([found], load_collection(source)) == [
        "student: all-MiniLM-L6-v2 reads the first 22 tokens: 30 % of the documents are longer, 74 % of all words are "
        "not read; 50 % of the queries are cut"
    ]


def test_nothing_is_told_where_everything_is_read(source: str) -> None:
    (found,) = cut_texts(recipe(source), load_collection(source))
    assert (found.documents, found.words, found.queries) == (0, 0, 0)
    assert cut_lines([found], load_collection(source)) == []


def test_every_model_of_a_recipe_is_looked_at(source: str, whole_minilm: str, tmp_path: Path) -> None:
    t5, gpt2 = save_t5(whole_minilm, tmp_path / "t5"), save_gpt2(whole_minilm, tmp_path / "gpt2")
    server = {"server": "http://127.0.0.1:9", "model": "m", "document_words": 20}
    ensemble = ["bm25", {"dense": {"model": whole_minilm, "max_length": 22}}, {"monot5": t5}, {"prompt": server}]
    spec = recipe(
        source,
        teacher={"ensemble": [*ensemble, {"query-likelihood": {"model": gpt2, "max_length": 110}}]},
        candidates={"from": ["bm25", {"multi-vector": {"model": whole_minilm, "first": "bm25"}}]},
        training={"max_length": 12},
    )
    found = {one.where: one for one in cut_texts(spec, load_collection(source))}
    assert found["teacher.ensemble[1].dense"].words == pytest.approx(270 / 365)
    assert found["teacher.ensemble[3].prompt"].words == pytest.approx(270 / 365)
    assert found["teacher.ensemble[3].prompt"].reads == "the first 20 words"
    assert found["training.max_length"].words > found["teacher.ensemble[1].dense"].words
    # 110 tokens less 64 for the query, 2 to spare and "Document: Query:" leave less than 50 words.
    assert 150 / 365 < found["teacher.ensemble[4].query-likelihood"].words < 250 / 365
    assert {"student", "teacher.ensemble[2].monot5"} <= set(found)


def test_a_cross_encoder_reads_what_the_query_leaves(source: str, tmp_path: Path, whole_minilm: str) -> None:
    from sentence_transformers import CrossEncoder

    folder = str(tmp_path / "ce")
    CrossEncoder(whole_minilm, num_labels=1, device="cpu").save_pretrained(folder)
    spec = recipe(source, teacher={"cross-encoder": {"model": folder, "max_length": 103}})
    found = next(one for one in cut_texts(spec, load_collection(source)) if one.where == "teacher.cross-encoder")
    # 100 tokens for both: beside 3 words 97 are read, beside 40 words 60. The last three have the queries 1, 0, 1.
    assert found.documents == pytest.approx(2 / 10)
    assert found.words == pytest.approx((3 + 140) / 365)
    assert found.reads == "the first 103 tokens of query and document together"


def test_limits_are_those_of_the_loaded_models(whole_minilm: str, mlm_path: str, tmp_path: Path) -> None:
    for max_length in (None, 40):
        limits = text_limits(whole_minilm, "dense", max_length=max_length)
        model = load_sentence_transformer(whole_minilm, max_length=max_length, device="cpu")
        assert limits.tokens == model.max_seq_length
        text = words(1000)
        (end,) = characters_read(limits.tokenizer, [text], [limits.document or 0])
        assert len(text[:end].split()) == len(tokens_read(model, text)) - 2
    late = load_student(whole_minilm, kind="multi-vector", max_length=60, device="cpu")
    late.save_pretrained(str(tmp_path / "late"))
    for limits in (
        text_limits(whole_minilm, "multi-vector", max_length=60),  # as it will be
        text_limits(tmp_path / "late", "multi-vector"),  # as it was saved
    ):
        loaded = load_multi_vector(tmp_path / "late", device="cpu")
        features = {
            kind: loaded.preprocess([loaded.prompts[kind] + words(99)], task=kind) for kind in ("query", "document")
        }
        seen = {
            kind: int((found["input_ids"] == found["input_ids"].mode().values[0]).sum())
            for kind, found in features.items()
        }
        assert (limits.query, limits.document) == (seen["query"], seen["document"])


def test_roberta_s_two_positions_less_are_known(tmp_path: Path, whole_minilm: str) -> None:
    from transformers import AutoTokenizer, RobertaConfig, RobertaModel

    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    model = RobertaModel(RobertaConfig(vocab_size=30522, max_position_embeddings=66, pad_token_id=1, **sizes))
    model.save_pretrained(tmp_path / "r")
    tokenizer = AutoTokenizer.from_pretrained(whole_minilm)
    tokenizer.model_max_length = 512
    tokenizer.save_pretrained(tmp_path / "r")
    assert text_limits(tmp_path / "r", "dense").tokens == 64


def test_a_text_of_megabytes_costs_no_seconds(whole_minilm: str) -> None:
    tokenizer = text_limits(whole_minilm, "dense").tokenizer
    huge, letters, blank = "the kettle sings " * 180_000, "a" * 200_000, " " * 3_000_000 + "end"
    start = time.monotonic()
    ends = characters_read(tokenizer, [huge, letters, "short"], [254, 254, 254])
    assert time.monotonic() - start < 2
    assert ends == [len("the kettle sings " * 84) + len("the kettle"), 200_000, 5]
    assert characters_read(tokenizer, [blank], [254]) == [len(blank)]


def test_a_run_tells_it_once_before_it_mines_and_notes_it(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = recipe(source, student={"model": "all-MiniLM-L6-v2", "max_length": 22})
    for expected in (1, 0):
        with open_run(tmp_path / "run", spec) as folder:
            tell_cut_texts(folder)
            assert capsys.readouterr().err.count("of all words are not read") == expected
            assert folder.facts.read()[FACT][0]["documents"] == pytest.approx(0.3)
            (folder.path / "runs").mkdir(exist_ok=True)


def test_a_model_that_does_not_say_is_named(source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.json").write_text('{"model_type": "none that is known"}')
    (tmp_path / "bare" / "vocab.txt").touch()
    found = readers(recipe(source, teacher={"dense": str(tmp_path / "bare")}))
    assert [reader.where for reader in found] == ["student"]
    assert "teacher.dense: how much of a text it reads is not known" in capsys.readouterr().err


def test_train_teacher_tells_it_before_it_mines(source: str, tmp_path: Path, whole_minilm: str) -> None:
    # 19 tokens for both: beside 3 words 16 are read, beside 40 words half of them. The last three have queries 1, 0, 1.
    (found,) = cut_by(teacher_in_training(whole_minilm, 22), load_collection(source), 0)
    assert found.words == pytest.approx((21 + 84 + 191) / 365)
    # Of three texts in 105 tokens, 26 are the query's and 37 each document's.
    (pair,) = cut_by(teacher_in_training(whole_minilm, 105, pairwise=True), load_collection(source), 0)
    assert pair.words == pytest.approx((63 + 163) / 365)
    assert pair.queries == 0.5
    (tmp_path / "mine").write_text("kept")
    done = distillir(
        *("train-teacher", source, "--output", tmp_path / "mine", "--base", whole_minilm, "--max-length", 22),
        *("--negatives-from", "bm25"),
    )
    assert done.returncode == 2
    line = "reads the first 22 tokens of query and document together: 30 % of the documents are longer, 81 % of all"
    assert line in done.stderr


def test_each_stage_by_itself_says_that_prompts_are_missing(
    source: str, tmp_path: Path, whole_minilm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(whole_minilm, tmp_path / "e5-small-v2")
    with open_run(tmp_path / "run", recipe(source, student=str(tmp_path / "e5-small-v2"))) as folder:
        mine_stage(folder)
        assert capsys.readouterr().err.count("trained with a prompt before their texts") == 1
        score_stage(folder)
        assert "prompt" not in capsys.readouterr().err
