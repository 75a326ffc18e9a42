"""Bytes and hashes that depend on the value alone: the same inputs give the same revision everywhere."""

import hashlib
import json
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """JSON with sorted keys and no white space."""
    return _ENCODER.encode(value)


def content_hash(value: Any, *, length: int = 32) -> str:  # noqa: ANN401 - any JSON value
    """The first `length` hex digits of SHA-256 over the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:length]
