import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyward_api.decision import Access, EffectiveGrant, decide, matches
from keyward_api.permissions import KEYSPACE_PERMISSIONS, Permission
from keyward_api.visibility import sees_keyspace, sees_table
from tests.unit.api.builders import identity, role, rule, view


def grant(*allow: dict[str, object], deny: tuple[dict[str, object], ...] = ()) -> EffectiveGrant:
    return view(roles=[role(allow=list(allow), deny=list(deny))]).grant_for(identity(), "Reader")


def test_a_reader_of_one_table_sees_it_and_its_keyspace_and_nothing_else() -> None:
    reader = grant(rule(keyspaces=["shop"], tables=["items"]))
    assert sees_keyspace(reader, "shop")
    assert sees_table(reader, "shop", "items")
    assert not sees_table(reader, "shop", "orders")
    assert not sees_keyspace(reader, "bank")
    assert not sees_table(reader, "bank", "items")


@pytest.mark.parametrize("permission", [p.value for p in Permission if p is not Permission.UPDATE_PARTITIONER])
def test_any_permission_makes_visible(permission: str) -> None:
    tables = ["*"] if Permission(permission) in KEYSPACE_PERMISSIONS else ["items"]
    assert sees_table(grant(rule(tables=tables, permissions=[permission])), "shop", "items")


def test_patterns_make_visible_what_is_still_to_come() -> None:
    reader = grant(rule(keyspaces=["shop_*"], tables=["item*"]))
    assert sees_keyspace(reader, "shop_eu")
    assert sees_table(reader, "shop_eu", "items")
    assert not sees_table(reader, "shop_eu", "orders")
    assert not sees_keyspace(reader, "shop")


def test_a_deny_hides_a_table_only_if_no_other_permission_is_left() -> None:
    both = rule(tables=["*"], permissions=["Select", "Modify"])
    assert sees_table(grant(both, deny=(rule(tables=["items"], permissions=["Select"]),)), "shop", "items")
    hidden = grant(both, deny=(rule(tables=["items"], permissions=["*"]),))
    assert not sees_table(hidden, "shop", "items")
    assert sees_table(hidden, "shop", "orders")
    assert sees_keyspace(hidden, "shop")


@pytest.mark.parametrize(
    ("allowed", "denied", "visible"),
    [
        ("*", "*", False),
        ("*", "item*", True),
        ("items", "items", False),
        ("items", "item*", False),
        ("item*", "items", True),
        ("item*", "it*", False),
        ("a*z", "a*", False),
        ("a*", "a*z", True),
    ],
)
def test_a_keyspace_is_hidden_where_all_that_is_allowed_in_it_is_denied(
    allowed: str, denied: str, visible: bool
) -> None:
    reader = grant(rule(tables=[allowed]), deny=(rule(tables=[denied], permissions=["*"]),))
    assert sees_keyspace(reader, "shop") is visible


def test_of_the_system_keyspaces_those_are_visible_that_every_login_may_read() -> None:
    everything = grant(rule(keyspaces=["*"], tables=["*"], permissions=["*"]))
    for keyspace in ("system_schema", "system_schema_mcs", "system_multiregion_info"):
        assert sees_keyspace(everything, keyspace)
        assert sees_table(everything, keyspace, "tables")
    for keyspace in ("system", "system_auth", "systems"):
        assert not sees_keyspace(everything, keyspace)
        assert not sees_table(everything, keyspace, "local")


PATTERN = st.text("ab*", min_size=1, max_size=4)
RULES = st.lists(
    st.tuples(PATTERN, st.sampled_from(["Select", "Modify"])).map(
        lambda pair: rule(keyspaces=["shop"], tables=[pair[0]], permissions=[pair[1]])
    ),
    min_size=1,
    max_size=3,
)


@given(RULES, RULES, st.text("ab", min_size=1, max_size=4))
def test_who_may_do_something_sees_it_and_who_sees_a_table_sees_its_keyspace(
    allow: list[dict[str, object]], deny: list[dict[str, object]], table: str
) -> None:
    holder = grant(*allow, deny=tuple(deny))
    accesses = [Access(permission=p, keyspace="shop", table=table) for p in (Permission.SELECT, Permission.MODIFY)]
    assert sees_table(holder, "shop", table) == any(decide(holder, [access]).allowed for access in accesses)
    if sees_table(holder, "shop", table):
        assert sees_keyspace(holder, "shop")


@given(PATTERN, PATTERN, st.text("ab", max_size=6))
def test_a_pattern_that_matches_anothers_text_matches_all_that_the_other_matches(
    wide: str, narrow: str, name: str
) -> None:
    if matches(wide, narrow) and re.fullmatch(narrow.replace("*", ".*"), name):
        assert matches(wide, name)
