"""The command line in a process of its own."""

import os
import subprocess
import sys


def distillir(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it."""
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "distillir", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)
