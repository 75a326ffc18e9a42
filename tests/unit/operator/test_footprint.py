import subprocess
import sys
from asyncio.sslproto import SSLProtocol

import pytest

from keyward_operator import footprint

LEFT_OUT = ("requests", "oauthlib", "websocket", "urllib3")
"""Libraries of the synchronous client and of the dynamic one."""


def loaded_by(statement: str) -> set[str]:
    """The top-level modules in a fresh process."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_the_operator_loads_nothing_of_other_clients() -> None:
    assert not loaded_by("import keyward_operator.program").intersection(LEFT_OUT)


def test_without_it_the_client_loads_all_of_that() -> None:
    assert loaded_by("import kubernetes.aio.client") >= set(LEFT_OUT), "footprint.py is no longer needed"


@pytest.mark.parametrize("part", ["kubernetes.client", "kubernetes.aio.dynamic"])
def test_each_part_can_be_imported_all_the_same(part: str) -> None:
    assert "kubernetes" in loaded_by(f"import keyward_operator\nimport {part}")


def test_a_tls_connection_has_the_small_buffer() -> None:
    assert SSLProtocol.max_size == footprint.TLS_BUFFER
