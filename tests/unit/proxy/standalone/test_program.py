"""The command line as settings, and what it prints for others."""

from __future__ import annotations

import ipaddress
import json
import socket
from pathlib import Path

import pytest

from keyward_proxy.commandline import PRINTABLE, parse
from keyward_proxy.standalone.policy import derived_uid
from keyward_proxy.standalone.program import advertised_address, settings_from, tell
from tests.unit.proxy.standalone.folder import AGENT_ROLE, ROLE, USER, write

MINIMUM = ["--manifests", "m", "--client-ca", "clients.pem"]


def test_an_agent_is_called_like_its_machine_and_signs_its_own_certificate() -> None:
    settings = settings_from(parse([*MINIMUM, "--server-name", "orders.example.com"]), advertised="10.0.0.7")
    assert (settings.pod, settings.pod_ip, settings.policy) == (socket.gethostname(), "10.0.0.7", "m")
    assert settings.server_names == ("orders.example.com",)
    assert settings.ca_directory == Path("/etc/keyward/ca")
    assert settings.certificate_files is None
    assert settings.clients
    assert settings.clients.required


def test_a_certificate_may_be_given() -> None:
    arguments = [*MINIMUM, "--tls-certificate", "a.pem", "--tls-key", "b.pem", "--agent-name", "orders-1"]
    settings = settings_from(parse(arguments), advertised="10.0.0.7")
    assert settings.certificate_files == (Path("a.pem"), Path("b.pem"))
    assert settings.pod == "orders-1"


def test_drivers_see_the_address_given_or_listened_on_or_of_the_route(monkeypatch: pytest.MonkeyPatch) -> None:
    assert advertised_address(parse([*MINIMUM, "--advertise-address", "10.0.0.9"])) == "10.0.0.9"
    assert advertised_address(parse([*MINIMUM, "--listen", "127.0.0.1:9142"])) == "127.0.0.1"
    assert not ipaddress.ip_address(advertised_address(parse(MINIMUM))).is_unspecified

    def no_route(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(socket.socket, "connect", no_route, raising=False)
    with pytest.raises(ValueError, match="give --advertise-address"):
        advertised_address(parse([*MINIMUM, "--listen", "localhost:9142"]))


def printed(directory: Path, what: str, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert tell(parse(["--manifests", str(directory), "--print", what, *more])) == 0
    return capsys.readouterr().out.strip()


def test_what_iam_and_callers_need_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path)
    external_id = f"{derived_uid(AGENT_ROLE)}/payments/orders"
    assert printed(tmp_path, "external-id", capsys) == external_id
    assert printed(tmp_path, "external-id", capsys, "--cluster-uid", "here") == "here/payments/orders"
    assert printed(tmp_path, "audience", capsys) == "keyward.dev/payments/orders"
    role = "arn:aws:iam::111122223333:role/KeyspacesReader"
    assert printed(tmp_path, "roles", capsys) == role
    trust = json.loads(printed(tmp_path, "trust-policy", capsys))
    assert trust["Statement"][0]["Principal"] == {"AWS": AGENT_ROLE}
    assert trust["Statement"][0]["Condition"] == {"StringEquals": {"sts:ExternalId": external_id}}
    assert json.loads(printed(tmp_path, "agent-policy", capsys))["Statement"][0]["Resource"] == role
    for what in PRINTABLE:
        assert printed(tmp_path, what, capsys)


def test_a_check_tells_what_is_wrong_and_what_has_no_effect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = parse(["--manifests", str(write(tmp_path)), "--check"])
    assert tell(arguments) == 0
    assert capsys.readouterr() == ("payments/orders is in order; grants: 1, subjects: 2\n", "")
    write(tmp_path, other=USER.replace("namespace: payments", "namespace: other"))
    assert tell(arguments) == 0
    assert "KeyspacesUser other/people has no effect" in capsys.readouterr().err
    write(tmp_path, role=ROLE.replace("namespace: payments", "namespace: other"))
    assert tell(arguments) == 1
    said = capsys.readouterr().err
    assert "KeyspacesRole other/reader has no effect" in said
    assert "which does not exist" in said
    write(tmp_path, role=ROLE.replace("allow:", "alow:"))
    assert tell(arguments) == 1
    assert "role.yaml, document 1, spec.alow: there is no such field" in capsys.readouterr().err
