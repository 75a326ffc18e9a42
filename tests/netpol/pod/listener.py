"""What runs inside a pod to be reached: an HTTP answer for every connection to some ports.

    kubectl exec -i POD -- python -u -c "$(cat listener.py)" while-stdin PORT...
    python -u -c "$(cat listener.py)" forever PORT...

Says `listening` on stdout once all ports are open. With `while-stdin` it ends with its input, hence with kubectl.
"""

import socketserver
import sys
import threading


class Answer(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(1024)
        self.request.sendall(b"HTTP/1.0 200 OK\r\n\r\n")


class Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main(how_long: str, *ports: str) -> None:
    for port in ports:
        threading.Thread(target=Listener(("0.0.0.0", int(port)), Answer).serve_forever, daemon=True).start()  # noqa: S104
    print("listening", flush=True)
    if how_long == "while-stdin":
        sys.stdin.read()
    else:
        threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
