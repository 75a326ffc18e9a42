from datetime import timedelta

from keyward_api.names import FieldManager
from keyward_operator.plan.access.plan import changes, next_end
from tests.unit.operator.builders import NOW, role, user, with_status
from tests.unit.operator.plan.access.worlds import told, world


def test_a_status_that_is_as_it_shall_be_is_not_written() -> None:
    first = world(roles=(role(),), users=(user(),))
    after = [
        with_status(change.document, change.status, FieldManager.ACCESS)
        for change in sorted(changes(first), key=lambda change: change.reference.kind.kind)
    ]
    assert len(after) == 2
    again = world(roles=(after[0],), users=(after[1],), now=NOW + timedelta(hours=1))
    assert list(changes(again)) == []


def test_a_transition_is_worth_an_event() -> None:
    found = told(world(users=(user(),)))["app"]
    assert ("ReferencesResolved", "RoleNotFound", True) in [(e.action, e.reason, e.warning) for e in found.events]


def test_an_object_that_is_being_deleted_is_left_alone() -> None:
    leaving = user()
    leaving["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z"
    assert "app" not in told(world(roles=(role(),), users=(leaving,)))


def test_the_next_look_is_when_the_next_grant_ends() -> None:
    ends = [user("late", expireTime="2026-11-23T14:00:00Z"), user("soon", expireTime="2026-11-23T13:00:00Z")]
    assert next_end(world(roles=(role(),), users=tuple(ends))) == NOW + timedelta(hours=1)
    assert next_end(world(roles=(role(),), users=(user(),))) is None
