"""The command line: one verb a stage, and `run` for all of them."""

import os


def main() -> None:
    """Entry point: whatever goes wrong is one line and an exit code, never a traceback (`distillir.cli.boundary`)."""
    # Set before any model library is imported: its own bars would break ours, and a fork after tokenising warns.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    from distillir.cli.boundary import run_guarded

    run_guarded(_call)


def _call() -> None:
    from distillir.cli.app import app
    from distillir.specs.allow_code import allow_code

    with allow_code(False):  # until the flag says otherwise, and for this call alone
        app()
