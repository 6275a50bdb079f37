"""Ways of doing one thing, each in a process of its own, in an order that turns by one each round."""

import json
import subprocess
import sys
from collections.abc import Sequence


def run_ways(names: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """What the calling script prints last when it is given ``--one NAME``: a number for each name and round."""
    found: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in [*names[turn % len(names) :], *names[: turn % len(names)]]:
            command = [sys.executable, *sys.argv, "--one", name]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found[name].append(json.loads(output.strip().splitlines()[-1]))
    return found
