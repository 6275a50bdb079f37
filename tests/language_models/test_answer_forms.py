"""Forms in which servers tell the first token: as a teacher, alone and of pairs, by both APIs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.language_models.answer import read_answer
from distillir.language_models.load import load_asker
from distillir.teachers.answers.cache import ScoreCache
from distillir.teachers.answers.keys import pair_keys
from distillir.teachers.load import load_teacher
from distillir.teachers.load_pairwise import load_pairwise
from scripted_server import Reply, ScriptedServer, prompt_of, says, says_plainly


def chat(likeliest: dict[str, float], text: str = "Yes", **message: Any) -> dict[str, Any]:
    found: dict[str, Any] = says(text, likeliest=likeliest, **message)[1]["choices"][0]
    return found


def answer(*given: Any) -> Any:
    return read_answer(*given)


WORDS = [
    ("Yes", "No"), (" Yes", " No"), ("▁Yes", "▁No"), ("ĠYes", "ĠNo"), ("yes", "no"), ("YES", "NO"), ("ĊYes", "ĠNo"),
]  # fmt: skip


@pytest.mark.parametrize("words", WORDS)
def test_words_in_every_tokenizers_form(words: tuple[str, str]) -> None:
    assert answer(chat({words[0]: -0.1, words[1]: -2.5}), "Yes", "No") == (pytest.approx(2.4), None)
    plain = says_plainly("Yes", likeliest={words[0]: -0.1, words[1]: -2.5})[1]["choices"][0]
    assert answer(plain, "Yes", "No") == (pytest.approx(2.4), None)


def test_all_forms_of_a_word_count_together_but_letters_have_their_case() -> None:
    found, _ = answer(chat({"Yes": np.log(0.3), " yes": np.log(0.3), "No": np.log(0.2)}), "Yes", "No")
    assert found == pytest.approx(np.log(3))
    # "a" may begin "a document ...": it is no answer A.
    assert answer(chat({"A": -1.0, "a": -0.7, "B": -2.0}), "A", "B") == (pytest.approx(1.0), None)


def test_numbers_in_place_of_tokens() -> None:
    told = {"token_id:9642": -0.1, "token_id:2822": -2.5, "token_id:7": -9.0}
    assert answer(chat(told), "Yes", "No") == (pytest.approx(2.4), "bounded")
    assert answer(chat(told, "No"), "Yes", "No") == (pytest.approx(-2.4), "bounded")
    assert answer(chat(told, "Perhaps"), "Yes", "No") == (None, "neither")


def test_words_of_several_tokens_are_known_by_the_first() -> None:
    told = {"ir": np.log(0.9), "relevant": np.log(0.09)}
    assert answer(chat(told), "relevant", "irrelevant") == (pytest.approx(np.log(0.1)), None)
    # What begins both tells nothing.
    assert answer(chat({"un": -0.01, "x": -5.0}), "unsure", "unlikely") == (None, "neither")


def test_the_tail_of_a_distribution_is_no_answer() -> None:
    far = {"The": -0.001, "Yes": -14.0, "No": -13.0}
    assert answer(chat(far, "The"), "Yes", "No") == (None, "tail")
    assert answer(chat(far, "The"), "Yes", "No", 0.0) == (pytest.approx(-1.0), None)
    assert answer(chat({"The": -0.4, "Yes": -2.0, "No": -3.0}, "The"), "Yes", "No") == (pytest.approx(1.0), None)
    # On either side of the stated share.
    edge = {"The": np.log(0.8), "Yes": np.log(0.15), "No": np.log(0.05)}
    assert answer(chat(edge), "Yes", "No", 0.19)[0] is not None
    assert answer(chat(edge), "Yes", "No", 0.21) == (None, "tail")


@pytest.mark.parametrize(
    "choice",
    [
        chat({"<think>": -0.00001, "Yes": -14.0, "No": -13.0}, "<think>"),
        chat({"<think>": -0.001, "Okay": -8.0}, "<think>"),
        chat({"<|channel|>": -0.001, "Okay": -8.0}, "<|channel|>"),
        chat({"Okay": -0.001, "So": -8.0}, "", reasoning_content="The user asks"),
    ],
)
def test_thoughts_are_told_as_thoughts(choice: dict[str, Any]) -> None:
    assert answer(choice, "Yes", "No") == (None, "thinking")


def spec(server: ScriptedServer, **more: Any) -> dict[str, Any]:
    return {"prompt": {"server": server.address, "model": "m", "retries": 0, "in_flight": 4, **more}}


ROWS = np.arange(6), [np.array([10 + n]) for n in range(6)]


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_a_teacher_of_marked_words_in_both_apis(api: str, tiny: Collection, tmp_path: Path) -> None:
    def reply(body: dict[str, Any]) -> Reply:
        told = {"▁yes": -0.1, "▁no": -0.1 - len(prompt_of(body)) / 1000}
        return says("yes", likeliest=told) if "messages" in body else says_plainly("yes", likeliest=told)

    with ScriptedServer(reply) as server:
        found = np.concatenate(load_teacher(spec(server, api=api), cache=tmp_path).score(tiny, *ROWS))
        lengths = {len(prompt_of(body)) for body in server.asked}
    assert {round(float(value) * 1000) for value in found} == lengths


@pytest.mark.parametrize(
    ("likeliest", "text", "message"),
    [
        ({"<think>": -0.00001, "A": -14.0, "B": -13.0}, "<think>", "the model thinks before it says A or B .*thinking"),
        ({"\n": -0.003, "A": -6.0, "B": -7.0}, "\n", "A or B together have less than 0.01 of the .*least_share"),
    ],
)
def test_a_pairwise_teacher_that_means_nothing_stops(
    likeliest: dict[str, float], text: str, message: str, tiny: Collection, tmp_path: Path
) -> None:
    with ScriptedServer(lambda body: says(text, likeliest=likeliest)) as server:
        teacher = load_pairwise(spec(server), cache=tmp_path)
        with pytest.raises(DistillirError, match=message):
            teacher.prefer(tiny, np.arange(6), np.arange(6), np.arange(6) + 20)
        # Nothing of it was kept: with another setting all are asked.
        anyway = load_pairwise(spec(server, least_share=0.0), cache=tmp_path)
        found = anyway.prefer(tiny, np.arange(6), np.arange(6), np.arange(6) + 20)
    assert found == pytest.approx(np.full(6, likeliest["A"] - likeliest["B"]))


def test_some_unlikely_answers_are_left_out_told_and_paid_for_once(tiny: Collection, tmp_path: Path) -> None:
    def reply(body: dict[str, Any]) -> Reply:
        sure = tiny.corpus.body(12)[:30] not in prompt_of(body)
        return says("Yes", likeliest={"Yes": -0.2, "No": -2.2} if sure else {"It": -0.001, "Yes": -9.0, "No": -8.0})

    with ScriptedServer(reply) as server:
        teacher = load_teacher(spec(server), cache=tmp_path)
        found = np.concatenate(teacher.score(tiny, *ROWS))
        assert np.isnan(found).tolist() == [False, False, True, False, False, False]
        assert teacher.calls() == {"asked": 6, "cached": 0, "tail": 1}
        again = load_teacher(spec(server), cache=tmp_path)
        np.testing.assert_array_equal(np.concatenate(again.score(tiny, *ROWS)), found)
        assert len(server.asked) == 6


@pytest.mark.parametrize("held", [True, False])
def test_answers_of_earlier_versions_are_used_where_a_sample_holds(
    held: bool, tiny: Collection, tmp_path: Path
) -> None:
    with ScriptedServer(lambda body: says("Yes", likeliest={"Yes": -0.2, "No": -2.2})) as server:
        teacher = load_teacher(spec(server), cache=tmp_path)
        earlier = ScoreCache(tmp_path / "scores" / teacher.fingerprint(tiny))
        documents = np.concatenate(ROWS[1])
        keys = pair_keys(tiny.queries, ROWS[0], tiny.corpus, documents)
        kept = (np.linspace(1.6, 2.4, 6) if held else np.linspace(-2.0, -1.0, 6)).astype(np.float32)
        earlier.put(keys, kept)
        found = np.concatenate(teacher.score(tiny, *ROWS))
        assert len(server.asked) == (4 if held else 6)
    expected = np.where(np.isin(np.arange(6), [0, 1, 3, 5]), 2.0, kept) if held else np.full(6, 2.0)
    assert found == pytest.approx(expected)


def test_settings_of_shares() -> None:
    with pytest.raises(DistillirError, match="least_share"):
        load_asker("prompt", {"server": "http://x/v1", "model": "m", "least_share": 1}, "here")
