"""The agent's own login at Keyspaces."""

from __future__ import annotations

import pytest

from keyward_proxy.session.commands import Authenticate, OpenUpstream
from keyward_proxy.session.events import ClientClosed, UpstreamClosed, UpstreamFailed
from tests.unit.proxy import frames
from tests.unit.proxy.session.script import (
    APP,
    EPOCH,
    HELENUS,
    NONCE,
    READ_ORDERS,
    Script,
    audit,
    authenticated,
    client,
    closed,
    command,
    forward,
    happens,
    new_script,
    opened,
    plain,
    policy,
    policy_changed,
    quiet,
    refused,
    rule,
    tick,
    to_client,
    upstream,
)

STREAM = 6


def known(*, version: int = 4) -> Script:
    """A session whose caller is known, while Keyspaces is being reached."""
    script = new_script(policy(READ_ORDERS), version=version)
    script >> client(frames.startup(version=version, DRIVER_NAME="d", NO_COMPACT="true"))
    script >> client(frames.auth_response(plain(), stream=STREAM, version=version))
    script << to_client("AUTHENTICATE") << command(Authenticate)
    script >> authenticated() << command(OpenUpstream)
    return script


@pytest.fixture
def script() -> Script:
    return known()


@pytest.mark.parametrize("version", [3, 4])
def test_startup_is_replayed_and_the_nonce_signed_before_the_client_hears_of_success(version: int) -> None:
    script = known(version=version)
    script >> opened(expires=EPOCH + 3700)
    script << forward(frames.startup(version=version, DRIVER_NAME="d"))
    script >> upstream(frames.authenticate(HELENUS, version=version))
    script << forward(frames.auth_response(b"SigV4\0\0", version=version))
    script >> upstream(frames.challenge(b"nonce=" + NONCE, version=version))
    script << forward(frames.auth_response(b"signed:" + NONCE, version=version)) << quiet()
    script >> upstream(frames.auth_success(version=version))
    script << to_client("AUTH_SUCCESS", stream=STREAM)
    script << audit(
        "session.start",
        identity=APP.username,
        db_user="Reader",
        aws_session_name="shop@app",
        access_key_id="ASIAEXAMPLE",
        attribution="SourceIdentity",
        policy_revision="r1",
        driver="d",
    )
    script.done()


@pytest.mark.parametrize(
    "token",
    [
        b"garbage nonce=" + NONCE + b" garbage",
        b"notpart_nonce=" + NONCE + b"not_part",
        b"nonce=" + NONCE + b",,",
    ],
)
def test_the_nonce_is_found_where_aws_s_plug_ins_find_it(script: Script, token: bytes) -> None:
    script >> opened() >> upstream(frames.authenticate(HELENUS)) >> upstream(frames.challenge(token))
    assert script.to_upstream[-1].body.endswith(b"signed:" + NONCE)


@pytest.mark.parametrize("token", [b"", b"nonce=too_short", b"once=" + NONCE])
def test_a_challenge_without_a_nonce_ends_the_login(script: Script, token: bytes) -> None:
    script >> opened() >> upstream(frames.authenticate(HELENUS)) >> upstream(frames.challenge(token))
    script << audit("session.denied", reason="UpstreamProtocolError") << closed()


@pytest.mark.parametrize(
    "sent",
    [
        frames.authenticate("org.apache.cassandra.auth.PasswordAuthenticator"),
        frames.response(0x02),
        frames.auth_success(),
        frames.challenge(b"nonce=" + NONCE),
        frames.response(0x03, stream=5),
        frames.rows(b"x"),
        b"\x04" + frames.authenticate(HELENUS)[1:],
    ],
)
def test_nobody_but_helenus_gets_a_signature(script: Script, sent: bytes) -> None:
    script >> opened()
    script.to_upstream.clear()
    script >> upstream(sent)
    script << audit("session.denied", reason="UpstreamProtocolError") << closed()
    script.done()


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0x0100, "Authentication failure: Invalid signature"),
        (0x2100, "User arn:aws:sts::1:x has no permissions."),
    ],
)
def test_what_aws_refuses_keeps_its_meaning(script: Script, code: int, text: str) -> None:
    script >> opened() >> upstream(frames.authenticate(HELENUS)) >> upstream(frames.challenge(b"nonce=" + NONCE))
    script.to_upstream.clear()
    script >> upstream(frames.error(code, text))
    script << refused(code, stream=STREAM, says=f"refused IAM role 'Reader' on database payments/orders: {text}")
    script << audit("session.denied", reason="UpstreamRefused") << closed()
    script.done()


def test_another_error_of_aws_closes_so_that_drivers_try_again(script: Script) -> None:
    script >> opened() >> upstream(frames.error(0x1001, "busy"))
    script << audit("session.denied", reason="UpstreamError") << closed()
    assert not script.to_client


def test_a_role_that_cannot_be_assumed_is_told(script: Script) -> None:
    message = "STS refused: the trust policy does not name the agent"
    script >> happens(UpstreamFailed, message=message, reason="AssumeRoleDenied")
    (
        script
        << refused(0x0100, stream=STREAM, says="trust policy")
        << audit("session.denied", reason="AssumeRoleDenied", message=message)
    )
    script << closed()


def test_an_unreachable_aws_closes_so_that_drivers_try_again(script: Script) -> None:
    script >> happens(UpstreamFailed, message="timed out", reason="Unreachable", retryable=True)
    script << audit("session.denied", reason="Unreachable") << closed()
    script.done()


def test_keyspaces_hanging_up_ends_the_login(script: Script) -> None:
    script >> opened()
    script.to_upstream.clear()
    script >> happens(UpstreamClosed, reason="reset") << audit("session.denied", reason="UpstreamClosed")
    script << closed(upstream=False)


def test_aws_has_ten_seconds_to_connect_and_ten_to_log_in(script: Script) -> None:
    script.wait(9) >> opened()
    script.to_upstream.clear()
    script.wait(9) << quiet()
    script.wait(2) << audit("session.denied", reason="UpstreamTimeout") << closed()


def test_a_client_that_leaves_takes_its_connection_to_keyspaces_along(script: Script) -> None:
    script >> happens(ClientClosed) << closed()
    script.done()


def test_a_client_that_talks_before_its_time_is_cut_off(script: Script) -> None:
    script >> client(frames.options(stream=8), frames.query("SELECT 1", stream=9))
    script << to_client("SUPPORTED", stream=8) << refused(0x000A, stream=9, says="before the login") << closed()


def test_a_grant_that_ends_during_the_login_is_refused(script: Script) -> None:
    script >> policy_changed(policy(granted=False, revision="r2"))
    script << refused(0x0100, stream=STREAM, says="has no grant")
    script << audit("session.denied", reason="NotGranted") << closed()


def test_a_grant_that_changes_during_the_login_is_logged_in_again(script: Script) -> None:
    script >> policy_changed(policy(rule("w", "orders", "*", "Modify"), revision="r2"))
    script << audit("session.denied", reason="PolicyChanged") << closed()
    script.done()


def test_another_revision_with_the_same_grant_changes_nothing(script: Script) -> None:
    script >> policy_changed(policy(READ_ORDERS, revision="r2")) >> tick() << quiet()
