import random
from datetime import timedelta
from typing import Any

import pytest

from keyward_api import locks as module
from keyward_api import sealing
from keyward_api.canonical import canonical_json
from keyward_api.names import Reason
from keyward_api.resources.policy import KeyspacesPolicySpec, PolicyLock
from tests.unit.api.builders import ACCOUNT, NOW, compiled, lock, role, rule, service_account, user

SESSION = "0123456789abcdef" * 2
SOON = NOW + timedelta(minutes=5)


def made(*documents: dict[str, Any], **inputs: Any) -> list[dict[str, Any]]:
    """The locks of the policy, in which there is nothing to tell of."""
    compilation = compiled(locks=documents, **inputs)
    assert compilation.problems == ()
    return [each.to_json_dict() for each in compilation.spec.locks]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"subject": service_account("web")}, {"subject": service_account("web")}),
        ({"subject": {"kind": "User", "name": "eve"}}, {"subject": {"kind": "User", "name": "eve", "namespace": ""}}),
        ({"subject": {"kind": "Group", "name": "ops"}}, {"subject": {"kind": "Group", "name": "ops", "namespace": ""}}),
        ({"subject": {"kind": "Group", "name": "system:authenticated"}}, {}),
        ({"user": "web"}, {"users": ["web"]}),
        ({"user": "nobody"}, {"users": ["nobody"]}),
        ({"role": "reader"}, {"users": ["web"]}),
        ({"role": "nobodys"}, {"users": []}),
        ({"dbUser": "Reader"}, {"dbUser": "Reader"}),
        ({"dbUser": f"arn:aws:iam::{ACCOUNT}:role/team/Reader"}, {"dbUser": "Reader"}),
        ({"database": "orders"}, {}),
        ({"session": SESSION}, {"session": SESSION}),
        ({"agent": "payments-orders-5d9c-abcde"}, {"agent": "payments-orders-5d9c-abcde"}),
    ],
)
def test_a_target_becomes_what_agents_can_tell_a_session_by(target: dict[str, Any], expected: dict[str, Any]) -> None:
    assert made(lock(target=target)) == [{"name": "incident", "message": "", **expected}]


@pytest.mark.parametrize(
    "target",
    [{"database": "invoices"}, {"dbUser": "arn:aws:iam::999999999999:role/Reader"}],
)
def test_what_cannot_be_meant_here_is_left_out(target: dict[str, Any]) -> None:
    assert made(lock(target=target)) == []


def test_a_role_is_locked_for_all_who_hold_it_whatever_else_they_hold() -> None:
    roles = [role("reader"), role("writer", allow=[rule(dbUsers=["Writer"])])]
    users = [user("a", roles=["reader", "writer"]), user("b", roles=["writer"]), user("c", roles=["reader"])]
    assert made(lock(target={"role": "writer"}), roles=roles, users=users)[0]["users"] == ["a", "b"]


def test_a_lock_ends_at_its_time() -> None:
    ends = "2026-11-23T13:05:00+01:00"
    (found,) = made(lock(expireTime=ends, message="an incident"))
    assert (found["message"], found["notAfter"]) == ("an incident", "2026-11-23T12:05:00Z")
    spec = compiled(locks=[lock(expireTime=ends)]).spec
    assert spec.next_end(NOW) == SOON
    assert spec.without_ended(SOON - timedelta(seconds=1)) == spec
    later = spec.without_ended(SOON)
    assert (later.locks, later.grants, later.next_end(SOON)) == ((), spec.grants, None)
    assert made(lock(expireTime=NOW.isoformat())) == []


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"target": None},
        {"target": "everything"},
        {"target": {}},
        {"target": {"request": "r-1"}},
        {"target": {"user": "a", "role": "b"}},
        {"target": {"subject": {"kind": "Robot", "name": "x"}}},
        {"target": {"database": ["orders"]}},
        None,
    ],
)
def test_a_target_that_cannot_be_read_is_the_whole_database(spec: object) -> None:
    broken = {"metadata": {"name": "broken", "namespace": "payments"}, "spec": spec}
    compilation = compiled(locks=[broken])
    assert compilation.spec.locks == (PolicyLock(name="broken"),)
    (problem,) = compilation.problems
    assert problem.reason == Reason.LOCK_INVALID
    assert (
        "KeyspacesLock broken cannot be read, so it locks everybody out of KeyspacesDatabase orders" in problem.message
    )


@pytest.mark.parametrize(
    "spec", [{"expireTime": "soon"}, {"expireTime": "2026-01-01T00:00:00"}, {"message": "m" * 257}]
)
def test_an_end_that_cannot_be_read_is_none(spec: dict[str, Any]) -> None:
    compilation = compiled(locks=[lock(target={"user": "web"}, **spec)])
    assert compilation.spec.locks == (PolicyLock(name="incident", users=("web",)),)
    (problem,) = compilation.problems
    assert problem.reason == Reason.LOCK_INVALID
    assert "in force until it is deleted" in problem.message


def test_one_that_cannot_be_read_takes_nothing_from_others() -> None:
    compilation = compiled(locks=[lock("a", target={}), lock("b", target={"user": "web"})])
    assert [each.name for each in compilation.spec.locks] == ["a", "b"]


def test_the_same_locks_give_the_same_bytes_in_any_order() -> None:
    documents = [lock(f"l{i}", target={"user": f"u{i}"}) for i in range(8)]
    shuffler = random.Random(7)  # noqa: S311 - an order, not a secret
    texts = set()
    for _ in range(5):
        shuffler.shuffle(documents)
        texts.add(canonical_json(compiled(locks=documents).spec.to_json_dict()))
    assert len(texts) == 1
    assert compiled(locks=documents).spec.revision != compiled().spec.revision


def test_more_locks_than_a_policy_holds_lock_everybody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [lock(f"l{i}", target={"user": f"u{i}"}) for i in range(4)]
    monkeypatch.setattr(module, "LOCKS_LIMIT", 4)
    assert len(made(*documents)) == 4
    monkeypatch.setattr(module, "LOCKS_LIMIT", 3)
    compilation = compiled(locks=documents)
    assert compilation.spec.locks == (PolicyLock(name="l0"),)
    assert [problem.reason for problem in compilation.problems] == [Reason.TOO_MANY_LOCKS]


def test_locks_that_are_large_together_lock_everybody_out() -> None:
    documents = [lock(f"{i:04}", target={"user": f"u{i}"}, message="ü" * 256) for i in range(500)]
    compilation = compiled(locks=documents)
    assert compilation.spec.locks == (PolicyLock(name="0000"),)
    KeyspacesPolicySpec.model_validate(compilation.spec.to_json_dict())


def test_a_policy_that_is_too_large_loses_grants_and_no_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    users = [user(f"u{i}", subjects=[service_account(f"s{i}")]) for i in range(8)]
    documents = [lock(f"l{i}", target={"user": f"u{i}"}) for i in range(8)]
    whole = compiled(users=users, locks=documents)
    size = len(canonical_json(whole.spec.to_json_dict()).encode())
    monkeypatch.setattr(sealing, "POLICY_SIZE_LIMIT", size - 200)
    cut = compiled(users=users, locks=documents)
    assert len(cut.spec.grants) < 8
    assert cut.spec.locks == whole.spec.locks
    monkeypatch.setattr(sealing, "POLICY_SIZE_LIMIT", 1)
    nobody = compiled(users=users, locks=documents)
    assert nobody.spec.grants == ()
    assert nobody.spec.locks == whole.spec.locks
