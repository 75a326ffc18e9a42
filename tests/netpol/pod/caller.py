"""What runs inside a pod to see whether it reaches an address: one request, one line of JSON.

    kubectl exec POD -- python -c "$(cat caller.py)" HOST PORT http|tls

The line is `{"answer": ...}` with the first line of an HTTP answer or the version of TLS, or `{"error": ...}` with the
name of the exception: packets that a policy drops end in TimeoutError.
"""

import json
import socket
import ssl
import sys

SECONDS = 3.0


def call(host: str, port: int, protocol: str) -> str:
    with socket.create_connection((host, port), timeout=SECONDS) as connection:
        if protocol == "http":
            connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            return connection.recv(1024).decode(errors="replace").split("\r\n")[0]
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(connection) as wrapped:
            return wrapped.version() or ""


def main(host: str, port: str, protocol: str) -> None:
    try:
        told = {"answer": call(host, int(port), protocol)}
    except OSError as error:
        told = {"error": type(error).__name__}
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
