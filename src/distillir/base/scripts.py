"""Words and sentences of any script, counted or cut, also where no spaces are written between words."""

import regex

#: A part of a regex set: scripts written without spaces between words (class SA of Unicode's annex 14, and those of
#: East Asia), and what is written among their letters.
NO_SPACES = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Yi}\p{Tangut}\p{Nushu}\u30fc\u3006"
    r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}\p{Tai_Viet}\p{Ahom}"
    r"\p{Javanese}\p{Balinese}"
)
_UNSPACED = regex.compile(rf"[{NO_SPACES}]")
# White space is what it is to str.split. Marks belong to the letter before them, and punctuation to the word before it;
# alone it is a word, as there.
_PIECE = regex.compile(rf"(?P<letter>[{NO_SPACES}]\p{{M}}*\p{{P}}*)|[^\s\x1c-\x1f{NO_SPACES}]+")
# Thai and Lao have no full stop: sentences and clauses are parted by a space.
_SENTENCE_END = regex.compile(
    r"(?<=[.!?؟۔።])\s+(?=\S)|(?<=[。！？।॥။។])\s*(?=\S)|(?<=[\p{Thai}\p{Lao}]\p{M}*)\s+(?=[\p{Thai}\p{Lao}])"
)


def count_words(text: str) -> float:
    """Words by white space; of writing without spaces two letters, with their marks, count as one."""
    if text.isascii() or not _UNSPACED.search(text):
        return len(text.split())
    letters = [found["letter"] is not None for found in _PIECE.finditer(text)]
    return sum(letters) / 2 + letters.count(False)


def end_of_words(text: str, number: int) -> int:
    """Place where the first ``number`` words (as in `count_words`) of a text end; its end where it has no more."""
    left, last = 2 * number, 0
    for found in _PIECE.finditer(text):
        left -= 1 if found["letter"] is not None else 2
        if left < 0:
            return last
        last = found.end()
    return len(text)


def first_words(text: str, number: int | None) -> str:
    """The first ``number`` words of a text (None: all); white space becomes single blanks."""
    return " ".join(text[: None if number is None else end_of_words(text, number)].split())


def split_sentences(text: str) -> list[str]:
    """Sentences by their closing marks, in any script; a text without such marks is one."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]
