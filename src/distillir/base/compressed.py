"""Opening files that may be compressed: the content decides, not the name."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa

from distillir.base.errors import DistillirError

#: Endings that `open_binary` reads through.
COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst", ".zip")
#: Forms that nothing here opens, by how their files begin.
_CLOSED = {
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x04\x22\x4d\x18": "compressed with lz4",
    b"\x1f\x9d": "compressed with compress (.Z)",
    b"LZIP": "compressed with lzip",
}
#: Names of members that a zip file carries besides its content.
_ZIP_EXTRAS = ("__MACOSX/", ".")


def plain_name(path: Path) -> Path:
    """The path without the ending of a compression: ``corpus.jsonl`` of ``corpus.jsonl.zst``."""
    return path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path


@contextmanager
def open_binary(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to read its bytes, through gzip, bzip2, xz, Zstandard or a zip file of one member.

    The first bytes tell the compression, so that a file under a name without its ending, or one that was unpacked on
    the way and kept the ending, is read as what it is.

    Raises:
        DistillirError: The file is an archive of several files, or compressed in a way that is not read here.
        OSError, EOFError: It cannot be opened; reading a damaged or cut file raises these too.
    """
    with path.open("rb") as raw:
        start = raw.read(8)
        raw.seek(0)
        for magic, what in _CLOSED.items():
            if start.startswith(magic):
                raise DistillirError(
                    f"is {what}, which is not read here", where=path, remedy="unpack it, or compress it with gzip"
                )
        with _decompressed(path, raw, start) as stream:
            _refuse_tar(path, stream)
            yield stream


def _decompressed(path: Path, raw: IO[bytes], start: bytes) -> Any:
    if start.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=raw)
    if start.startswith(b"BZh"):
        return bz2.BZ2File(raw)
    if start.startswith(b"\xfd7zXZ\x00"):
        return io.BufferedReader(cast(Any, _XzStream(raw)))
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        return io.BufferedReader(cast(Any, pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd")))
    if start.startswith(b"PK\x03\x04"):
        return _zip_member(path, raw)
    return raw


class _XzStream(lzma.LZMAFile):
    """An xz stream whose damage is an `OSError`, as that of the other compressions."""

    def __init__(self, raw: IO[bytes]) -> None:
        super().__init__(raw)

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; the number of bytes read."""
        try:
            return super().readinto(buffer)
        except lzma.LZMAError as error:
            raise OSError(str(error)) from None


def _zip_member(path: Path, raw: IO[bytes]) -> Any:
    """Open the one file in a zip file.

    Raises:
        DistillirError: It holds several files or none, is damaged, or is a spreadsheet or another document.
    """
    try:
        archive = zipfile.ZipFile(raw)
    except zipfile.BadZipFile as error:
        raise OSError(str(error)) from None
    names = [name for name in archive.namelist() if not name.endswith("/")]
    if "[Content_Types].xml" in names or "mimetype" in names:
        raise DistillirError("is a spreadsheet or document, not text", where=path, remedy="save it as CSV (UTF-8)")
    members = [name for name in names if not name.startswith(_ZIP_EXTRAS)]
    if len(members) != 1:
        shown = ", ".join(members[:4]) + (", ..." if len(members) > 4 else "")
        raise DistillirError(
            f"is a zip archive of {len(members)} files ({shown})",
            where=path,
            remedy="unpack it, and name what is inside",
        )
    try:
        return archive.open(members[0])
    except (RuntimeError, NotImplementedError) as error:  # a password, or a rare compression
        raise DistillirError(f"the zip archive cannot be read ({error})", where=path, remedy="unpack it") from None


def _refuse_tar(path: Path, stream: Any) -> None:
    """Refuse a tar archive, whatever it is compressed with: its bytes would be read as lines of text."""
    peek = stream.peek(512) if hasattr(stream, "peek") else b""
    if peek[257:262] == b"ustar":
        raise DistillirError("is a tar archive", where=path, remedy="unpack it (tar xf), and name what is inside")
