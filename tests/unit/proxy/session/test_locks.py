"""Locks: logins that are refused, and sessions that end."""

from __future__ import annotations

import pytest

from keyward_api.decision import PolicyView
from keyward_proxy.session.commands import Authenticate, OpenUpstream
from tests.unit.proxy import frames
from tests.unit.proxy.frames import query
from tests.unit.proxy.session.script import (
    READ_ORDERS,
    Script,
    audit,
    authenticated,
    client,
    closed,
    command,
    forward,
    logged_in,
    new_script,
    opened,
    passes_back,
    plain,
    policy,
    policy_changed,
    quiet,
    refused,
    rule,
    to_client,
    upstream,
)

SELECT = "SELECT id FROM orders.items"
SAYS = "system:serviceaccount:shop:app is locked out of database payments/orders by KeyspacesLock incident: call 112"


def locked(*allow: dict[str, object], **target: object) -> PolicyView:
    """The grant as it was, or another one, and a lock."""
    lock = {"name": "incident", "message": "call 112", **target}
    return policy(*(allow or (READ_ORDERS,)), revision="r2", locks=(lock,))


ALL = locked()
NOT_ME = locked(users=["somebody-else"])


@pytest.fixture
def script() -> Script:
    return logged_in(READ_ORDERS)


@pytest.fixture
def busy(script: Script) -> Script:
    """A session with one statement in flight."""
    return script >> client(query(SELECT, stream=1)) << forward(query(SELECT, stream=1))


def at_the_verdict(view: PolicyView) -> Script:
    """A session whose client has sent its token."""
    script = new_script(view) >> client(frames.startup(), frames.auth_response(plain(), stream=1))
    return script << to_client("AUTHENTICATE") << command(Authenticate)


@pytest.mark.parametrize(
    "target",
    [
        {},
        {"subject": {"kind": "ServiceAccount", "namespace": "shop", "name": "app"}},
        {"subject": {"kind": "Group", "name": "system:serviceaccounts"}},
        {"users": ["app"]},
        {"dbUser": "Reader"},
        {"agent": "agent-0"},
    ],
)
def test_a_login_is_refused_with_the_lock_s_words(target: dict[str, object]) -> None:
    script = at_the_verdict(locked(**target)) >> authenticated()
    script << refused(0x0100, stream=1, says="by KeyspacesLock incident: call 112; ask the owner of namespace payments")
    script << audit("session.denied", reason="Locked", db_user="Reader", identity="system:serviceaccount:shop:app")
    script << closed(upstream=False)
    script.done()


def test_a_lock_on_others_is_none(script: Script) -> None:
    at_the_verdict(NOT_ME) >> authenticated() << command(OpenUpstream)
    script >> policy_changed(NOT_ME) << quiet()


def test_a_lock_that_comes_during_the_login_ends_it() -> None:
    script = at_the_verdict(policy(READ_ORDERS)) >> policy_changed(ALL) << quiet()
    script >> authenticated() << refused(0x0100, stream=1, says=SAYS)
    script = at_the_verdict(policy(READ_ORDERS)) >> authenticated() << command(OpenUpstream)
    script >> opened()
    script.to_upstream.clear()
    script >> policy_changed(ALL) << refused(0x0100, stream=1, says=SAYS)
    script << audit("session.denied", reason="Locked") << closed()
    script.done()


def test_who_has_no_grant_is_told_of_that_and_not_of_locks() -> None:
    lock = {"name": "incident"}
    script = at_the_verdict(policy(granted=False, locks=(lock,))) >> authenticated()
    script << refused(0x0100, stream=1, says="has no grant on database payments/orders")


def test_a_live_session_s_next_request_is_told_why_and_the_session_closes(script: Script) -> None:
    script >> policy_changed(ALL) << quiet()
    script >> client(query(SELECT, stream=5)) << refused(0x2100, stream=5, says=SAYS)
    script << audit("statement", outcome="denied", error_code="0x2100", allowed=False)
    script << audit("session.end", reason="Locked") << closed()
    script.done()


def test_a_heartbeat_too_is_told_of_the_lock(script: Script) -> None:
    script >> policy_changed(ALL) >> client(frames.options(stream=3))
    script << refused(0x2100, stream=3, says=SAYS) << audit("session.end") << closed()


def test_a_quiet_session_closes_after_a_second(script: Script) -> None:
    script >> policy_changed(ALL)
    script.wait(0.9) << quiet()
    script.wait(0.2) << audit("session.end", reason="Locked") << closed()
    script.done()


def test_what_was_accepted_is_answered_first_and_nothing_follows_it(busy: Script) -> None:
    busy >> policy_changed(ALL) >> client(query(SELECT, stream=2)) << refused(0x2100, stream=2, says=SAYS)
    busy << audit("statement", outcome="denied")
    assert not busy.to_upstream
    busy >> upstream(frames.rows(b"x", stream=1)) << passes_back(frames.rows(b"x", stream=1))
    busy << audit("statement", outcome="ok") << audit("session.end", reason="Locked") << closed()
    busy.done()


def test_keyspaces_has_four_seconds_at_most(busy: Script) -> None:
    busy >> policy_changed(ALL)
    busy.wait(3.9) << quiet()
    busy.wait(0.2)
    assert busy.session.over


def test_a_session_that_is_locked_by_its_id_may_log_in_again(script: Script) -> None:
    mine = locked(session="s-1")
    script >> policy_changed(mine) >> client(query(SELECT, stream=5))
    script << refused(0x2100, stream=5, says="is locked out of session s-1 on database payments/orders")
    assert script.session.over
    logged_in(READ_ORDERS) >> policy_changed(locked(session="s-2")) << quiet()


def test_a_lock_wins_over_a_grant_that_changes_with_it(script: Script) -> None:
    script >> policy_changed(locked(READ_ORDERS, rule("writer/allow/0", "orders", "*", "Modify")))
    script >> client(query(SELECT, stream=5)) << refused(0x2100, stream=5, says=SAYS)


def test_an_end_that_has_begun_is_not_undone_by_the_end_of_the_lock(script: Script) -> None:
    script >> policy_changed(ALL) >> policy_changed(policy(READ_ORDERS, revision="r3"))
    script >> client(query(SELECT, stream=5)) << refused(0x2100, stream=5, says=SAYS)
    assert script.session.over
