"""docs/standalone.md and its files: the commands are run as they stand, below another root."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from keyward_proxy.auth.client_certificate import read_certificate
from keyward_proxy.net.client_authority import ClientAuthority
from keyward_proxy.net.leaf import CertificateAuthority
from keyward_proxy.session.certificate import CertificateProof

PROJECT = Path(__file__).parents[3]
PAGE = (PROJECT / "docs/standalone.md").read_text()
EXAMPLE = PROJECT / "examples/standalone"
SECTIONS = dict(zip(re.findall(r"^## (\d)\.", PAGE, re.MULTILINE), re.split(r"^## \d\.", PAGE, flags=re.MULTILINE)[1:], strict=True))  # noqa: E501  # fmt: skip


def commands(section: int) -> str:
    """The blocks of a section that need nothing but this machine."""
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", SECTIONS[str(section)], re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root folder on which sections 2, 3 and 4 were run; the program is this environment's."""
    root = tmp_path_factory.mktemp("machine")
    programs = root / "opt/keyward/bin"
    programs.mkdir(parents=True)
    (programs / "keyward-agent").write_text(f'#!/bin/sh\nexec {sys.executable} -m keyward_proxy.main "$@"\n')
    (programs / "keyward-agent").chmod(0o755)
    shutil.copytree(PROJECT / "examples", root / "clone/examples")
    (root / "etc/systemd/system").mkdir(parents=True)
    return root


def run(machine: Path, script: str) -> str:
    script = re.sub(r"(?<![\w.])/(etc|opt)/", rf"{machine}/\1/", script)
    finished = subprocess.run(
        ["sh", "-eu", "-c", script], cwd=machine / "clone", capture_output=True, text=True, timeout=280
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_the_example_is_good_and_iam_gets_its_documents(machine: Path) -> None:
    assert "--check" in commands(2)
    assert run(machine, commands(2)) == "payments/orders is in order; grants: 1, subjects: 2\n"
    printed = run(machine, commands(2) + commands(3))
    assert '"sts:ExternalId"' in printed
    assert '"Resource":"arn:aws:iam::111122223333:role/KeyspacesReader"' in printed


def test_the_certificates_are_those_that_an_agent_takes(machine: Path) -> None:
    run(machine, commands(4))
    clone, etc = machine / "clone", machine / "etc/keyward"
    CertificateAuthority.load(etc / "ca")
    ClientAuthority.load(etc / "clients.pem", required=True)
    authority = x509.load_pem_x509_certificate((etc / "clients.pem").read_bytes())
    certificate = x509.load_pem_x509_certificate((clone / "alice.pem").read_bytes())
    certificate.verify_directly_issued_by(authority)
    found = read_certificate(certificate.public_bytes(serialization.Encoding.DER))
    assert isinstance(found, CertificateProof)
    assert (found.identity.name, found.identity.groups) == ("alice", {"on-call"})
    verified = run(machine, "openssl verify -purpose sslclient -CAfile /etc/keyward/clients.pem alice.pem")
    assert verified == "alice.pem: OK\n"
    assert (clone / "clients-key.pem").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    unit = (EXAMPLE / "keyward-agent.service").read_text()
    program = re.findall(r"^Exec\w+=(/opt/\S+)", unit, re.MULTILINE)[0]
    (tmp_path / "keyward-agent.service").write_text(unit.replace(program, "/bin/true"))
    verified = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "keyward-agent.service")],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
    )
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_unit_s_flags_and_those_of_the_page_are_the_agent_s() -> None:
    known = subprocess.run(
        [sys.executable, "-m", "keyward_proxy.main", "--help"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    page = re.sub(r"^```sh.*?^```", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page + (EXAMPLE / "keyward-agent.service").read_text()))
    foreign = {"--frozen", "--no-dev", "--no-editable", "--extra"}
    assert {flag for flag in mentioned - foreign if flag not in known} == set()


def test_cqlsh_finds_what_it_needs() -> None:
    cqlshrc = configparser.ConfigParser()
    cqlshrc.read(EXAMPLE / "cqlshrc")
    assert cqlshrc["connection"]["ssl"] == "true"
    assert cqlshrc["ssl"]["validate"] == "true"
    assert {"certfile", "usercert", "userkey"} < set(cqlshrc["ssl"])
