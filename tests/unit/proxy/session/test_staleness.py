"""What a policy of which nobody knows whether it is current means for logins and sessions."""

from __future__ import annotations

from keyward_proxy.session.commands import Authenticate, OpenUpstream
from keyward_proxy.session.events import PolicyOutdated
from keyward_proxy.session.shared import Shared
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
    happens,
    logged_in,
    new_script,
    opened,
    passes_back,
    plain,
    policy,
    quiet,
    refused,
    to_client,
    upstream,
)

SELECT = "SELECT id FROM orders.items"
WHY = "this agent has heard nothing from Keyward's operator for more than 30 s"


def at_the_verdict(shared: Shared) -> Script:
    script = new_script(policy(READ_ORDERS), shared=shared)
    script >> client(frames.startup(), frames.auth_response(plain(), stream=1))
    return script << to_client("AUTHENTICATE") << command(Authenticate)


def outdated() -> Shared:
    shared = Shared()
    shared.staleness.refusal = WHY
    return shared


def test_a_login_is_refused_while_nobody_knows_whether_the_policy_is_current() -> None:
    shared = outdated()
    script = at_the_verdict(shared) >> authenticated() << refused(0x0100, stream=1, says=WHY)
    script << audit("session.denied", reason="PolicyStale", identity="system:serviceaccount:shop:app")
    script << closed(upstream=False)
    script.done()
    shared.staleness.refusal = None
    at_the_verdict(shared) >> authenticated() << command(OpenUpstream)


def test_a_session_that_stands_goes_on() -> None:
    shared = Shared()
    script = logged_in(READ_ORDERS, shared=shared)
    shared.staleness.refusal = WHY
    script >> client(query(SELECT, stream=1)) << forward(query(SELECT, stream=1)) << quiet()


def test_where_all_are_to_be_closed_a_session_is_told_why() -> None:
    script = logged_in(READ_ORDERS) >> client(query(SELECT, stream=1)) << forward(query(SELECT, stream=1))
    script >> happens(PolicyOutdated, message=WHY) << quiet()
    script >> client(query(SELECT, stream=2)) << refused(0x2100, stream=2, says=WHY) << audit("statement")
    script >> upstream(frames.void(stream=1)) << passes_back(frames.void(stream=1)) << audit("statement", outcome="ok")
    script << audit("session.end", reason="PolicyStale") << closed()
    script.done()


def test_where_all_are_to_be_closed_a_quiet_session_is_so_after_a_second() -> None:
    script = logged_in(READ_ORDERS) >> happens(PolicyOutdated, message=WHY)
    script.wait(1.1) << audit("session.end", reason="PolicyStale") << closed()


def test_where_all_are_to_be_closed_no_login_is_finished() -> None:
    script = at_the_verdict(Shared()) >> happens(PolicyOutdated, message=WHY) << quiet()
    script >> authenticated() << command(OpenUpstream) >> opened()
    script.to_upstream.clear()
    script >> happens(PolicyOutdated, message=WHY) << refused(0x0100, stream=1, says=WHY)
    script << audit("session.denied", reason="PolicyStale") << closed()
    script.done()
