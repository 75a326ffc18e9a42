"""The signature, held against the vector that AWS's own plug-ins are tested with."""

from __future__ import annotations

import datetime

import pytest

from keyward_proxy.aws.credentials import Credentials
from keyward_proxy.aws.sigv4 import authentication_response
from keyward_proxy.session.secret import Secret

NONCE = b"91703fdc2ef562e19fbdab0f58e42fe5"
AT = datetime.datetime(2020, 6, 9, 22, 41, 51, tzinfo=datetime.UTC)
SIGNATURE = "7f3691c18a81b8ce7457699effbfae5b09b4e0714ab38c1292dbdf082c9ddd87"


def credentials(token: str | None = None) -> Credentials:
    return Credentials(
        access_key_id="UserID-1",
        secret_access_key=Secret("UserSecretKey-1"),
        session_token=Secret(token) if token else None,
        expires=0.0,
    )


def respond(at: datetime.datetime = AT, token: str | None = None, region: str = "us-west-2") -> str:
    made = authentication_response(nonce=NONCE, credentials=credentials(token), region=region, now=at)
    return made.decode("ascii")


def test_the_official_vector() -> None:
    assert respond() == f"signature={SIGNATURE},access_key=UserID-1,amzdate=2020-06-09T22:41:51.000Z"


def test_a_session_token_is_sent_and_not_signed() -> None:
    assert respond(token="sess-token-1") == f"{respond()},session_token=sess-token-1"


def test_the_region_is_signed_in_lower_case() -> None:
    assert respond(region="US-WEST-2") == respond()
    assert respond(region="us-east-1") != respond()


def test_the_time_is_told_in_utc() -> None:
    berlin = datetime.timezone(datetime.timedelta(hours=2))
    assert respond(AT.astimezone(berlin)) == respond()


@pytest.mark.parametrize(
    ("microsecond", "shown"), [(0, "000"), (999, "000"), (999_499, "999"), (999_500, "999"), (999_999, "999")]
)
def test_milliseconds_are_truncated_to_three_digits(microsecond: int, shown: str) -> None:
    assert respond(AT.replace(microsecond=microsecond)).endswith(f"amzdate=2020-06-09T22:41:51.{shown}Z")


def test_printing_credentials_shows_no_secret() -> None:
    text = repr(credentials("sess-token-1"))
    assert "UserSecretKey-1" not in text
    assert "sess-token-1" not in text
    assert "UserID-1" in text


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
def test_awss_own_plug_in_signs_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plug-in signs at the present time: ours is asked to sign at that same time."""
    from botocore.credentials import Credentials as BotoCredentials
    from cassandra_sigv4 import auth as plug_in

    class Session:
        region_name = "us-west-2"

        @staticmethod
        def get_credentials() -> BotoCredentials:
            return BotoCredentials("UserID-1", "UserSecretKey-1", "sess-token-1")

    while datetime.datetime.now(datetime.UTC).microsecond >= 990_000:
        pass  # In the last half millisecond of a second the plug-in signs a date that is none.
    provider = plug_in.SigV4AuthProvider(session=Session())
    theirs = provider.new_authenticator("host").evaluate_challenge(b"nonce=" + NONCE)
    text = theirs if isinstance(theirs, str) else theirs.decode()
    amzdate = dict(part.split("=", 1) for part in text.split(","))["amzdate"]
    at = datetime.datetime.strptime(amzdate, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.UTC)
    ours = dict(part.split("=", 1) for part in respond(at, "sess-token-1").split(","))
    assert ours == dict(part.split("=", 1) for part in text.split(","))
