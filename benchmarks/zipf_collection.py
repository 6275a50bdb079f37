"""Write a collection of the size of MS MARCO whose words follow Zipf's law, in MS MARCO's form.

    python benchmarks/zipf_collection.py FOLDER [--passages 8841823] [--queries 500000]

A million words; the word of rank r is drawn with a probability in proportion to 1 / r. Passages have 30 to 90 words, 60
in the mean, about 340 bytes. A query is 6 to 15 words of one passage, which is judged relevant for it. The same
arguments give the same files.
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

VOCABULARY = 1_000_000
SHORTEST, LONGEST = 30, 90
QUERY_WORDS = (6, 15)
BLOCK = 50_000


def vocabulary(size: int = VOCABULARY) -> list[str]:
    """Words by rank: of two syllables first, then of three, then of four, as frequent words are short."""
    syllables = [consonant + vowel for consonant in "bcdfghjklmnprstv" for vowel in "aeiou"]
    words: list[str] = []
    for length in (2, 3, 4):
        for parts in product(syllables, repeat=length):
            if len(words) == size:
                return words
            words.append("".join(parts))
    return words


def draw(generator: np.random.Generator, count: int, cumulative: npt.NDArray[np.float64]) -> list[int]:
    """Ranks [count] of words."""
    ranks = np.searchsorted(cumulative, generator.random(count) * cumulative[-1], side="right")
    return np.minimum(ranks, len(cumulative) - 1).tolist()  # type: ignore[no-any-return]


def generate(folder: Path, passages: int, queries: int, size: int = VOCABULARY) -> None:
    """Write ``collection.tsv``, ``queries.train.tsv`` and ``qrels.train.tsv`` into a new folder."""
    generator = np.random.default_rng(0)
    words, cumulative = vocabulary(size), np.cumsum(1.0 / np.arange(1, size + 1))
    asked = np.sort(generator.choice(passages, queries, replace=queries > passages))
    lengths = generator.integers(SHORTEST, LONGEST + 1, passages)
    folder.mkdir(parents=True)
    with (
        (folder / "collection.tsv").open("w", encoding="ascii") as texts,
        (folder / "queries.train.tsv").open("w", encoding="ascii") as questions,
        (folder / "qrels.train.tsv").open("w", encoding="ascii") as judgements,
    ):
        number = 0
        for start in range(0, passages, BLOCK):
            ends = np.cumsum(lengths[start : start + BLOCK])
            drawn = list(map(words.__getitem__, draw(generator, int(ends[-1]), cumulative)))
            begins = [0, *ends.tolist()]
            rows = range(len(ends))
            texts.writelines(f"{start + i}\t{' '.join(drawn[begins[i] : begins[i + 1]])}\n" for i in rows)
            while number < queries and asked[number] < start + len(ends):
                i = int(asked[number]) - start
                count = int(generator.integers(QUERY_WORDS[0], QUERY_WORDS[1] + 1))
                places = generator.choice(begins[i + 1] - begins[i], count, replace=False) + begins[i]
                questions.write(f"q{number}\t{' '.join(drawn[place] for place in places)}\n")
                judgements.write(f"q{number}\t0\t{start + i}\t1\n")
                number += 1


def main() -> None:
    """Parse the command line and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--passages", type=int, default=8_841_823)
    parser.add_argument("--queries", type=int, default=500_000)
    arguments = parser.parse_args()
    generate(arguments.folder, arguments.passages, arguments.queries)


if __name__ == "__main__":
    main()
