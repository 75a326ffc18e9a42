"""What the command says where it gets no answer; tests/integration/operator/test_explain.py has the answers."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keyward_operator.explain.command import BadAnswerError, NoOperatorError, explain

OF_THE_LEADER = "$(kubectl -n keyward-system get lease keyward-operator -o jsonpath='{.spec.holderIdentity}')"


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Callable[[bytes], Path]]:
    """Makes sockets where one request gets this answer."""
    made: list[tuple[socket.socket, threading.Thread]] = []

    def make(answer: bytes) -> Path:
        path = tmp_path / "operator.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        made.append((listener, thread))
        return path

    yield make
    for listener, thread in made:
        thread.join(timeout=10)
        listener.close()


def test_where_nobody_answers_it_says_how_to_ask_the_leader(tmp_path: Path) -> None:
    with pytest.raises(NoOperatorError) as raised:
        explain(["payments/orders", f"--socket={tmp_path}/nobody.sock"])
    command = f"kubectl -n keyward-system exec {OF_THE_LEADER} -- keyward-operator explain payments/orders"
    assert f"run this in the leader's pod, as in `{command}`" in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", "500"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi", "text/plain"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{", "Expecting"),
    ],
)
def test_an_answer_that_is_none_is_told_as_such(answering: Callable[[bytes], Path], answer: bytes, why: str) -> None:
    with pytest.raises(BadAnswerError) as raised:
        explain(["payments/orders", f"--socket={answering(answer)}"])
    assert f"kubectl -n keyward-system logs {OF_THE_LEADER}" in str(raised.value)
    assert why in str(raised.value)
