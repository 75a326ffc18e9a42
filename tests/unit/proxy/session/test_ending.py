"""How sessions end: policy, credentials, drains."""

from __future__ import annotations

import pytest
from cassandra import ConsistencyLevel

from keyward_api.decision import PolicyView
from keyward_proxy.session.events import Drain
from tests.unit.proxy import frames
from tests.unit.proxy.frames import query
from tests.unit.proxy.session.script import (
    EPOCH,
    READ_ORDERS,
    Script,
    audit,
    client,
    closed,
    forward,
    happens,
    logged_in,
    passes_back,
    policy,
    policy_changed,
    quiet,
    refused,
    rule,
    to_client,
    upstream,
)

SELECT = "SELECT id FROM orders.items"
WIDER = (READ_ORDERS, rule("writer/allow/0", "orders", "*", "Modify"))
ENDED = policy(granted=False, revision="r2")
WIDENED = policy(*WIDER, revision="r2")
NARROWED = policy(READ_ORDERS, deny=(rule("closed/deny/0", "orders", "secret", "Select"),), revision="r2")
INSERT = "INSERT INTO orders.items (id) VALUES (1)"


@pytest.fixture
def script() -> Script:
    return logged_in(READ_ORDERS)


@pytest.fixture
def busy(script: Script) -> Script:
    """A session with one statement in flight."""
    return script >> client(query(SELECT, stream=1)) << forward(query(SELECT, stream=1))


def test_another_revision_with_the_same_grant_changes_nothing_but_the_records(script: Script) -> None:
    script >> client(query(SELECT, stream=1)) >> upstream(frames.void(stream=1))
    script >> policy_changed(policy(READ_ORDERS, revision="r2"))
    script >> client(query(SELECT, stream=1)) >> upstream(frames.void(stream=1))
    assert [record.decision.policy_revision for record in script.audits] == ["r1", "r2"]


@pytest.mark.parametrize("changed", [WIDENED, NARROWED])
def test_a_changed_grant_closes_a_quiet_session_at_once(script: Script, changed: PolicyView) -> None:
    script.now += 1
    script >> policy_changed(changed)
    script << audit("session.end", reason="GrantChanged") << closed()
    script.done()


def test_a_wider_grant_waits_for_a_quiet_moment_under_the_old_one(busy: Script) -> None:
    busy >> policy_changed(WIDENED) << quiet()
    busy >> client(query(SELECT, stream=2)) << forward(query(SELECT, stream=2)) << quiet()
    busy >> client(query(INSERT, stream=3)) << refused(0x2100, stream=3)
    busy.audits.clear()
    busy >> upstream(frames.void(stream=1), frames.void(stream=2)) << audit("statement") << audit("statement")
    busy << passes_back(frames.void(stream=1)) << passes_back(frames.void(stream=2)) << quiet()
    busy.wait(1.1) << audit("session.end", reason="GrantChanged") << closed()
    busy.done()


def test_a_narrowing_outranks_a_widening(busy: Script) -> None:
    busy >> policy_changed(WIDENED) >> policy_changed(NARROWED)
    busy >> client(query(SELECT, stream=2)) << refused(0x1001, stream=2)


def test_a_narrowed_grant_lets_accepted_statements_be_answered_first(busy: Script) -> None:
    busy >> policy_changed(NARROWED) << quiet()
    busy >> client(query(SELECT, stream=2)) << refused(0x1001, stream=2, says="your grant changed: connect again")
    busy << audit("statement", outcome="denied", error_code="0x1001") << quiet()
    busy.now += 3
    busy >> upstream(frames.rows(b"x", stream=1)) << passes_back(frames.rows(b"x", stream=1))
    busy << audit("statement", outcome="ok") << audit("session.end", reason="GrantChanged") << closed()
    busy.done()


def test_a_narrowed_grant_does_not_wait_for_what_it_forbids(busy: Script) -> None:
    other = policy(rule("reader/allow/0", "orders", "other", "Select"), revision="r2")
    busy >> policy_changed(other) >> client(query(SELECT, stream=2))
    busy << refused(0x2100, stream=2, says="may not Select orders.items")
    busy << audit("statement", outcome="denied", allowed=False)
    assert not busy.to_upstream


