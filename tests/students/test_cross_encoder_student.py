"""Cross-encoder students: what they start from, their scores, their gradients."""

import json
import shutil
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from sentence_transformers import CrossEncoder
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    GPT2Config,
    GPT2Model,
    Qwen2Config,
    Qwen2ForSequenceClassification,
)

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.encoding.model_options import ModelOptions
from distillir.encoding.text_limits import text_limits
from distillir.objectives.weighted_sum import parse_objective
from distillir.plans.settings import TrainingSettings
from distillir.signals.scores.training import ScoresTraining
from distillir.students.cross_encoder.student import shares
from distillir.students.load import load_student
from distillir.students.loaded import student_of
from distillir.students.pair_student import PairStudent
from distillir.students.student import Student
from distillir.training.train import train_student
from example_lists import ExampleLists
from odd_models import roberta

QUERIES = ["honey bees", "why do far away moons pull tides in the sea"]
DOCUMENTS = ["wax", "bees sweat wax from glands under the belly, and chew it", "tides " * 40, "a " * 27 + "moon"]


def _student(name: str, max_length: int = 32, **options: Any) -> Any:
    return load_student(name, kind="cross-encoder", layers=1, max_length=max_length, device="cpu", **options).eval()


def _read(student: Student, texts: list[str], task: str, **more: Any) -> Any:
    from distillir.encoding.vectors import prompt_for

    prompt = prompt_for(student.model, task) or None  # type: ignore[arg-type]
    return student.embed(
        student.model, student.model.preprocess(texts, prompt=prompt, task=task), [], task=task, **more
    )


def _every(model: Any, **more: Any) -> torch.Tensor:
    student = student_of(model)
    return student.scores(_read(student, QUERIES, "query"), _read(student, DOCUMENTS, "document", **more))


def _headed(family: str, minilm: str, folder: Path) -> str:
    """A tiny model with a scoring head of another family: no token types, or a decoder."""
    if family == "roberta":
        return roberta(minilm, folder, positions=34, labels=1)
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(minilm)
    sizes = {"vocab_size": len(tokenizer), "num_labels": 1, "pad_token_id": 0}
    if family == "distilbert":
        model: Any = DistilBertForSequenceClassification(DistilBertConfig(dim=32, n_layers=2, n_heads=2, **sizes))
    else:
        heads = {"num_attention_heads": 2, "num_key_value_heads": 2}
        config = Qwen2Config(hidden_size=32, num_hidden_layers=2, intermediate_size=32, **heads, **sizes)
        model = Qwen2ForSequenceClassification(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("prompt", [None, "query: "])
@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "decoder"])
def test_scores_are_those_of_predict(family: str, prompt: str | None, whole_minilm: str, tmp_path: Path) -> None:
    name = whole_minilm if family == "bert" else _headed(family, whole_minilm, tmp_path / family)
    # The decoder's tokens are letters.
    model = _student(name, 64 if family == "decoder" else 32, options=ModelOptions.of({"query": prompt}))
    pairs = [(query, document) for query in QUERIES for document in DOCUMENTS]
    with torch.no_grad():
        # Random weights give all pairs nearly the same.
        random = model.parameters() if family != "bert" else [model.transformers_model.classifier.weight]
        for weights in random:
            weights.mul_(1000 if family == "bert" else 8 if weights.dim() > 1 else 1)
        found = _every(model).flatten().numpy()
    assert found.std() > 0.01
    np.testing.assert_allclose(found, model.predict(pairs), rtol=1e-5, atol=1e-5)
    # And so does whoever loads what was saved.
    model.save_pretrained(str(tmp_path / "saved"))
    loaded = CrossEncoder(str(tmp_path / "saved"), device="cpu")
    assert isinstance(loaded.activation_fn, torch.nn.Identity) and student_of(loaded).depth == 1
    np.testing.assert_allclose(found, loaded.predict(pairs), rtol=1e-5, atol=1e-5)
    again = load_student(str(tmp_path / "saved"), kind="cross-encoder", device="cpu")
    with torch.no_grad():
        np.testing.assert_array_equal(_every(again).flatten().numpy(), found)


