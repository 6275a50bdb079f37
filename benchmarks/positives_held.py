"""Share of lists that hold their judged positive: as a sample draws them, and as objectives that compare one get them.

python benchmarks/positives_held.py runs/positives/cells/ckl/seed-0/teaching
"""

import argparse
from pathlib import Path

import numpy as np

from distillir.plans.example_stream import ExampleStream
from distillir.plans.plain_lists import SAMPLES, PlainLists
from distillir.teaching.teaching_set import open_teaching_set


def main() -> None:
    """Print a line for each sample: the share of all judged lists, and of those whose positive is not the best."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("teaching", type=Path, help="a run's teaching set")
    parser.add_argument("--size", type=int, default=8, help="candidates in a list")
    parser.add_argument("--epochs", type=int, default=12)
    arguments = parser.parse_args()
    lists = open_teaching_set(arguments.teaching)
    places = {int(query): index for index, query in enumerate(lists.queries)}
    print(f"{'sample':16} {'as drawn':>9} {'teacher wrong':>14} {'kept':>6} {'teacher wrong':>14}")
    for sample in SAMPLES:
        shares = []
        for positives in (False, True):
            sampler = [PlainLists(arguments.size, sample)]
            examples = ExampleStream(
                lists, epochs=arguments.epochs, queries_per_step=1, samplers=sampler, positives=positives
            )
            held, wrong = [], []
            for position in range(len(examples)):
                index = places[examples[position].query]
                scores, relevant = lists.scores(index), lists.relevant(index)
                if relevant.any():
                    held.append(bool(examples[position].relevant.any()))
                    wrong.append(bool(scores[relevant].max() < scores.max()))
            shares += [np.mean(held), np.mean(np.array(held)[wrong])]
        print(f"{sample:16} {shares[0]:>9.1%} {shares[1]:>14.1%} {shares[2]:>6.1%} {shares[3]:>14.1%}")


if __name__ == "__main__":
    main()
