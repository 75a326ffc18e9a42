"""Keeps the process small: what libraries take for cases that are not ours, they do not get.

Without it an operator at rest takes 17 MiB more (`make bench-operator`).
"""

import contextlib
import ctypes
import importlib.util
import sys
from asyncio.sslproto import SSLProtocol
from importlib.metadata import version

TLS_BUFFER = 32 * 1024
"""Bytes of the read buffer of a TLS connection, two of TLS' records; asyncio takes 256 KiB, for each of the watches."""

_DISTRIBUTION = "kubernetes"
_PACKAGES = ("kubernetes", "kubernetes.aio")

_M_ARENA_MAX = -8
"""glibc's mallopt(3): how many heaps threads may have. Ours take turns by the interpreter's lock, so one is enough."""


def shrink() -> None:
    """To be called before anything else is imported."""
    SSLProtocol.max_size = TLS_BUFFER
    for package in _PACKAGES:
        _leave_out_what_it_imports(package)
    with contextlib.suppress(AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _leave_out_what_it_imports(package: str) -> None:
    """Importing any part of the official client imports its synchronous half too, and its dynamic client.

    A package that was not executed has all its parts all the same, each where it is imported.
    """
    spec = importlib.util.find_spec(package)
    if spec is not None and package not in sys.modules:
        module = sys.modules[package] = importlib.util.module_from_spec(spec)
        vars(module)["__version__"] = version(_DISTRIBUTION)  # some of its parts ask for that
        parent, _, name = package.rpartition(".")
        if parent:
            setattr(sys.modules[parent], name, module)