def test_an_id_prepared_before_a_narrowing_is_refused_by_the_new_grant(busy: Script) -> None:
    prepared_id = bytes(16)
    busy >> client(frames.prepare(SELECT, stream=2)) >> upstream(frames.prepared(prepared_id, stream=2))
    busy.to_client.clear()
    busy.to_upstream.clear()
    busy.audits.clear()
    busy >> policy_changed(policy(rule("reader/allow/0", "orders", "other", "Select"), revision="r2"))
    busy >> client(frames.execute(prepared_id, stream=3))
    busy << refused(0x2100, stream=3, says="may not Select orders.items")
    busy << audit("statement", opcode="EXECUTE", outcome="denied", prepared_id=prepared_id.hex())
    assert not busy.to_upstream


def test_an_ended_grant_tells_the_next_request_why_and_closes(script: Script) -> None:
    script >> policy_changed(ENDED) << quiet()
    script >> client(query(SELECT, stream=5))
    script << refused(0x2100, stream=5, says="your access ended: system:serviceaccount:shop:app has no grant")
    script << audit("statement", outcome="denied", error_code="0x2100", resources=["Select orders.items"])
    script << audit("session.end", reason="GrantEnded") << closed()
    script.done()


def test_an_ended_grant_tells_every_request_of_the_same_read(script: Script) -> None:
    script >> policy_changed(ENDED) >> client(query(SELECT, stream=5), query(SELECT, stream=6))
    script << refused(0x2100, stream=5) << refused(0x2100, stream=6)
    assert script.session.over


def test_a_heartbeat_too_is_told_that_the_grant_ended(script: Script) -> None:
    script >> policy_changed(ENDED) >> client(frames.options(stream=3))
    script << refused(0x2100, stream=3, says="your access ended") << audit("session.end") << closed()


def test_an_ended_grant_waits_a_second_for_a_request_then_closes(script: Script) -> None:
    script >> policy_changed(ENDED)
    script.wait(0.9) << quiet()
    script.wait(0.2) << audit("session.end", reason="GrantEnded") << closed()
    script.done()


def test_an_ended_grant_lets_accepted_statements_be_answered_first(busy: Script) -> None:
    busy >> policy_changed(ENDED)
    busy.wait(3.5) << quiet()
    busy >> upstream(frames.rows(b"x", stream=1)) << passes_back(frames.rows(b"x", stream=1)) << audit("statement")
    busy << quiet()
    busy.wait(1.0) << audit("session.end", reason="GrantEnded") << closed()
    busy.done()


def test_an_ended_grant_waits_four_seconds_for_keyspaces_at_most(busy: Script) -> None:
    busy >> policy_changed(ENDED)
    busy.wait(3.9) << quiet()
    busy.wait(0.2)
    busy << refused(0x0000, stream=1, says="may or may not have been run") << audit("statement", outcome="lost")
    busy << audit("session.end", reason="GrantEnded") << closed()
    busy.done()


def test_what_waits_behind_a_use_was_not_accepted(busy: Script) -> None:
    busy >> client(query("USE orders", stream=2), query(SELECT, stream=3)) << quiet()
    busy >> policy_changed(ENDED) << refused(0x2100, stream=2) << refused(0x2100, stream=3)
    busy.audits.clear()
    busy >> upstream(frames.void(stream=1)) << passes_back(frames.void(stream=1))
    assert busy.session.over


def test_an_end_of_the_grant_outranks_a_drain_but_not_the_other_way_round(busy: Script) -> None:
    busy >> happens(Drain) >> policy_changed(ENDED) >> happens(Drain)
    busy >> client(query(SELECT, stream=2)) << refused(0x2100, stream=2)


def test_an_end_of_the_grant_outranks_a_change(busy: Script) -> None:
    busy >> policy_changed(NARROWED) >> policy_changed(ENDED)
    busy >> client(query(SELECT, stream=2)) << refused(0x2100, stream=2)


def test_a_drain_closes_a_session_without_a_statement_for_a_second_at_once(script: Script) -> None:
    script.wait(1.0)
    script >> happens(Drain) << audit("session.end", reason="Drained") << closed()
    script.done()


def test_a_drain_waits_with_a_session_that_may_be_about_to_send(script: Script) -> None:
    script >> client(query(SELECT, stream=1)) >> upstream(frames.void(stream=1))
    script.to_client.clear()
    script.to_upstream.clear()
    script.audits.clear()
    script >> happens(Drain) << quiet()
    script.wait(0.5) << quiet()
    script >> client(query(SELECT, stream=1)) << forward(query(SELECT, stream=1))
    script >> upstream(frames.void(stream=1)) << passes_back(frames.void(stream=1)) << audit("statement") << quiet()
    script.wait(1.1) << audit("session.end", reason="Drained") << closed()
    script.done()


