"""What this process asks of the system: to keep its memory to itself, and to be told of signals."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal

_PR_SET_DUMPABLE = 4


def harden() -> None:
    """No core dump and no ptrace by the same user, who could read credentials in memory; files for the owner only."""
    os.umask(0o077)
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE) failed")


def stop_on_signals() -> asyncio.Event:
    """Set by SIGTERM and SIGINT. Must be called inside the event loop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
