"""The drop-in losses, in sentence-transformers' own trainer and against its own loss."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import DistillKLDivLoss
from torch import Tensor

from distillir.base.errors import DistillirError
from distillir.losses import (
    InfoNCELoss,
    KLLoss,
    LayerKLLoss,
    MarginMSELoss,
    PairKLLoss,
    RankNetLoss,
    WeightedSumLoss,
)
from distillir.losses.list_loss import ListLoss
from distillir.objectives import info_nce, kl, layer_kl, margin_mse, pair_kl, ranknet
from distillir.signals.layers.draw import LayerDraw
from distillir.signals.layers.spec import LayerSpec

QUERIES = ["how do bees find flowers", "why does bread rise", "what makes tides"]
CANDIDATES = [
    ["Bees see ultraviolet marks on petals.", "Yeast makes gas in the dough.", "The moon pulls at the sea."],
    ["Dough is baked in an oven.", "A comb is built of wax.", "Ships wait for high water."],
    ["Honey is made of nectar.", "Flour is ground from wheat.", "Sand is worn by waves."],
]
SCORES = [[7.5, -2.0, 0.5], [1.0, 1.5, 6.0], [3.0, -1.0, 2.5]]


@pytest.fixture(scope="module")
def student(minilm_path: str) -> SentenceTransformer:
    """One layer of all-MiniLM-L6-v2 on the CPU, without dropout."""
    model = SentenceTransformer(minilm_path, device="cpu")
    model[0].auto_model.encoder.layer = model[0].auto_model.encoder.layer[:1]
    model[0].auto_model.config.num_hidden_layers = 1
    return model.eval()


def columns(student: SentenceTransformer, candidates: list[list[str]] = CANDIDATES) -> list[dict[str, Tensor]]:
    return [student.preprocess(list(texts)) for texts in (QUERIES, *candidates)]


def student_scores(student: SentenceTransformer) -> Tensor:
    with torch.no_grad():
        query, *candidates = [student(features)["sentence_embedding"] for features in columns(student)]
    return torch.stack([torch.nn.functional.cosine_similarity(query, c) for c in candidates], dim=1)


@pytest.mark.parametrize(("student_temperature", "teacher_temperature"), [(1.0, 1.0), (0.05, 2.0)])
def test_kl_equals_sentence_transformers_up_to_its_factor(
    student: SentenceTransformer, student_temperature: float, teacher_temperature: float
) -> None:
    temperatures: Any = {"student_temperature": student_temperature, "teacher_temperature": teacher_temperature}
    theirs = DistillKLDivLoss(student, similarity_fct=student.similarity_pairwise, **temperatures)
    labels = torch.tensor(SCORES)
    expected = theirs(columns(student), labels) / student_temperature**2
    ours = KLLoss(student, **temperatures)(columns(student), labels)
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)


def test_each_loss_is_its_objective_of_the_similarities(student: SentenceTransformer) -> None:
    labels, scores = torch.tensor(SCORES), student_scores(student)
    for loss, expected in (
        (KLLoss(student, student_temperature=0.1), kl(scores, labels, student_temperature=0.1)),
        (MarginMSELoss(student), margin_mse(scores, labels)),
        (RankNetLoss(student), ranknet(scores, labels)),
        (InfoNCELoss(student, temperature=0.1), info_nce(scores, torch.zeros(3, dtype=torch.long), temperature=0.1)),
        (InfoNCELoss(student, positive="best"), info_nce(scores, labels.argmax(dim=1))),
        (
            WeightedSumLoss(student, {"ranknet": 2.0, "info_nce": 0.5}),
            2 * ranknet(scores, labels) + 0.5 * info_nce(scores, torch.zeros(3, dtype=torch.long)),
        ),
    ):
        torch.testing.assert_close(loss(columns(student), labels), expected, rtol=1e-4, atol=1e-5)


def test_preferences_of_two_passages(student: SentenceTransformer) -> None:
    preferences, scores = torch.tensor([0.9, 0.5, 0.0]), student_scores(student)[:, :2]
    pairs = torch.tensor([[row, 0, 1] for row in range(3)])
    found = PairKLLoss(student, student_temperature=0.1)(columns(student, CANDIDATES[:2]), preferences)
    torch.testing.assert_close(
        found, pair_kl(scores, pairs, preferences, student_temperature=0.1), rtol=1e-4, atol=1e-5
    )
    assert "PairDistill" in PairKLLoss(student).citation
    with pytest.raises(DistillirError, match="two passage columns"):
        PairKLLoss(student)(columns(student), preferences)
    for wrong in (torch.tensor([0.9, 1.5, 0.0]), torch.tensor([0.9, math.nan, 0.0]), torch.zeros(3, 2)):
        with pytest.raises(DistillirError, match="from 0 to 1"):
            PairKLLoss(student)(columns(student, CANDIDATES[:2]), wrong)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_layers_of_a_student(pooling: Literal["cls", "mean"], minilm_path: str) -> None:
    model = SentenceTransformer(minilm_path, device="cpu").eval()
    labels = torch.randn(3, 4, 3, generator=torch.Generator().manual_seed(0))  # a teacher of four layers
    loss = LayerKLLoss(model, count=2, pooling=pooling, seed=3)
    states = []
    with torch.no_grad():
        found = loss(columns(model), labels)
        for features in columns(model):
            inputs = {name: features[name] for name in ("input_ids", "attention_mask")}
            hidden = torch.stack(model[0].auto_model(**inputs, output_hidden_states=True).hidden_states[1:])
            mask = features["attention_mask"][None, :, :, None]
            states.append(hidden[:, :, 0] if pooling == "cls" else (hidden * mask).sum(dim=2) / mask.sum(dim=2))
    own = torch.stack([(states[0] * other).sum(dim=2) for other in states[1:]], dim=2)
    teacher, student = LayerDraw(LayerSpec(count=2), 4, 6, 3).at(0)
    expected = layer_kl(own[student], labels.transpose(0, 1)[teacher], torch.zeros(3, dtype=torch.long))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert "LEAD" in loss.citation and loss.get_config_dict()["pooling"] == pooling
    with pytest.raises(DistillirError, match="text columns"):
        loss(columns(model), labels[:, :, :2])


def test_dot_product_and_own_functions(student: SentenceTransformer) -> None:
    labels, twice = torch.tensor(SCORES), lambda a, b: 2 * (a * b).sum(dim=1)
    by_name = KLLoss(student, similarity="dot", student_temperature=0.5)(columns(student), labels)
    by_function = KLLoss(student, similarity=twice)(columns(student), labels)
    torch.testing.assert_close(by_name, by_function)


def test_nan_marks_a_place_without_candidate(student: SentenceTransformer) -> None:
    """The last list has one candidate less: the loss is that of the real places, the gradient is finite."""
    texts = [list(column) for column in CANDIDATES]
    texts[2][2] = ""
    labels = torch.tensor(SCORES)
    labels[2, 2] = math.nan
    scores = student_scores(student)
    loss = KLLoss(student)(columns(student, texts), labels)
    torch.testing.assert_close(loss, kl(scores, labels, torch.isfinite(labels)), rtol=1e-4, atol=1e-5)
    student.zero_grad()
    loss.backward()
    gradients = [p.grad for p in student.parameters() if p.grad is not None]
    assert gradients
    assert all(torch.isfinite(g).all() for g in gradients)


def test_info_nce_without_teacher(student: SentenceTransformer) -> None:
    scores, positive = student_scores(student), torch.tensor([1, -1, 2])
    loss = InfoNCELoss(student, temperature=0.05)
    torch.testing.assert_close(
        loss(columns(student), positive), info_nce(scores, positive, temperature=0.05), rtol=1e-4, atol=1e-5
    )
    first = info_nce(scores, torch.zeros(3, dtype=torch.long), temperature=0.05)
    torch.testing.assert_close(loss(columns(student)), first, rtol=1e-4, atol=1e-5)


LOSSES: dict[str, Callable[[Any], ListLoss]] = {
    "kl": lambda model: KLLoss(model, student_temperature=0.05),
    "margin_mse": lambda model: MarginMSELoss(model, similarity="dot"),
    "ranknet": RankNetLoss,
    "info_nce": lambda model: InfoNCELoss(model, temperature=0.05),
    "sum": lambda model: WeightedSumLoss(model, {"kl": {"student_temperature": 0.05}, "info_nce": 0.1}),
}


@pytest.mark.parametrize("name", LOSSES)
def test_training_in_sentence_transformers_own_trainer(name: str, minilm_path: str, tmp_path: Path) -> None:
    """Three real steps on ragged lists lower the loss, and the model card tells of it."""
    model = SentenceTransformer(minilm_path, device="cpu")
    model[0].auto_model.encoder.layer = model[0].auto_model.encoder.layer[:2]
    model[0].auto_model.config.num_hidden_layers = 2
    scores = [list(row) for row in SCORES]
    third = list(CANDIDATES[2])
    scores[2][2], third[2] = math.nan, ""
    rows: dict[str, Any] = {"query": QUERIES, "candidate_1": CANDIDATES[0], "candidate_2": CANDIDATES[1]}
    data = Dataset.from_dict({**rows, "candidate_3": third, "label": scores})
    loss: ListLoss = LOSSES[name](model)
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(tmp_path),
        max_steps=3,
        per_device_train_batch_size=3,
        learning_rate=1e-4,
        logging_steps=1,
        warmup_steps=0,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        seed=1,
    )
    trainer = SentenceTransformerTrainer(model=model, args=arguments, train_dataset=data, loss=loss)
    trainer.train()
    history = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(history) == 3
    assert all(math.isfinite(value) for value in history)
    assert history[-1] < history[0]
    trainer.save_model(str(tmp_path / "model"))
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert loss.citation.strip() in card
    assert type(loss).__name__ in card
    assert loss.citation.count("@") == (2 if name == "sum" else 1)


def test_settings_for_the_model_card(student: SentenceTransformer) -> None:
    assert InfoNCELoss(student, temperature=0.02).get_config_dict() == {
        "objective": [{"info_nce": {"weight": 1.0, "temperature": 0.02, "own_negatives": True}}],
        "similarity": "cosine",
        "positive": "first",
    }


@pytest.mark.filterwarnings("error")
def test_a_temperature_that_teaches_nothing_is_told_once(student: SentenceTransformer) -> None:
    labels = torch.tensor(SCORES)
    KLLoss(student)(columns(student), labels)
    with pytest.warns(UserWarning, match=r"0\.999 of the teacher's probability.*raise it"):
        KLLoss(student, teacher_temperature=0.01)(columns(student), labels)
    flat = KLLoss(student, teacher_temperature=1e4)
    with pytest.warns(UserWarning, match="is flat.*lower it"):
        flat(columns(student), labels)
    flat(columns(student), labels)


def test_bad_input(student: SentenceTransformer) -> None:
    labels = torch.tensor(SCORES)
    with pytest.raises(
        DistillirError, match=r"labels of shape \(3, 2\).*3 candidate columns; give each row a list of 3"
    ):
        KLLoss(student)(columns(student), labels[:, :2])
    with pytest.raises(DistillirError, match="got no labels"):
        KLLoss(student)(columns(student))
    with pytest.raises(DistillirError, match="at least two candidate columns"):
        KLLoss(student)(columns(student)[:2], labels[:, :1])
    with pytest.raises(DistillirError, match="no label of the first batch is finite"):
        KLLoss(student)(columns(student), torch.full((3, 3), math.nan))
    with pytest.raises(DistillirError, match="column 3 of 3"):
        InfoNCELoss(student)(columns(student), torch.tensor([0, 3, 1]))
    with pytest.raises(DistillirError, match="no similarity 'cosin'"):
        KLLoss(student, similarity="cosin")
    with pytest.raises(DistillirError, match="student_temperature: 0 is out of range"):
        KLLoss(student, student_temperature=0)
    with pytest.raises(DistillirError, match="'first' or 'best'"):
        InfoNCELoss(student, positive="worst")  # type: ignore[arg-type]
