"""Keeps the process small: what libraries take for cases that are not ours, they do not get.

Without it an operator at rest takes 13 MiB more (`make bench-operator`).
"""

import importlib.util
import sys
from asyncio.sslproto import SSLProtocol

TLS_BUFFER = 32 * 1024
"""Bytes of the read buffer of a TLS connection, two of TLS' records; asyncio takes 256 KiB, for each of the watches."""

_CLIENT = "kubernetes"


def shrink() -> None:
    """To be called before anything else is imported."""
    SSLProtocol.max_size = TLS_BUFFER
    _leave_out_synchronous_client()


def _leave_out_synchronous_client() -> None:
    """Importing any part of the official client imports its synchronous half too: requests, oauthlib, websocket.

    A package that was not executed has all its parts all the same, each where it is imported.
    """
    spec = importlib.util.find_spec(_CLIENT)
    if spec is not None and _CLIENT not in sys.modules:
        sys.modules[_CLIENT] = importlib.util.module_from_spec(spec)
