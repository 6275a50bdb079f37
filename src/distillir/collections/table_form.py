"""The form of a text table on disk, which its writer and its readers share."""

import pyarrow as pa
import xxhash

# Fixes where a row lies in the file, and bounds a batch to 2 GiB of text: half a megabyte a row on average.
ROWS_PER_BATCH = 4096
COLUMNS = ("id", "title", "text")
SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS])


def id_hash(identifier: str) -> int:
    """The 64-bit hash that an id is found by."""
    return xxhash.xxh3_64_intdigest(identifier.encode("utf-8", "surrogatepass"))
