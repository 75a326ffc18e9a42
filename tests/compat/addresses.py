"""Loopback addresses of our own: the suites take port 9042 for granted, and several of these may run on one machine."""

import secrets
import socket
from dataclasses import dataclass

CQL = 9042
TLS = 9142
_ATTEMPTS = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """Of 127.0.0.0/8; on Linux each of them is there."""

    direct: str
    """A Cassandra on port 9042."""
    through: str
    """The plaintext front on port 9042, and the agent on 9142."""
    upstream: str
    """The Cassandra behind the agent on 9042, and what plays Keyspaces before it on 9142."""


def pick() -> Addresses:
    """Three addresses whose ports nobody uses at this moment."""
    for _ in range(_ATTEMPTS):
        net = f"127.{10 + secrets.randbelow(240)}.{secrets.randbelow(256)}"
        found = Addresses(direct=f"{net}.1", through=f"{net}.2", upstream=f"{net}.3")
        if all(
            _free(address, port) for address in (found.direct, found.through, found.upstream) for port in (CQL, TLS)
        ):
            return found
    raise OSError(f"no loopback address has the ports {CQL} and {TLS} free: something listens on 0.0.0.0")


def _free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True
