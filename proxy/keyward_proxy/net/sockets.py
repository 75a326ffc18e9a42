"""Options that every TCP connection of the agent has, on both sides."""

from __future__ import annotations

import socket

KEEPALIVE_IDLE_SECONDS = 60
KEEPALIVE_INTERVAL_SECONDS = 15
KEEPALIVE_PROBES = 4
"""A silent peer is noticed after two minutes; network load balancers forget idle flows after 350 s."""

SEND_BUFFER_BYTES = 256 * 1024
"""Of the kernel, for each connection: left to itself it lets megabytes wait for a client that does not read."""


def tune(sock: socket.socket) -> None:
    """Non-blocking, no Nagle delay (frames are written whole), a bounded send buffer, and keepalive probes."""
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
