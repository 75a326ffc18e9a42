from datetime import timedelta

from keyward_api.names import FieldManager
from keyward_operator import kinds
from keyward_operator.plan.access.plan import changes, next_end
from tests.unit.operator.builders import NOW, lock, role, user, with_status
from tests.unit.operator.plan.access.worlds import database, message, told, verdicts, world


def test_a_status_that_is_as_it_shall_be_is_not_written() -> None:
    first = world(roles=(role(),), users=(user(),))
    found = {change.reference.kind: change.status for change in changes(first)}
    roles = (with_status(role(), found[kinds.KEYSPACES_ROLE], FieldManager.ACCESS),)
    users = (with_status(user(), found[kinds.KEYSPACES_USER], FieldManager.ACCESS),)
    again = world(roles=roles, users=users, now=NOW + timedelta(hours=1))
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


def test_the_next_look_is_when_a_user_or_lock_ends_though_it_is_in_no_policy() -> None:
    ending = {"expireTime": "2026-11-23T13:00:00Z"}
    hour = NOW + timedelta(hours=1)
    assert next_end(world(users=(user(**ending),))) == hour, "its role is missing"
    elsewhere = lock(target={"database": "elsewhere"}, **ending)
    assert next_end(world(locks=(elsewhere,))) == hour
    assert next_end(world(users=(user(**ending),), now=hour)) is None
    unreadable = user(**ending)
    unreadable["spec"]["subjects"] = "nobody"
    assert next_end(world(users=(unreadable,))) is None


def test_nothing_is_said_to_be_in_force_that_agents_do_not_have() -> None:
    inputs = {"roles": (role(),), "users": (user(),), "locks": (lock(target={"database": "orders"}),)}
    found = told(world(**inputs, unpublished=("orders",)))
    for name in ("app", "incident"):
        assert verdicts(found[name])["PolicyCompiled"] == ("Unknown", "Pending")
        assert verdicts(found[name])["Ready"] == ("Unknown", "Pending")
        assert "the policy of KeyspacesDatabase orders is not written yet" in message(found[name], "PolicyCompiled")
        assert found[name].status["databases"] == []
    assert found["app"].status["grants"] == 0
    published = told(world(**inputs))
    assert verdicts(published["incident"])["PolicyCompiled"] == ("True", "Compiled")
    assert published["incident"].status["databases"] == ["orders"]


def test_a_policy_that_is_not_written_says_nothing_of_those_that_it_is_not_about() -> None:
    stranger = user("stranger", roles=("other",))
    other = role("other", databases={"names": ["stock"]})
    databases = (database(), database("stock"))
    found = told(world(roles=(role(), other), users=(user(), stranger), databases=databases, unpublished=("orders",)))
    assert verdicts(found["stranger"])["PolicyCompiled"] == ("True", "Compiled")
