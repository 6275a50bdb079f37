"""Reading line by line with good errors; writing beside, then renaming, so that no half-written file is left."""

import codecs
import errno
import json
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from distillir.base.compressed import open_binary
from distillir.base.doing import doing
from distillir.base.errors import DistillirError
from distillir.base.leftovers import OLD, PART, own_mark, sweep

_BLOCK = 1 << 24


def cache_root() -> Path:
    """The folder for imported collections, teacher scores and vectors (``$DISTILLIR_CACHE`` or the user's cache)."""
    if chosen := os.environ.get("DISTILLIR_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(base) / "distillir"


def file_state(path: Path) -> str:
    """Size and times of a file: that of its content, which ``cp -p`` and ``touch -r`` set, and the system's own."""
    status = path.stat()
    return f"{status.st_size}\t{status.st_mtime_ns}\t{status.st_ctime_ns}"


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it is synced and renamed over ``path``, else removed."""
    with doing(f"making {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.{own_mark()}", suffix=PART, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            _sync(temporary)
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; on success it takes the place of ``path``, else it is removed.

    Its files are synced first: some file systems say only then that there is no room.
    """
    with doing(f"making {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.{own_mark()}", suffix=PART, dir=path.parent))
        try:
            yield temporary
            for file in temporary.rglob("*"):
                if file.is_file() and not file.is_symlink():
                    _sync(file)
            temporary.chmod(0o755)
            if path.exists():
                old = Path(tempfile.mkdtemp(prefix=f".{path.name}.{own_mark()}", suffix=OLD, dir=path.parent))
                path.replace(old / "old")
                temporary.replace(path)
                shutil.rmtree(old)
            else:
                temporary.replace(path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def _sync(file: Path) -> None:
    with file.open("rb") as written:
        os.fsync(written.fileno())


def reserve(path: Path, size: int) -> None:
    """Make a file of ``size`` bytes that has its room on the disk.

    A file that is memory-mapped and written through the map must have it: where the disk fills up on the way the
    system kills the program (SIGBUS) and no exception tells why.

    Raises:
        OSError: There is no room.
    """
    with path.open("wb") as stream:
        try:
            os.posix_fallocate(stream.fileno(), 0, size)
        except (AttributeError, OSError) as error:
            if isinstance(error, OSError) and error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                # The system does not say which file; and for one that is larger than any may be there is no room.
                number = errno.ENOSPC if error.errno == errno.EFBIG else error.errno or errno.EIO
                raise OSError(number, os.strerror(number), str(path)) from None
            for start in range(0, size, _BLOCK):  # zeros take room everywhere
                stream.write(bytes(min(_BLOCK, size - start)))


def write_json(path: Path, value: object) -> None:
    """Write ``value`` as indented JSON, atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path, remedy: str) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Args:
        path: It must exist.
        remedy: Said where it is damaged.

    Raises:
        DistillirError: It is not UTF-8, not JSON, or holds something else.
    """
    text = "\n".join(line for _, line in read_lines(path))
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise DistillirError(
            f"not JSON ({error.msg} at column {error.colno})", where=f"{path}:{error.lineno}", remedy=remedy
        ) from None
    except (ValueError, RecursionError):
        raise DistillirError("not JSON (nested too deep, or a number too long)", where=path, remedy=remedy) from None
    if not isinstance(value, dict):
        raise DistillirError(f"a JSON {type(value).__name__} where an object is expected", where=path, remedy=remedy)
    return value


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield ``(line number from 1, line without its end)`` of a UTF-8 text file, compressed or not.

    Which compressions are read stands at `distillir.base.compressed.open_binary`.

    Raises:
        DistillirError: The file is missing, is no file, is cut or damaged, or holds a line that is not UTF-8.
    """
    if not path.exists():
        raise DistillirError("no such file", where=path, remedy="check the path")
    if path.is_dir():
        raise DistillirError("is a folder where a file is expected", where=path)
    number = 0
    try:
        with open_binary(path) as stream:
            for number, raw in enumerate(stream, start=1):
                if number == 1 and raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                    raise DistillirError(
                        "is UTF-16, as spreadsheets write it, not UTF-8",
                        where=path,
                        remedy="convert the file: iconv -f utf-16 -t utf-8",
                    )
                try:
                    line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise DistillirError(
                        f"not UTF-8 (byte {error.start} of the line)",
                        where=f"{path}:{number}",
                        remedy="convert the file, for example with iconv -f latin1 -t utf-8",
                    ) from None
                yield number, line.rstrip("\r\n")
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        if number == 0 and isinstance(error, OSError) and error.errno is not None:  # it could not even be opened
            raise DistillirError(f"cannot be read ({error.strerror})", where=path) from None
        raise DistillirError(f"cannot be read ({error})", where=f"{path}:{number + 1}") from None


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield ``(line number, object)`` of a JSON-lines file; empty lines are passed over.

    Raises:
        DistillirError: As `read_lines`, or a line that is not a JSON object.
    """
    for number, line in read_lines(path):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            said = "nested too deep" if isinstance(error, RecursionError) else "a number too long to read"
            if isinstance(error, json.JSONDecodeError):
                said = f"{error.msg} at column {error.colno}"
            raise DistillirError(
                f"not JSON ({said})",
                where=f"{path}:{number}",
                remedy="each line must be one JSON object",
            ) from None
        if not isinstance(value, dict):
            raise DistillirError(f"a JSON {type(value).__name__} where an object is expected", where=f"{path}:{number}")
        yield number, value
