"""The life of a session."""

from local.aws.principals import root_principal
from local.aws.sessions import SessionRegistry

DAY = 24 * 3600


def test_keys_look_like_those_of_aws_and_do_not_repeat() -> None:
    registry = SessionRegistry()
    first, second = (registry.issue(root_principal("111122223333"), expiration=10, now=0) for _ in range(2))
    assert first.access_key_id.startswith("ASIA")
    assert (len(first.access_key_id), len(first.secret_access_key)) == (20, 40)
    assert first.session_token is not None
    assert 500 < len(first.session_token) < 2048
    assert first.access_key_id != second.access_key_id
    assert first.accepts_token(first.session_token)
    assert not first.accepts_token(second.session_token)
    assert not first.accepts_token(None)
    assert first.secret_access_key not in repr(first)
    assert first.session_token not in repr(first)


def test_an_expired_session_is_known_for_a_day() -> None:
    registry = SessionRegistry()
    session = registry.issue(root_principal("111122223333"), expiration=10, now=0)
    assert not session.expired(9)
    assert session.expired(10)
    registry.issue(root_principal("111122223333"), expiration=DAY, now=DAY + 9)
    assert registry.find(session.access_key_id) is session
    registry.issue(root_principal("111122223333"), expiration=DAY, now=DAY + 10)
    assert registry.find(session.access_key_id) is None
