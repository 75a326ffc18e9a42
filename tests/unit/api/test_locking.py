from typing import Any

import pytest

from keyward_api.identities import CallerIdentity, person
from keyward_api.locking import Locks, words
from keyward_api.resources.policy import PolicyLock
from tests.unit.api.builders import compiled, identity

WEB = identity("web", groups=("system:serviceaccounts", "system:serviceaccounts:payments"))
EVE = person("eve", groups=frozenset({"ops"}))


def lock(name: str = "incident", **target: Any) -> PolicyLock:
    return PolicyLock.model_validate({"name": name, **target})


def found(*locks: PolicyLock, who: CallerIdentity = WEB) -> str | None:
    lock = Locks.of(locks).on_session(who, users=("a", "b"), db_user="Reader", session="s-1", agent="orders-0")
    return lock.name if lock else None


def subject(kind: str, name: str, namespace: str = "") -> dict[str, Any]:
    return {"subject": {"kind": kind, "name": name, "namespace": namespace}}


@pytest.mark.parametrize(
    ("who", "target", "locked"),
    [
        (WEB, subject("ServiceAccount", "web", "payments"), True),
        (WEB, subject("ServiceAccount", "web", "other"), False),
        (WEB, subject("ServiceAccount", "job", "payments"), False),
        (WEB, subject("User", "web"), False),
        (WEB, subject("User", "system:serviceaccount:payments:web"), True),
        (WEB, subject("Group", "system:serviceaccounts"), True),
        (WEB, subject("Group", "system:serviceaccounts:other"), False),
        (EVE, subject("User", "eve"), True),
        (EVE, subject("User", "adam"), False),
        (EVE, subject("Group", "ops"), True),
        (EVE, subject("Group", "eve"), False),
        (WEB, {"users": ["x", "b"]}, True),
        (WEB, {"users": ["x"]}, False),
        (WEB, {"users": []}, False),
        (WEB, {"dbUser": "Reader"}, True),
        (WEB, {"dbUser": "Writer"}, False),
        (WEB, {"session": "s-1"}, True),
        (WEB, {"session": "s-2"}, False),
        (WEB, {"agent": "orders-0"}, True),
        (WEB, {"agent": "orders-1"}, False),
        (WEB, {}, True),
        (EVE, {"ofAKindToCome": "x"}, True),
    ],
)
def test_a_lock_is_on_the_sessions_of_its_target_and_on_no_others(
    who: CallerIdentity, target: dict[str, Any], locked: bool
) -> None:
    assert (found(lock(**target), who=who) is not None) is locked


def test_of_several_locks_the_first_by_name_is_told_of() -> None:
    assert found(lock("c"), lock("b", dbUser="Reader"), lock("a", session="s-2"), lock("d", users=["a"])) == "b"
    assert found() is None


def test_an_agent_knows_whether_it_is_locked_itself() -> None:
    locks = Locks.of([lock("all"), lock("one", agent="orders-0")])
    assert locks.on_agent("orders-1") is None
    one = locks.on_agent("orders-0")
    assert one is not None
    assert one.name == "one"


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (
            {},
            "is locked out of database payments/orders by KeyspacesLock incident; ask the owner of namespace payments",
        ),
        ({"message": "call 112"}, "by KeyspacesLock incident: call 112; ask the owner"),
        ({"notAfter": "2026-12-31T18:00:00Z"}, "payments/orders until 2026-12-31T18:00:00Z by KeyspacesLock incident"),
        ({"dbUser": "Reader"}, "is locked out of IAM role 'Reader' on database payments/orders by"),
        ({"session": "s-1"}, "is locked out of session s-1 on database payments/orders by"),
        ({"agent": "orders-0"}, "is locked out of agent orders-0 of database payments/orders by"),
        ({"users": ["secret-user"]}, "is locked out of database payments/orders by"),
    ],
)
def test_who_is_locked_out_is_told_of_what_by_what_and_whom_to_ask(target: dict[str, Any], says: str) -> None:
    told = words(lock(**target), WEB, compiled().spec.database)
    assert told.startswith("system:serviceaccount:payments:web is locked out of ")
    assert says in told
    assert "secret-user" not in told
