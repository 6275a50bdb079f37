"""Hashes of values in memory."""

import json
from typing import Any

import numpy as np
import xxhash


def hash_of_arrays(*arrays: Any) -> str:
    """Hash of arrays' shapes and bytes (hex)."""
    digest = xxhash.xxh3_128()
    for values in arrays:
        digest.update(f"{np.shape(values)}".encode() + np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def hash_of_json(value: object) -> str:
    """Hash of a value as JSON writes it (hex)."""
    return xxhash.xxh3_128_hexdigest(json.dumps(value).encode())


def hash_of_json_64(value: object) -> str:
    """Short hash of a value as JSON writes it (hex, 64 bits)."""
    return xxhash.xxh3_64_hexdigest(json.dumps(value).encode())
