"""The command line: one verb a stage, and `run` for all of them."""

import errno
import os
import signal
import sys
from types import FrameType

from distillir.errors import DistillirError


def main() -> None:
    """Entry point: a mistake in the input is one line and exit code 2, never a traceback."""
    # Set before any model library is imported: its own bars would break ours, and a fork after tokenising warns.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    signal.signal(signal.SIGINT, _interrupted)
    try:
        from distillir.cli.app import app

        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except DistillirError as error:
        _end(str(error))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            where = f" (writing {error.filename})" if error.filename else ""
            _end(f"the disk is full{where}; free space and run the same command again: it goes on where it stopped")
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            _end(f"{error.filename}: {error.strerror}; choose a folder you may write to (--output, DISTILLIR_CACHE)")
        if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP):
            _end(f"{error.filename}: {error.strerror}; choose another path")
        raise
    except Exception as error:
        # safetensors wraps what the system says in an error of its own.
        if type(error).__name__ == "SafetensorError" and "No space left" in str(error):
            _end("the disk is full; free space and run the same command again: it goes on where it stopped")
        raise


def _interrupted(number: int, frame: FrameType | None) -> None:
    """Ctrl-C: say how to go on; typer ends the program with 130."""
    sys.stderr.write("\ndistillir: stopped; run the same command again to go on\n")
    raise KeyboardInterrupt


def _end(message: str) -> None:
    sys.stderr.write(f"distillir: {message}\n")
    sys.stderr.flush()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        os._exit(2)  # other processes may wait for this one: leave without their barriers
    sys.exit(2)
