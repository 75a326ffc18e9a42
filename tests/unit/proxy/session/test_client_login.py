"""The client's side of a login."""

from __future__ import annotations

import pytest

from keyward_proxy.session.commands import Authenticate, OpenUpstream
from keyward_proxy.session.events import AuthenticationRefused, ClientClosed, Drain
from keyward_proxy.session.secret import Secret
from keyward_proxy.session.settings import MAXIMUM_LOGIN_OPTIONS
from tests.unit.proxy import frames
from tests.unit.proxy.session.script import (
    APP,
    HELENUS,
    READ_ORDERS,
    TOKEN,
    Script,
    audit,
    authenticated,
    client,
    closed,
    command,
    happens,
    new_script,
    opened,
    plain,
    policy,
    quiet,
    refused,
    to_client,
)


@pytest.fixture
def script() -> Script:
    return new_script(policy(READ_ORDERS))


def test_a_client_that_names_its_role_and_token_is_verified_then_opened(script: Script) -> None:
    script >> client(frames.options(stream=3))
    script << to_client("SUPPORTED", stream=3, cql_versions=["3.4.4"], options={"COMPRESSION": []})
    script >> client(frames.startup(stream=4, DRIVER_NAME="python", DRIVER_VERSION="3.30"))
    authenticator = "org.apache.cassandra.auth.PasswordAuthenticator"
    script << to_client("AUTHENTICATE", stream=4, authenticator=authenticator)
    script >> client(frames.auth_response(plain("Reader"), stream=5))
    script << command(Authenticate, username="Reader", token=Secret(TOKEN))
    script >> authenticated()
    script << command(OpenUpstream, identity=APP)
    script.done()


def test_gocql_asks_for_cql_3_0_0_and_gets_in(script: Script) -> None:
    script >> client(frames.startup(cqlversion="3.0.0")) << to_client("AUTHENTICATE")


def test_an_empty_user_name_means_the_only_role_granted(script: Script) -> None:
    script >> client(frames.startup(), frames.auth_response(plain(""), stream=1)) >> authenticated()
    opening = script.others[-1]
    assert isinstance(opening, OpenUpstream)
    assert opening.grant.db_user == "Reader"


def test_a_role_s_arn_is_as_good_as_its_name(script: Script) -> None:
    token = plain("arn:aws:iam::111122223333:role/Reader")
    script >> client(frames.startup(), frames.auth_response(token, stream=1)) >> authenticated()
    assert isinstance(script.others[-1], OpenUpstream)


def test_a_role_that_is_not_granted_is_refused_with_the_next_step(script: Script) -> None:
    script >> client(frames.startup(), frames.auth_response(plain("Admin"), stream=1)) >> authenticated()
    script << to_client("AUTHENTICATE") << command(Authenticate)
    script << refused(0x0100, stream=1, says="system:serviceaccount:shop:app may not use IAM role 'Admin'")
    script << audit("session.denied", reason="NotGranted", identity=APP.username, db_user="Admin")
    script << closed(upstream=False)
    script.done()


def test_a_refused_token_is_told_and_audited_without_the_token(script: Script) -> None:
    script >> client(frames.startup(), frames.auth_response(plain(), stream=1))
    script >> happens(AuthenticationRefused, message="for another audience", reason="WrongAudience", retryable=False)
    script << to_client("AUTHENTICATE") << command(Authenticate)
    script << refused(0x0100, stream=1, says="for another audience")
    assert TOKEN not in repr(script.audits)
    script << audit("session.denied", reason="WrongAudience") << closed(upstream=False)


def test_a_verdict_that_may_change_closes_without_an_error_so_that_drivers_try_again(script: Script) -> None:
    script >> client(frames.startup(), frames.auth_response(plain(), stream=1))
    script >> happens(AuthenticationRefused, message="API server is away", reason="ReviewFailed", retryable=True)
    script << to_client("AUTHENTICATE") << command(Authenticate)
    script << audit("session.denied", reason="ReviewFailed") << closed(upstream=False)
    script.done()


@pytest.mark.parametrize(
    ("token", "says"),
    [
        (b"SigV4\0\0", "remove the SigV4 plug-in"),
        (b"Reader", "not SASL PLAIN"),
        (b"", "not SASL PLAIN"),
        (b"\0Reader\0", "password is empty"),
        (b"other\0Reader\0" + TOKEN.encode(), "act as somebody else"),
        (b"\0" + b"R" * 3000 + b"\0" + TOKEN.encode(), "3000 bytes"),
        (b"\0" + TOKEN.encode() * 20 + b"\0" + TOKEN.encode(), "neither name nor ARN of an IAM role"),
        (b"\0R\xc3\xa9ader\0" + TOKEN.encode(), "neither name nor ARN of an IAM role"),
        (b"\0Reader\0" + b"t" * 20_000, "20000 bytes"),
        (b"\0Reader\0\xff\xfe", "not UTF-8"),
    ],
)
def test_credentials_that_cannot_be_anybody_s_are_refused(script: Script, token: bytes, says: str) -> None:
    script >> client(frames.startup(), frames.auth_response(token, stream=1))
    script << to_client("AUTHENTICATE") << refused(0x0100, stream=1, says=says)
    script << audit("session.denied", reason="MalformedCredentials") << closed(upstream=False)