@pytest.mark.parametrize("room", [5, 6, 7, 12])
def test_pairs_are_cut_as_the_tokenizer_cuts_them(room: int, whole_minilm: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(whole_minilm)
    for first in range(1, 10):
        for second in range(1, 10):
            read = tokenizer("a " * first, "b " * second, truncation="longest_first", max_length=room + 3)
            sides = read.sequence_ids(0)
            assert shares(first, second, room) == (sides.count(0), sides.count(1)), (first, second)
    assert shares(70, 800, None) == (70, 800)


@pytest.mark.parametrize("layers", [(), (0,)])
@pytest.mark.parametrize("recompute", [False, True])
def test_pairs_in_chunks_give_the_same_scores_and_gradients(
    layers: tuple[int, ...], recompute: bool, whole_minilm: str
) -> None:
    model = _student(whole_minilm)
    parameters = [each for each in model.parameters() if each.requires_grad]
    wanted = torch.tensor([[True, True, False, True], [True, False, True, True], [True, True, True, False]])
    found = []
    for budget in (10_000, 40):
        student = student_of(model)
        student.budget = budget
        read = []
        for texts, task in ((QUERIES, "query"), (DOCUMENTS, "document")):
            features = model.preprocess(texts, task=task)
            options: dict[str, Any] = {"task": task, "recompute": recompute and budget == 40}
            if layers:
                options |= {"layers": layers, "pooling": "cls"}
            read.append((student.embed_layers if layers else student.embed)(model, features, [], **options))
        queries, documents = (each[0] if layers else each for each in read)
        scores = student.scores(student.select(queries, torch.tensor([0, 1, 0])), documents, wanted)
        assert (scores == 0).tolist() == (~wanted).tolist()
        loss = (scores**2).sum()
        if layers:
            by_layer = student.layer_scores(None, None)
            torch.testing.assert_close(by_layer[-1], scores)  # its only block is its last
            loss = loss + by_layer.sum()
        found.append((scores, *torch.autograd.grad(loss, parameters, allow_unused=True)))
    for whole, cut in zip(*found, strict=True):
        torch.testing.assert_close(cut, whole, rtol=1e-4, atol=1e-5)


def test_each_distinct_pair_is_read_once_and_training_may_read_less(whole_minilm: str) -> None:
    model = _student(whole_minilm)
    student = student_of(model)
    shapes: list[tuple[int, ...]] = []
    model[0].register_forward_pre_hook(lambda _, given: shapes.append(tuple(given[0]["input_ids"].shape)))
    queries, documents = _read(student, QUERIES, "query"), _read(student, DOCUMENTS, "document")
    twice = student.select(queries, torch.tensor([0, 0, 1]))
    scores = student.scores(twice, documents)
    assert sum(rows for rows, _ in shapes) == 8 and torch.equal(scores[0], scores[1])
    assert max(width for _, width in shapes) == 32
    shapes.clear()
    assert isinstance(student, PairStudent)
    student.max_length = 12
    student.scores(queries, documents)
    assert max(width for _, width in shapes) == 12


@pytest.mark.parametrize("layers", [(), (0, 1)])
def test_the_last_layer_computes_the_first_token_alone(
    layers: tuple[int, ...], whole_minilm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_student(whole_minilm, kind="cross-encoder", layers=2, max_length=32, device="cpu").eval()
    last, found = model.transformers_model.bert.encoder.layer[-1], []
    widths: list[int] = []
    last.output.register_forward_hook(lambda _, __, output: widths.append(output.shape[1]))
    student = student_of(model)
    for narrow in (True, False):
        if not narrow:
            monkeypatch.setattr("distillir.students.cross_encoder.student.first_token_only", nullcontext)
        read = []
        embed: Any
        for texts, task in ((QUERIES, "query"), (DOCUMENTS, "document")):
            features, embed = model.preprocess(texts, task=task), student.embed
            if layers:
                embed = partial(student.embed_layers, layers=layers, pooling="cls")
            read.append(embed(model, features, [], task=task))
        scores = student.scores(*(each[0] if layers else each for each in read))
        assert (set(widths) == {1}) == narrow
        widths.clear()
        values = [scores, *(student.layer_scores(None, None) if layers else ())]
        loss = torch.stack([value.sum() for value in values]).sum()
        found.append((*values, *torch.autograd.grad(loss, last.attention.self.value.weight)))
    for one, every in zip(*found, strict=True):
        torch.testing.assert_close(one, every, rtol=1e-4, atol=1e-5)


def test_a_batch_without_a_wanted_pair_has_a_gradient_of_zero(whole_minilm: str) -> None:
    student = student_of(_student(whole_minilm))
    queries, documents = _read(student, QUERIES, "query"), _read(student, DOCUMENTS, "document")
    scores = student.scores(queries, documents, torch.zeros((2, 4), dtype=torch.bool))
    assert scores.shape == (2, 4) and not scores.any()
    torch.autograd.backward(scores.sum())
    gradient = student.model.transformers_model.classifier.weight.grad
    assert gradient is not None and not gradient.any()


def test_a_new_head_is_the_same_each_time_and_told(whole_minilm: str, capsys: pytest.CaptureFixture[str]) -> None:
    first = _student(whole_minilm)
    torch.manual_seed(5)
    assert "has no scoring head: the student gets a new one" in capsys.readouterr().err
    second = _student(whole_minilm)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_encoders_of_any_layout_start_alike(whole_minilm: str, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    shutil.copytree(whole_minilm, folder)
    modules = json.loads((folder / "modules.json").read_text())
    (folder / "0_Transformer").mkdir()
    for file in list(folder.iterdir()):
        if file.is_file() and file.name not in ("modules.json", "config_sentence_transformers.json"):
            shutil.move(file, folder / "0_Transformer" / file.name)
    modules[0]["path"] = "0_Transformer"
    (folder / "modules.json").write_text(json.dumps(modules))
    first, second = (load_student(name, kind="cross-encoder", device="cpu") for name in (whole_minilm, str(folder)))
    told = text_limits(whole_minilm, "cross-encoder").tokens
    assert first.max_seq_length == second.max_seq_length == told
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())


def test_what_no_cross_encoder_can_be_made_of_is_refused(whole_minilm: str, tmp_path: Path, mlm_path: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(whole_minilm)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = BertConfig(vocab_size=len(tokenizer), num_labels=3, **sizes)
    BertForSequenceClassification(config).save_pretrained(tmp_path / "labels")
    decoder = GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_layer=1, n_head=2)
    GPT2Model(decoder).save_pretrained(tmp_path / "decoder")
    shutil.copytree(tmp_path / "decoder", tmp_path / "writer")
    written = json.loads((tmp_path / "writer" / "config.json").read_text())
    (tmp_path / "writer" / "config.json").write_text(json.dumps({**written, "architectures": ["GPT2LMHeadModel"]}))
    for name in ("labels", "decoder", "writer"):
        tokenizer.save_pretrained(tmp_path / name)
    load_student(mlm_path, kind="sparse", device="cpu").save_pretrained(str(tmp_path / "sparse"))
    for name, said in (
        ("labels", "gives 3 labels where a cross-encoder student gives one score"),
        ("decoder", "is a decoder without a scoring head"),
        ("writer", "is a decoder without a scoring head"),
        ("sparse", "is a sparse model"),
    ):
        with pytest.raises(DistillirError, match=said):
            load_student(str(tmp_path / name), kind="cross-encoder", device="cpu")
    with pytest.raises(DistillirError, match="one prompt, before the query"):
        _student(whole_minilm, options=ModelOptions.of({"document": "passage: "}))
    with pytest.raises(DistillirError, match="have no separate towers"):
        _student(whole_minilm, towers="separate")


class OddLists(ExampleLists):
    """One list of a single candidate; in the others every candidate is judged relevant."""

    def documents(self, index: int) -> Rows:
        return super().documents(index)[: 1 if index == 0 else None]

    def scores(self, index: int) -> Scores:
        return super().scores(index)[: 1 if index == 0 else None]

    def relevant(self, index: int) -> npt.NDArray[np.bool_]:
        return np.ones(len(self.documents(index)), dtype=bool)


def test_one_candidate_is_told_and_all_positive_lists_are_learnt_from(
    tiny: Collection, tmp_path: Path, whole_minilm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = _student(whole_minilm)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    train_student(
        model,
        tiny,
        OddLists(tiny),
        TrainingSettings(epochs=1, queries_per_step=4, candidates_per_query=5, dropout=0.0),
        tmp_path,
        tmp_path / "log.jsonl",
        signals=[ScoresTraining(parse_objective({"kl": 1.0, "info_nce": 1.0}))],
    )
    assert "1 of 12 lists have fewer than two candidates" in capsys.readouterr().err
    logged = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert all(np.isfinite(log["loss"]) and log["info_nce"] == 0 < log["kl"] for log in logged)
    assert any(not torch.equal(value, before[name]) for name, value in model.state_dict().items())
