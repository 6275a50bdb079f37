"""One form of a text for search by words: the same word gives the same letters, however it was typed."""

import re
import unicodedata
from functools import cache

import regex

# Compatibility characters that mean something of their own: 10⁶ is not 106 and ½ is not 12, so that NFKC of a whole
# text would be wrong. What is left are other ways of writing the same letter: full width, ligatures, Arabic's forms.
_OTHER_MEANING = ("<super>", "<sub>", "<circle>", "<fraction>", "<square>")
_RADICALS = range(0x2E80, 0x2FE0)  # Symbols by category; scans and PDF files have them for the characters themselves.
_KOREAN_LETTERS = range(0x3131, 0x318F)  # NFKC makes syllables of neighbours.
_PLAIN = re.compile(r"[\x00-\xac\xae-\u036f\u2010-\u2027]*")

# Not seen: joiners, marks of direction, variation selectors, what holds glyphs together. U+200B parts words.
_INVISIBLE = regex.compile(r"[\p{Cf}\p{Variation_Selector}\u034f--\u200b]", regex.V1)
# Vowel points and cantillation, Qur'anic signs, and the tatweel that stretches a line.
_LEFT_OUT = regex.compile(
    r"[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    r"\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]"
)
# As Lucene's ArabicNormalizer and PersianNormalizer: alefs, dotless yeh, teh marbuta, what two keyboards tell apart.
_ARABIC_LETTERS = dict(zip("آأإٱىیةۀک", "ااااييههك", strict=True))
_PERSIAN_SPACE = regex.compile(r"(?<=\p{Arabic})\u200c(?=\p{Arabic})")
_HEBREW = re.compile("[\u05d0-\u05ea]")
_HEBREW_QUOTE = re.compile("(?<=[\u05d0-\u05ea])[\"'\u05f3\u05f4](?=[\u05d0-\u05ea])")
_OLD_CHILLU = re.compile("([ണനരലളകত][\u0d4d\u09cd])\u200d")
_CHILLU = {"ണ്": "ൺ", "ന്": "ൻ", "ര്": "ർ", "ല്": "ൽ", "ള്": "ൾ", "ക്": "ൿ", "ত্": "ৎ"}
_THAI_AM = re.compile("\u0e4d([\u0e48-\u0e4b]?)\u0e32")
_LAO_AM = re.compile("\u0ecd([\u0ec8-\u0ecb]?)\u0eb2")
_STRESS = regex.compile(r"(?<=\p{Cyrillic})[\u0300\u0301]")
_GREEK = re.compile("[\u0370-\u03ff\u1f00-\u1fff]")
_GREEK_ACCENT = regex.compile(r"(?<=\p{Greek})\p{M}+")


def normal_form(text: str) -> str:
    """A text as its words are compared, letter case left as it is.

    It is composed (NFC), so that NFC and NFD are the same. Full-width, half-width and presentation forms, ligatures
    and the digits of other scripts become the plain letters and digits; superscripts, fractions and circled numbers
    stay what they are. Characters that are not seen (soft hyphen, joiners, marks of direction) go; the zero-width
    space parts words, as Khmer and Thai use it, and so does a non-joiner between Arabic letters, as Persian is also
    written with a space there. Marks that writers leave out go: Arabic and Hebrew vowel points, Greek accents (capitals
    have none), Cyrillic stress. All other marks are letters' parts and stay.
    """
    text = unicodedata.normalize("NFC", text)
    if _PLAIN.fullmatch(text):
        return text
    if "\u200c" in text:
        text = _PERSIAN_SPACE.sub(" ", text)
    if "\u200d" in text:
        text = _OLD_CHILLU.sub(lambda found: _CHILLU[found[1]], text)
    text = text.translate(_plain_letters())
    # Sara am in its two parts, with the tone mark between them or behind; and sara e twice for sara ae.
    text = _LAO_AM.sub("\\1\u0eb3", _THAI_AM.sub("\\1\u0e33", text)).replace("\u0e40\u0e40", "\u0e41")
    if _HEBREW.search(text):
        text = _HEBREW_QUOTE.sub("", text)
    if "\u0300" in text or "\u0301" in text:
        text = _STRESS.sub("", text)
    if _GREEK.search(text):
        text = _GREEK_ACCENT.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", text)


def fold_case(text: str, *, turkish: bool = False) -> str:
    """A text without letter case: full case folding, in which ß is ss and the Greek sigma one letter.

    Args:
        text: In `normal_form`.
        turkish: I is the capital of dotless ı and İ of i. Otherwise all four are i, so that Turkish words meet in any
            case, at the price of the few that differ by the dot alone.
    """
    if turkish:
        text = text.replace("İ", "i").replace("I", "ı")
    folded = text.casefold().replace("i\u0307", "i")
    return unicodedata.normalize("NFC", folded if turkish else folded.replace("ı", "i"))


@cache
def _plain_letters() -> dict[int, str]:
    """Replacements that `normal_form` makes for single characters, by code point."""
    plain = {ord("\u200b"): " "}
    blocks = ((0x80, 0x3400), (0xA000, 0xAC00), (0xF900, 0x12000), (0x16A00, 0x20000), (0xE0000, 0xE0200))
    for code in (code for start, end in blocks for code in range(start, end)):
        character = chr(code)
        category, decomposition = unicodedata.category(character), unicodedata.decomposition(character)
        if category == "Nd":
            plain[code] = str(unicodedata.decimal(character))
        elif _INVISIBLE.match(character) or _LEFT_OUT.match(character):
            plain[code] = ""
        elif character in _ARABIC_LETTERS:
            plain[code] = _ARABIC_LETTERS[character]
        elif code >= 0x250 and decomposition.startswith("<") and not decomposition.startswith(_OTHER_MEANING):
            letter = category[0] in "LM" or category == "Nl" or code in _RADICALS
            if letter and code not in _KOREAN_LETTERS and character not in "\u0e33\u0eb3":
                letters = _LEFT_OUT.sub("", unicodedata.normalize("NFKC", character))
                plain[code] = "".join(_ARABIC_LETTERS.get(one, one) for one in letters)
    return plain