def statements(script: Script, *, lull: float, latency: float = 0.004, seconds: float = 10.0) -> float | None:
    """Statements one after the other, each `lull` after the answer of the one before; when the session was over."""
    began = script.now
    while script.now - began < seconds:
        script >> client(query(SELECT, stream=1))
        script.wait(latency) >> upstream(frames.void(stream=1))
        script.wait(lull)
        if script.session.over:
            return script.now - began
    return None


def drained(script: Script) -> Script:
    """The client got every answer, and then the end."""
    sent = [seen for seen in script.to_upstream if seen.opcode == 0x07]
    assert len(script.to_client) == len(sent)
    return script << closed()


def test_a_client_that_never_pauses_is_left_with_an_answer_after_five_seconds(script: Script) -> None:
    script >> happens(Drain)
    ended = statements(script, lull=0.0001)
    assert ended is not None
    assert 5.0 <= ended < 5.02
    drained(script)


@pytest.mark.parametrize("lull", [0.02, 0.2])
def test_a_session_ends_early_in_a_lull_once_its_lulls_were_observed_for_a_second(script: Script, lull: float) -> None:
    script >> happens(Drain)
    ended = statements(script, lull=lull)
    assert ended is not None
    assert 1.0 < ended < max(1.0, 8 * lull) + 2 * (lull + 0.004) + 0.001
    drained(script)


def in_bursts(script: Script) -> None:
    """As many bursts as are to be observed."""
    for _ in range(4):
        assert statements(script, lull=0.002, seconds=0.05) is None
        script.wait(0.2)


def test_at_a_steady_pace_the_end_leaves_together_with_an_answer(script: Script) -> None:
    script >> happens(Drain)
    statements(script, lull=0.12, seconds=0.9)
    script.to_client.clear()
    script.audits.clear()
    script >> client(query(SELECT, stream=1))
    script.wait(0.01) >> upstream(frames.rows(b"x", stream=1))
    script << audit("statement") << passes_back(frames.rows(b"x", stream=1))
    script << audit("session.end", reason="Drained") << closed()


def test_a_statement_that_waits_for_others_counts_once_towards_the_pace(script: Script) -> None:
    script >> happens(Drain)
    for _ in range(6):
        script >> client(query(SELECT, stream=1))
        script.wait(0.1) >> client(query("USE orders", stream=2))
        script.wait(0.001) >> upstream(frames.void(stream=1))
        script.wait(0.009) >> upstream(frames.set_keyspace("orders", stream=2))
        if script.session.over:
            break
        script.wait(0.09)
    assert script.session.over
    assert script.now - 100.0 < 1.15


def test_in_bursts_the_last_answer_waits_for_the_end_of_one(script: Script) -> None:
    script >> happens(Drain)
    in_bursts(script)
    script.to_client.clear()
    script >> client(query(SELECT, stream=1))
    script.wait(0.004) >> upstream(frames.rows(b"x", stream=1))
    script.audits.clear()
    script.wait(0.002)
    assert not script.to_client
    script.wait(0.002) << passes_back(frames.rows(b"x", stream=1))
    script << audit("session.end", reason="Drained") << closed()


def test_a_burst_is_no_lull(script: Script) -> None:
    script >> happens(Drain)
    in_bursts(script)
    assert statements(script, lull=0.002, seconds=0.1) is None
    script.wait(0.1)
    assert script.session.over
    drained(script)


def test_a_session_that_never_has_the_lull_that_is_asked_for_ends_with_an_answer_all_the_same(script: Script) -> None:
    script >> happens(Drain)
    statements(script, lull=0.9, seconds=0.8)
    for number in range(1000):
        script >> client(query(SELECT, stream=1))
        script.now += 0.003
        script >> upstream(frames.void(stream=1))
        if script.session.over:
            break
        # As an agent does whose loop is late: no tick comes before the next statement.
        script.now += 0.002 if number % 20 else 0.08
    assert script.session.over
    assert 4.9 < script.now - 100.0 < 5.2
    drained(script)


