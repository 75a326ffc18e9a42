"""TLS between a client and an agent, over a socket pair."""

import socket
import ssl
import threading

from keyward_proxy.net.leaf import Leaf


def talk(leaf: Leaf, client: ssl.SSLContext, name: str) -> ssl.SSLSocket:
    """A handshake over a socket pair; returns the client's side after it."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            leaf.context.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        return client.wrap_socket(ours, server_hostname=name)
    finally:
        ours.close()
        thread.join()
