"""The fixed-size record of one score on disk, and its checksum."""

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Scores
from distillir.teachers.answers.keys import Keys

RECORD = np.dtype([("key", "<u8", (2,)), ("score", "<f4"), ("crc", "<u4")])
_CHECKED = RECORD.itemsize - 4
_ROWS_PER_CALL = 1 << 20


def _crc_table() -> npt.NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0xEDB88320), table >> 1)
    return table


_TABLE = _crc_table()


def crc32_rows(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """CRC-32 (as ``zlib.crc32``) of each row of bytes [N, W], all rows at once."""
    crc = np.full(len(rows), 0xFFFFFFFF, dtype=np.uint32)
    for column in rows.T:
        crc = _TABLE[(crc ^ column) & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
    return ~crc


def checksums(keys: Keys, scores: Scores) -> npt.NDArray[np.uint32]:
    """The checksums [N] of the records of keys [N, 2] and scores [N]."""
    crc = np.empty(len(keys), dtype=np.uint32)
    for start in range(0, len(keys), _ROWS_PER_CALL):
        part = slice(start, start + _ROWS_PER_CALL)
        records = np.zeros(len(keys[part]), dtype=RECORD)
        records["key"], records["score"] = keys[part], scores[part]
        crc[part] = crc32_rows(_bytes(records)[:, :_CHECKED])
    return crc


def pack(keys: Keys, scores: Scores) -> bytes:
    """Records of keys [N, 2] and scores [N]."""
    records = np.zeros(len(keys), dtype=RECORD)
    records["key"], records["score"] = keys, scores
    records["crc"] = crc32_rows(_bytes(records)[:, :_CHECKED])
    return records.tobytes()


def unpack(data: npt.NDArray[np.uint8]) -> tuple[Keys, Scores]:
    """Keys [N, 2] and scores [N] of the records in ``data``; those whose checksum is wrong are left out."""
    records = data[: len(data) - len(data) % RECORD.itemsize].view(RECORD)
    good = np.empty(len(records), dtype=bool)
    for start in range(0, len(records), _ROWS_PER_CALL):
        part = records[start : start + _ROWS_PER_CALL]
        good[start : start + _ROWS_PER_CALL] = crc32_rows(_bytes(part)[:, :_CHECKED]) == part["crc"]
    kept = records[good]
    return np.ascontiguousarray(kept["key"]), np.ascontiguousarray(kept["score"])


def _bytes(records: npt.NDArray[np.void]) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(records).view(np.uint8).reshape(-1, RECORD.itemsize)
