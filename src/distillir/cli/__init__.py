"""The command line: one verb a stage, and `run` for all of them."""

import os
import sys


def main() -> None:
    """Entry point: whatever goes wrong is one line and an exit code, never a traceback (`distillir.cli.boundary`)."""
    # Set before any model library is imported: its own bars would break ours, and a fork after tokenising warns.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    from distillir.cli import boundary, error_log

    boundary.watch_signals()
    error_log.keep_errors_beside(None)
    try:
        from distillir.cli.app import app

        app()
    except SystemExit as ended:
        code = boundary.exit_code(ended.code)
        if not code:
            error_log.forget_errors()
        sys.exit(code)
    except BaseException as error:
        boundary.end(error)
