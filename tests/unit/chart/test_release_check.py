"""`helm test`: what its pod may do, and what it makes of answers."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from keyward_api import crds, names
from tests.integration.operator.control_plane import free_port
from tests.unit.operator.builders import AUTHORITY

from .conftest import Render
from .objects import Manifest, one, pod_template
from .release_check import PROGRAM, load

pytestmark = pytest.mark.timeout(1800)  # the first run on a machine may have to compile helm

KINDS = f"/apis/{names.API_VERSION}"


@dataclass
class Answers:
    """Status and document of each path, and the requests that came."""

    of: dict[str, tuple[int, Any]]
    seen: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def answers() -> Iterator[Answers]:
    """An operator that is ready, and an API server that lists all kinds; tests spoil them."""
    listed = {"resources": [{"name": kind.plural} for kind in crds.KINDS]}
    answers = Answers(of={"/readyz": (200, {"ready": True}), KINDS: (200, listed)})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.seen.append((self.path, self.headers.get("Authorization", "")))
            status, document = answers.of[self.path]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        answers.url = f"http://127.0.0.1:{server.server_port}"
        yield answers
        server.shutdown()
        thread.join()


@pytest.fixture
def account(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("TOKEN")
    (tmp_path / "ca.crt").write_bytes(AUTHORITY.certificate)
    return tmp_path


def found(answers: Answers, account: Path) -> str:
    said: str = load().check(f"{answers.url}/readyz", answers.url, account)
    return said


def test_all_is_well_when_the_operator_is_ready_and_all_kinds_are_listed(answers: Answers, account: Path) -> None:
    assert "is ready" in found(answers, account)
    assert answers.seen == [("/readyz", ""), (KINDS, "Bearer TOKEN")]


def test_an_operator_that_is_not_ready_is_told_with_its_reasons(answers: Answers, account: Path) -> None:
    answers.of["/readyz"] = (503, {"reasons": ["the watches have not begun"]})
    with pytest.raises(OSError, match=r"answers 503: .*the watches have not begun"):
        found(answers, account)


def test_an_operator_that_is_not_there_is_told(answers: Answers, account: Path) -> None:
    with pytest.raises(OSError, match="readyz does not answer: "):
        load().check(f"http://127.0.0.1:{free_port()}/readyz", answers.url, account)


def test_kinds_that_lack_are_named(answers: Answers, account: Path) -> None:
    answers.of[KINDS][1]["resources"].pop(0)
    with pytest.raises(OSError, match=f"lacks {crds.KINDS[0].plural}$"):
        found(answers, account)


def test_a_group_that_lacks_is_told(answers: Answers, account: Path) -> None:
    answers.of[KINDS] = (404, {"message": "not found"})
    with pytest.raises(OSError, match="answers 404"):
        found(answers, account)


@pytest.fixture(scope="module")
def pod(render: Render) -> Manifest:
    return one(render(), "Pod", "keyward-release-check", "keyward-system")


def test_the_pod_is_a_hook_that_runs_this_program_in_the_operators_image(pod: Manifest, render: Render) -> None:
    (container,) = pod["spec"]["containers"]
    (operator,) = pod_template(render())["spec"]["containers"]
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert container["image"] == operator["image"]
    assert (container["command"], container["args"][0]) == (["python", "-c"], PROGRAM.read_text())
    service = one(render(), "Service", "keyward-operator", "keyward-system")
    host = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc:{service['spec']['ports'][0]['port']}"
    assert container["args"][1] == f"http://{host}/readyz"


def test_the_pod_is_restricted_has_no_rights_and_is_none_of_the_operators(pod: Manifest, render: Render) -> None:
    operator = pod_template(render())
    assert pod["spec"]["securityContext"] == operator["spec"]["securityContext"]
    assert pod["spec"]["containers"][0]["securityContext"] == operator["spec"]["containers"][0]["securityContext"]
    assert "serviceAccountName" not in pod["spec"]
    selector = one(render(), "Service", "keyward-operator", "keyward-system")["spec"]["selector"]
    assert not selector.items() <= pod["metadata"]["labels"].items()