def test_a_statement_shows_that_it_was_no_lull_and_sets_the_answer_free(script: Script) -> None:
    script >> happens(Drain)
    in_bursts(script)
    script.to_client.clear()
    script.to_upstream.clear()
    script.audits.clear()
    script >> client(query(SELECT, stream=1)) << forward(query(SELECT, stream=1))
    script.wait(0.004) >> upstream(frames.void(stream=1)) << audit("statement") << quiet()
    script.wait(0.001) >> client(query(SELECT, stream=2))
    script << passes_back(frames.void(stream=1)) << forward(query(SELECT, stream=2)) << quiet()
    script.wait(0.2) << quiet()


def test_what_else_is_for_the_client_waits_behind_the_answer(script: Script) -> None:
    script >> happens(Drain)
    in_bursts(script)
    script.to_client.clear()
    script.audits.clear()
    script >> client(query(SELECT, stream=1))
    script.wait(0.004) >> upstream(frames.void(stream=1)) << audit("statement")
    script >> client(frames.options(stream=9))
    assert not script.to_client
    script.wait(0.1) << passes_back(frames.void(stream=1)) << to_client("SUPPORTED", stream=9)
    script << audit("session.end", reason="Drained") << closed()


def test_a_drain_closes_a_session_that_falls_idle_a_second_after_its_last_statement(script: Script) -> None:
    script >> client(query(SELECT, stream=1)) >> upstream(frames.void(stream=1))
    script >> happens(Drain)
    script.wait(0.9)
    assert not script.session.over
    script.wait(0.2)
    assert script.session.over


def test_a_heartbeat_is_no_statement_for_which_a_drain_waits(script: Script) -> None:
    script.wait(0.9) >> happens(Drain) >> client(frames.options(stream=1)) << to_client("SUPPORTED", stream=1)
    script.wait(0.2) << audit("session.end", reason="Drained") << closed()


def test_an_answer_of_the_agent_itself_is_a_quiet_moment_too(script: Script) -> None:
    script >> happens(Drain)
    in_bursts(script)
    script.to_client.clear()
    script.audits.clear()
    script >> client(query("SELECT key FROM system.local", stream=1)) << audit("statement")
    script.wait(0.1) << to_client("RESULT", stream=1)
    script << audit("session.end", reason="Drained") << closed()


def test_a_drain_waits_for_a_quiet_moment_and_goes_on_accepting(busy: Script) -> None:
    busy >> happens(Drain) >> client(query(SELECT, stream=2)) << forward(query(SELECT, stream=2))
    busy >> upstream(frames.void(stream=1)) << passes_back(frames.void(stream=1)) << audit("statement") << quiet()
    busy >> upstream(frames.void(stream=2)) << passes_back(frames.void(stream=2)) << audit("statement") << quiet()
    busy.wait(1.1) << audit("session.end", reason="Drained") << closed()
    busy.done()


def test_a_drain_that_finds_no_quiet_moment_stops_accepting_after_twelve_seconds(busy: Script) -> None:
    busy >> happens(Drain)
    busy.wait(11.9) << quiet()
    busy >> client(query(SELECT, stream=3)) << forward(query(SELECT, stream=3))
    busy.wait(0.2) << quiet()
    busy >> client(query(SELECT, stream=2)) << refused(0x1001, stream=2, says="shutting down")
    busy.audits.clear()
    busy.wait(4.1) << refused(0x0000, stream=1)
    assert busy.session.over


def test_a_session_ends_before_its_credentials_do(script: Script) -> None:
    assert script.timer == script.now + 3540 - 0.0  # 3600 s of credentials, 60 s of margin
    script.wait(3539) << quiet()
    script.wait(2) << audit("session.end", reason="Expired") << closed()


def test_a_session_ends_before_its_proof_of_identity_does() -> None:
    script = logged_in(READ_ORDERS, proof_expires=EPOCH + 100 + 300)
    script.wait(269) << quiet()
    script.wait(2) << audit("session.end", reason="Expired") << closed()


def test_an_over_session_ignores_what_comes(script: Script) -> None:
    script.wait(1.0) >> happens(Drain)
    script.audits.clear()
    script.others.clear()
    script >> client(query(SELECT)) >> upstream(frames.void()) >> policy_changed(ENDED)
    script.wait(10_000) << quiet()


def test_options_are_answered_while_a_drain_waits(busy: Script) -> None:
    busy >> happens(Drain) >> client(frames.options(stream=9)) << to_client("SUPPORTED", stream=9)


def test_consistency_is_still_upgraded_while_a_drain_waits(busy: Script) -> None:
    busy >> happens(Drain) >> client(query(SELECT, stream=2, consistency=ConsistencyLevel.QUORUM))
    busy << forward(query(SELECT, stream=2))