@pytest.mark.parametrize("version", [0x42, 0x41, 5, 6, 2, 1, 0x7F])
def test_other_versions_are_refused_in_the_words_that_drivers_look_for(script: Script, version: int) -> None:
    header = bytes([version, 0, 0, 9, 0x05, 0, 0, 0, 0])
    script >> client(header if version > 2 else bytes([version, 0, 9, 0x05, 0, 0, 0, 0]))
    seen = script.to_client.popleft()
    assert (seen.version, seen.stream, seen.opcode) == (0x84, 0, 0x00)
    assert seen.message.code == 0x000A
    for words in (
        "unsupported protocol version",
        "Invalid or unsupported protocol version",
        "the lowest supported version is 3 and the greatest is 4",
    ):
        assert words in seen.message.message
    script << closed(upstream=False)
    script.done()


def test_an_unknown_version_is_refused_on_its_first_byte(script: Script) -> None:
    script >> client(b"\x42") << refused(0x000A, stream=0) << closed(upstream=False)


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (frames.query("SELECT 1"), "where STARTUP must"),
        (frames.startup(COMPRESSION="lz4"), "compression"),
        (frames.startup(compression="lz4"), "compression"),
        (frames.startup(cqlversion="2.0.0"), "CQL version '2.0.0'"),
        (frames.startup()[:9] + b"\0\1" + b"\xff" * (len(frames.startup()) - 11), "ends early"),
        (bytes([4, 1, 0, 0, 1, 0, 0, 0, 0]), "compressed frame"),
        (bytes([4, 0x10, 0, 0, 1, 0, 0, 0, 0]), "flags 0x10"),
        (bytes([3, 4, 0, 0, 1, 0, 0, 0, 0]), "flags 0x04"),
        (bytes([4, 0, 0xFF, 0xFF, 1, 0, 0, 0, 0]), "must not be negative"),
        (bytes([4, 0, 0, 0, 1, 0, 1, 0, 1]), "65537 bytes"),
        (bytes([4, 0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF]), "-1 bytes"),
        (bytes([0x84, 0, 0, 0, 1, 0, 0, 0, 0]), "response frame"),
    ],
)
def test_what_breaks_the_protocol_ends_the_connection_with_a_reason(script: Script, sent: bytes, says: str) -> None:
    script >> client(sent) << refused(0x000A, says=says) << closed(upstream=False)
    script.done()


def test_the_version_of_startup_holds_for_the_connection(script: Script) -> None:
    script >> client(frames.startup()) << to_client("AUTHENTICATE")
    script >> client(frames.auth_response(plain(), version=3, stream=2))
    script << refused(0x000A, stream=2, says="version 3 on a connection of version 4") << closed(upstream=False)


def test_nothing_but_options_may_come_while_the_token_is_verified(script: Script) -> None:
    script >> client(frames.startup(), frames.auth_response(plain(), stream=1), frames.options(stream=2))
    script << to_client("AUTHENTICATE") << to_client("SUPPORTED", stream=2) << command(Authenticate)
    script >> client(frames.query("SELECT 1", stream=3))
    script << refused(0x000A, stream=3, says="before the login was complete") << closed(upstream=False)


def test_each_step_has_ten_seconds(script: Script) -> None:
    script.wait(9.9) << quiet()
    script >> client(frames.startup()) << to_client("AUTHENTICATE")
    script.wait(9.9) << quiet()
    script.wait(0.2) << refused(0x000A, says="the login did not go on within 10 s") << closed(upstream=False)
    script.done()


def test_a_verification_that_takes_too_long_is_given_up(script: Script) -> None:
    script >> client(frames.startup(), frames.auth_response(plain(), stream=1))
    script << to_client("AUTHENTICATE") << command(Authenticate)
    script.wait(11)
    script << audit("session.denied", reason="VerificationTimeout") << closed(upstream=False)


def test_a_probe_that_connects_and_leaves_is_not_audited(script: Script) -> None:
    script >> happens(ClientClosed) << closed(upstream=False)
    script.done()


def test_a_drain_ends_a_login_at_once(script: Script) -> None:
    script >> client(frames.startup()) << to_client("AUTHENTICATE")
    script >> happens(Drain) << closed(upstream=False)
    script >> client(frames.options()) << quiet()


def test_a_login_torn_at_every_byte_is_the_same_login() -> None:
    sent = frames.options(stream=1) + frames.startup(stream=2) + frames.auth_response(plain(), stream=3)
    for cut in range(1, len(sent)):
        script = new_script(policy(READ_ORDERS))
        script >> client(sent[:cut]) >> client(sent[cut:])
        script << to_client("SUPPORTED", stream=1) << to_client("AUTHENTICATE", stream=2)
        script << command(Authenticate, username="Reader", token=Secret(TOKEN))
        script.done()


def test_the_helenus_name_is_not_shown_to_clients(script: Script) -> None:
    script >> client(frames.startup())
    assert script.to_client[-1].message.authenticator != HELENUS


def test_options_are_answered_a_few_times_and_end_the_connection_then(script: Script) -> None:
    script >> client(frames.options() * MAXIMUM_LOGIN_OPTIONS)
    for _ in range(MAXIMUM_LOGIN_OPTIONS):
        script << to_client("SUPPORTED")
    script >> client(frames.options(stream=5) * 1000)
    script << refused(0x000A, stream=5, says="more than 16 OPTIONS") << closed(upstream=False)


def test_options_count_while_aws_is_waited_for_too(script: Script) -> None:
    script >> client(frames.startup(), frames.auth_response(plain())) >> authenticated() >> opened()
    script.to_client.clear()
    script >> client(frames.options() * MAXIMUM_LOGIN_OPTIONS)
    assert len(script.to_client) == MAXIMUM_LOGIN_OPTIONS
    script >> client(frames.options(stream=5))
    assert script.session.over
