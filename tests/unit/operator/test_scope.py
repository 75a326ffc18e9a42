import pytest

from keyward_operator import kinds
from keyward_operator.kinds import Kind
from keyward_operator.scope import Scope

EVERYWHERE = Scope(operator_namespace="home", agents_namespace="agents")
NAMED = Scope(operator_namespace="home", agents_namespace="agents", namespaces=("a", "b"))


@pytest.mark.parametrize(
    ("kind", "everywhere", "named"),
    [
        (kinds.KEYSPACES_USER, [None], ["a", "b"]),
        (kinds.SERVICE, [None], ["a", "b", "agents"]),
        (kinds.SECRET, ["agents"], ["agents"]),
        (kinds.KEYSPACES_POLICY, ["agents"], ["agents"]),
    ],
)
def test_a_kind_is_listed_where_the_operator_has_rights(
    kind: Kind, everywhere: list[str | None], named: list[str]
) -> None:
    assert list(EVERYWHERE.where(kind)) == everywhere
    assert list(NAMED.where(kind)) == named


def test_other_namespaces_are_not_its_business() -> None:
    assert EVERYWHERE.holds("c")
    assert [NAMED.holds(namespace) for namespace in ("a", "c")] == [True, False]


def test_agents_among_tenants_are_listed_once() -> None:
    assert list(Scope(operator_namespace="home", agents_namespace="a", namespaces=("a",)).where(kinds.SERVICE)) == ["a"]
