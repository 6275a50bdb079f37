"""Dark examples: what goes in survives, what is taken is gone, nothing breaks in any script."""

import numpy as np
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from distillir.signals.dark_examples.noisy import OPERATIONS, noisy
from distillir.signals.dark_examples.reinforced import MODES, reinforced
from distillir.signals.dark_examples.units import sentences, units

POSITIVE = "Bees see ultraviolet marks. They lead to nectar! Do they smell it too? Scent helps at close range."
NEGATIVE = "A comb is built of wax. The wax comes from glands. Queens lay eggs in it. Drones do not work."
TEXTS = {
    "english": (POSITIVE, NEGATIVE),
    "chinese": ("蜜蜂能看见紫外线。它们因此找到花蜜！气味也有帮助。", "蜂巢由蜂蜡建成。蜂后在里面产卵。"),
    "thai": ("ผึ้งมองเห็นแสงอัลตราไวโอเลต", "รังผึ้งทำจากขี้ผึ้ง"),
    "hindi": ("मधुमक्खियाँ पराबैंगनी देखती हैं। वे फूल ढूँढती हैं।", "छत्ता मोम से बनता है। रानी अंडे देती है।"),
    "emoji": ("👩‍👩‍👧‍👦 saw 🇫🇷 and e\u0301clairs", "👨🏽‍🚀 flew to the moon"),
}


def graphemes(text: str) -> list[str]:
    return [part for part in regex.findall(r"\X", text) if not part.isspace()]


@pytest.mark.parametrize("name", TEXTS)
def test_units_cover_a_text_and_cut_no_grapheme(name: str) -> None:
    for text in TEXTS[name]:
        spans = units(text)
        assert "".join(text[a:b] for a, b in spans) == regex.sub(r"\s+", "", text)
        assert [g for a, b in spans for g in graphemes(text[a:b])] == graphemes(text)


def test_sentences_of_several_scripts() -> None:
    assert sentences(POSITIVE)[1] == "They lead to nectar!"
    assert [len(sentences(TEXTS[name][0])) for name in ("chinese", "hindi", "thai")] == [3, 2, 1]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", TEXTS)
def test_what_is_put_in_is_of_the_positive_and_the_rest_of_the_negative(name: str, mode: str) -> None:
    positive, negative = TEXTS[name]
    for seed in range(8):
        made = reinforced(positive, negative, mode, 0.4, np.random.default_rng(seed))
        again = reinforced(positive, negative, mode, 0.4, np.random.default_rng(seed))
        assert made is not None and made == again and made.kind == "reinforced"
        assert all(made.text[a:b] in positive and a < b for a, b in made.injected)
        left, at = [], 0
        for a, b in (*made.injected, (len(made.text), len(made.text))):
            left.append(made.text[at:a].strip())
            at = b
        rest = "".join("".join(left).split())
        bare = "".join(negative.split())
        assert rest == bare if mode != "replace" else len(rest) < len(bare) and all(p in negative for p in left)
        assert set(graphemes(made.text)) <= set(graphemes(positive)) | set(graphemes(negative))


def test_the_share_is_of_the_positives_words() -> None:
    words = len(POSITIVE.split())
    for share in (0.1, 0.5, 1.0):
        made = reinforced(POSITIVE, NEGATIVE, "insert", share, np.random.default_rng(0))
        assert made is not None
        ((a, b),) = made.injected
        assert len(made.text[a:b].split()) == max(1, round(share * words))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("limit", [5, 20, 60, 150])
def test_what_is_put_in_is_read(mode: str, limit: int) -> None:
    """Models read ``limit`` characters: the part put in lies within them, shortened or moved if it must."""
    for seed in range(20):
        made = reinforced(
            POSITIVE, NEGATIVE * 5, mode, 0.5, np.random.default_rng(seed), fits=lambda text, end: end <= limit
        )
        if made is None:
            # Not one word (or sentence) fits; words of the positive are 2 characters and more.
            assert limit <= 20
        else:
            assert all(b <= limit for _, b in made.injected)
            assert all(made.text[a:b] in POSITIVE for a, b in made.injected)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("limit", [0, 5, 20, 60])
def test_words_go_that_are_read(operation: str, limit: int) -> None:
    """Models read ``limit`` characters: what they read of the text is not what they read of the positive."""
    for seed in range(20):
        made = noisy(
            POSITIVE, operation, 0.4, np.random.default_rng(seed), "[MASK]", fits=lambda text, end: end <= limit
        )
        if limit < len("Bees see"):
            assert made is None
        else:
            assert made is not None and made.text[:limit] != POSITIVE[:limit]
            assert made.text.endswith(POSITIVE[70:])


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("rate", [0.01, 0.3, 0.7, 0.99])
@pytest.mark.parametrize("name", TEXTS)
def test_noise_takes_as_much_as_it_says(name: str, operation: str, rate: float) -> None:
    positive = TEXTS[name][0]
    count = len(units(positive))
    gone = min(max(1, round(rate * count)), count - 1)
    for seed in range(5):
        made = noisy(positive, operation, rate, np.random.default_rng(seed), mask="■")
        assert made is not None and made == noisy(positive, operation, rate, np.random.default_rng(seed), mask="■")
        masks = made.text.count("■")
        assert masks == {"mask": gone, "mask_span": 1}.get(operation, 0)
        # With the masks apart from the words they stand beside, what is left is counted in units again.
        assert len(units(made.text.replace("■", " "))) == count - gone
        assert set(graphemes(made.text)) <= set(graphemes(positive)) | {"■"}


@pytest.mark.parametrize("text", ["", "   ", "one"])
def test_positives_with_nothing_to_take(text: str) -> None:
    generator = np.random.default_rng(0)
    assert all(noisy(text, operation, 0.5, generator) is None for operation in OPERATIONS)


@pytest.mark.parametrize("mode", MODES)
def test_empty_passages_make_nothing_and_single_words_do(mode: str) -> None:
    generator = np.random.default_rng(0)
    assert reinforced("", NEGATIVE, mode, 0.5, generator) is None
    assert reinforced(POSITIVE, "  ", mode, 0.5, generator) is None
    made = reinforced("nectar", "wax", mode, 0.1, generator)
    assert made is not None and "nectar" in made.text


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80), st.sampled_from(sorted(MODES)), st.floats(0.05, 1.0))
def test_any_text_at_all(positive: str, negative: str, mode: str, share: float) -> None:
    made = reinforced(positive, negative, mode, share, np.random.default_rng(0))
    if made is not None:
        assert all(made.text[a:b] in positive for a, b in made.injected)
