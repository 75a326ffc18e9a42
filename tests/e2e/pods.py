"""Client pods: plain cqlsh, and the Python driver told what to do line by line (pod/client.py)."""

import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.kube import Finished, Kubectl
from tests.e2e.waiting import NotYet, wait_for

PROGRAM = Path(__file__).parent / "pod" / "client.py"

Answer = dict[str, Any]


class ClientFailed(AssertionError):
    """An operation in a pod did not do what the test needs; the message is what the server or the driver said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientPod:
    """A running pod of the cqlsh image."""

    kube: Kubectl
    name: str
    namespace: str
    host: str
    """Where the database's agents answer: `keyward-<database>.<namespace>.svc`."""

    def cqlsh(self, statement: str, *options: str, seconds: float = 60) -> Finished:
        """Run one statement as a user at a prompt would."""
        command = ("exec", f"--namespace={self.namespace}", self.name, "--", "cqlsh", *options, "--execute", statement)
        return self.kube.attempt(*command, seconds=seconds)

    @contextmanager
    def driver(self) -> Iterator["Driver"]:
        """A Python process in the pod that lives as long as the block."""
        arguments = ("exec", "--stdin", f"--namespace={self.namespace}", self.name, "--")
        command = self.kube.command(*arguments, "python", "-u", "-c", PROGRAM.read_text(), self.host)
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        with process:
            driver = Driver(process)
            try:
                yield driver
            finally:
                process.terminate()


class Driver:
    """The process in the pod: one request at a time."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._answers: queue.Queue[str | None] = queue.Queue()
        self._said: list[str] = []
        threading.Thread(target=self._read_answers, daemon=True).start()
        threading.Thread(target=self._read_errors, daemon=True).start()

    def _read_answers(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put(None)

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._said.append(line)

    def begin(self, operation: str, **arguments: Any) -> None:
        """Start an operation; `finish` waits for its answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": operation, **arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise ClientFailed(f"the client process has ended: {''.join(self._said)}") from None

    def finish(self, *, seconds: float = 60) -> Answer:
        """The answer to what was begun; a failure is an answer too."""
        try:
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise ClientFailed(f"no answer within {seconds:.0f} s; the client said: {''.join(self._said)}") from None
        if line is None:
            raise ClientFailed(f"the client process has ended: {''.join(self._said)}")
        answer: Answer = json.loads(line)
        return answer

    def attempt(self, operation: str, *, deadline: float = 60, **arguments: Any) -> Answer:
        """Do it and return the answer, failure or not."""
        self.begin(operation, **arguments)
        return self.finish(seconds=deadline)

    def do(self, operation: str, *, deadline: float = 60, **arguments: Any) -> Answer:
        """Do it; raises ClientFailed where it fails."""
        answer = self.attempt(operation, deadline=deadline, **arguments)
        if "failure" in answer:
            raise ClientFailed(f"{operation} {arguments} failed: {answer['failure']}")
        return answer

    def refusal(self, operation: str, *, deadline: float = 60, **arguments: Any) -> Answer:
        """Do it and return why it failed; raises ClientFailed where it succeeds."""
        answer = self.attempt(operation, deadline=deadline, **arguments)
        if "failure" not in answer:
            raise ClientFailed(f"{operation} {arguments} was not refused but answered {answer}")
        refusal: Answer = answer["failure"]
        return refusal

    def connect_once_granted(self, name: str, user: str, *, seconds: float = 15) -> Answer:
        """Log in as soon as a grant that was just made has reached the agents."""

        def connect() -> Answer:
            answer = self.attempt("connect", name=name, user=user)
            if "failure" in answer:
                raise NotYet(str(answer["failure"]))
            return answer

        return wait_for(f"a login as {user}", connect, seconds=seconds)

    def refused_once_granted(self, name: str, user: str, *, seconds: float = 15) -> Answer:
        """Why a login fails other than for want of a grant, which may still be on its way to the agents."""

        def refusal() -> Answer:
            refused = self.refusal("connect", name=name, user=user)
            if "has no grant" in refused["message"] or "may not use IAM role" in refused["message"]:
                raise NotYet(str(refused))
            return refused

        return wait_for(f"AWS to refuse a login as {user}", refusal, seconds=seconds)
