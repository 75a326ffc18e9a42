"""Logins of clients whose certificate has named them before the first frame."""

from __future__ import annotations

import pytest

from keyward_proxy.session.certificate import CertificateProof, CertificateRefused
from keyward_proxy.session.commands import OpenUpstream
from tests.unit.proxy import frames
from tests.unit.proxy.session.script import (
    APP,
    EPOCH,
    READ_ORDERS,
    Script,
    audit,
    client,
    closed,
    command,
    new_script,
    opened,
    plain,
    policy,
    refused,
    to_client,
    upstream,
)
from tests.unit.proxy.support import jwt

PROOF = CertificateProof(identity=APP, expires=EPOCH + 1000.0)
HELENUS = "com.amazon.helenus.auth.HelenusAuthenticator"


@pytest.fixture
def script() -> Script:
    return new_script(policy(READ_ORDERS), certificate=PROOF)


@pytest.mark.parametrize("password", ["", "anything", "a.b.c", "\0", "x" * 30_000])
def test_the_user_name_is_the_role_and_the_password_is_ignored(script: Script, password: str) -> None:
    script >> client(frames.startup(), frames.auth_response(plain("Reader", password), stream=5))
    script << to_client("AUTHENTICATE") << command(OpenUpstream, identity=APP)
    script.done()


def test_a_password_that_is_no_text_is_ignored_too(script: Script) -> None:
    script >> client(frames.startup(), frames.auth_response(b"\0Reader\0\xff\xfe", stream=5))
    script << to_client("AUTHENTICATE") << command(OpenUpstream)


@pytest.mark.parametrize(
    "token",
    [
        jwt({"sub": "alice"}),
        jwt({"sub": "alice"}, header={"alg": "none"}, signature=""),
        f" {jwt({'sub': 'alice'})}\n",
        "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d",
    ],
)
def test_a_token_beside_a_certificate_is_refused_and_shown_nowhere(script: Script, token: str) -> None:
    script >> client(frames.startup(), frames.auth_response(plain("Reader", token), stream=5))
    script << to_client("AUTHENTICATE") << refused(0x0100, stream=5, says="connect without the certificate")
    assert token.strip() not in repr(script.audits)
    script << audit("session.denied", reason="MalformedCredentials") << closed(upstream=False)
    script.done()


def test_a_session_ends_with_its_certificate(script: Script) -> None:
    script >> client(frames.startup(), frames.auth_response(plain(), stream=5)) >> opened(expires=EPOCH + 4000.0)
    for answer in (frames.authenticate(HELENUS), frames.challenge(b"nonce=" + b"0" * 32), frames.auth_success()):
        script >> upstream(answer)
    script << to_client("AUTHENTICATE") << to_client("AUTH_SUCCESS", stream=5)
    assert script.audits[-1].expires.timestamp() == EPOCH + 1000.0
    script << command(OpenUpstream)
    script.wait(1000.0 - script.now)
    assert script.session.over


def test_a_certificate_that_ended_after_the_handshake_opens_nothing() -> None:
    script = new_script(
        policy(READ_ORDERS), certificate=CertificateProof(identity=APP, expires=EPOCH + 100.0)
    ) >> client(frames.startup())
    script.wait(5) >> client(frames.auth_response(plain(), stream=5))
    script << to_client("AUTHENTICATE") << refused(0x0100, stream=5, says="the client certificate has ended")
    script << audit("session.denied", reason="CertificateExpired") << closed(upstream=False)
    script.done()


def test_a_certificate_that_names_nobody_is_told_why() -> None:
    script = new_script(policy(READ_ORDERS), certificate=CertificateRefused(message="it names two people"))
    script >> client(frames.startup(), frames.auth_response(plain(), stream=5))
    script << to_client("AUTHENTICATE") << refused(0x0100, stream=5, says="it names two people")
    script << audit("session.denied", reason="CertificateRefused", db_user="Reader") << closed(upstream=False)
    script.done()


def test_a_role_that_the_certificate_s_owner_does_not_hold_is_refused(script: Script) -> None:
    script >> client(frames.startup(), frames.auth_response(plain("Admin"), stream=5))
    script << to_client("AUTHENTICATE") << refused(0x0100, stream=5, says="may not use IAM role 'Admin'")
    script << audit("session.denied", reason="NotGranted", identity=APP.username) << closed(upstream=False)
    script.done()


def test_a_second_login_in_the_same_read_is_refused(script: Script) -> None:
    again = frames.auth_response(plain("Reader"), stream=6)
    script >> client(frames.startup(), frames.auth_response(plain("Reader"), stream=5), again)
    script << to_client("AUTHENTICATE") << command(OpenUpstream)
    script << refused(0x000A, stream=6, says="before the login was complete") << closed()
    script.done()
