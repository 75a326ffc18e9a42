import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyward_api.decision import Access, EffectiveGrant, GrantError, decide, matches, narrows
from keyward_api.permissions import Permission
from tests.unit.api.builders import identity, role, rule, service_account, user, view

SELECT, MODIFY = Permission.SELECT, Permission.MODIFY


def may(permission: Permission, table: str, **policy: object) -> bool:
    keyspace, name = table.split(".")
    grant = view(**policy).grant_for(identity(), "Reader")
    return decide(grant, [Access(permission=permission, keyspace=keyspace, table=name)]).allowed


@pytest.mark.parametrize(
    ("permission", "table", "allowed"),
    [
        (SELECT, "shop.items", True),
        (MODIFY, "shop.items", False),
        (SELECT, "shop.orders", False),
        (SELECT, "Shop.items", False),
        (SELECT, "other.items", False),
        (SELECT, "system_schema.tables", True),
        (SELECT, "system_schema_mcs.tables", True),
        (SELECT, "system_multiregion_info.tables", True),
        (MODIFY, "system_schema.tables", False),
        (SELECT, "system.prepared_statements", False),
        (SELECT, "system_auth.roles", False),
        (SELECT, "system_traces.events", False),
    ],
)
def test_what_a_reader_may_do(permission: Permission, table: str, allowed: bool) -> None:
    assert may(permission, table) is allowed


def test_a_star_never_means_the_system_keyspaces() -> None:
    everything = role(allow=[rule(keyspaces=["*"], tables=["*"], permissions=["*"])])
    assert may(MODIFY, "shop.items", roles=[everything])
    assert not may(SELECT, "system.local", roles=[everything])
    assert not may(SELECT, "systems.items", roles=[everything])
    assert not may(MODIFY, "system_schema.tables", roles=[everything])


def test_a_deny_of_any_role_wins_over_every_allow() -> None:
    open_role = role("open", allow=[rule(keyspaces=["*"], tables=["*"], permissions=["*"])])
    closed = role("closed", allow=[], deny=[rule(tables=["item*"], permissions=["Modify"])])
    policy = {"roles": [open_role, closed], "users": [user(roles=["open", "closed"])]}
    assert not may(MODIFY, "shop.items", **policy)
    assert may(SELECT, "shop.items", **policy)
    assert may(MODIFY, "shop.orders", **policy)


def test_a_deny_reaches_over_users_that_name_the_same_identity() -> None:
    closed = role("closed", allow=[], deny=[rule()])
    policy = {"roles": [role(), closed], "users": [user("a"), user("b", roles=["closed"])]}
    assert not may(SELECT, "shop.items", **policy)


def test_allows_of_several_users_and_groups_add_up() -> None:
    writer = role("writer", allow=[rule(permissions=["Modify"])])
    group = {"kind": "Group", "name": "system:serviceaccounts:payments"}
    policy = view(roles=[role(), writer], users=[user("a"), user("b", subjects=[group], roles=["writer"])])
    member = identity(groups=("system:serviceaccounts:payments",))
    access = Access(permission=MODIFY, keyspace="shop", table="items")
    assert decide(policy.grant_for(member, "Reader"), [access]).allowed
    assert not decide(policy.grant_for(identity(), "Reader"), [access]).allowed


def test_every_access_of_a_statement_must_be_allowed() -> None:
    grant = view().grant_for(identity(), "Reader")
    accesses = [
        Access(permission=SELECT, keyspace="shop", table="items"),
        Access(permission=MODIFY, keyspace="shop", table="items"),
    ]
    decision = decide(grant, accesses)
    assert not decision.allowed
    assert decision.denied == accesses[1]


def test_the_rule_that_decided_is_named() -> None:
    grant = view().grant_for(identity(), "Reader")
    assert decide(grant, [Access(permission=SELECT, keyspace="shop", table="items")]).rule == "reader/allow/0"


@pytest.mark.parametrize("db_user", ["", "Reader", "arn:aws:iam::111122223333:role/Reader"])
def test_name_arn_and_the_only_one_are_the_same_grant(db_user: str) -> None:
    assert view().grant_for(identity(), db_user).db_user == "Reader"


def test_a_stranger_is_told_whom_to_ask_and_nothing_else() -> None:
    with pytest.raises(GrantError) as refusal:
        view().grant_for(identity("other"), "Reader")
    assert "system:serviceaccount:payments:other has no grant on database payments/orders" in str(refusal.value)
    assert "Reader" not in str(refusal.value)


def test_another_role_is_refused_with_the_ones_that_are_granted() -> None:
    with pytest.raises(GrantError, match=r"may not use IAM role 'Admin'.*log in as one of 'Reader'"):
        view().grant_for(identity(), "Admin")


def test_an_empty_name_with_several_roles_is_refused() -> None:
    several = role(allow=[rule(dbUsers=["Reader", "Writer"])])
    with pytest.raises(GrantError, match="log in as one of 'Reader', 'Writer'"):
        view(roles=[several]).grant_for(identity(), "")


def test_denies_alone_are_no_grant() -> None:
    with pytest.raises(GrantError, match="has no grant"):
        view(roles=[role(allow=[], deny=[rule()])]).grant_for(identity(), "")


def test_the_hash_changes_with_the_effect_only() -> None:
    one = view().grant_for(identity(), "").hash
    assert view(users=[user(), user("stranger", subjects=[service_account("x")])]).grant_for(identity(), "").hash == one
    assert view(roles=[role(allow=[rule(tables=["other"])])]).grant_for(identity(), "").hash != one


def test_renamed_roles_and_reordered_rules_leave_sessions_alone() -> None:
    rules = [rule(tables=["a"]), rule(tables=["b"])]
    one = view(roles=[role(allow=rules)]).grant_for(identity(), "").hash
    renamed = {"roles": [role("renamed", allow=rules[::-1])], "users": [user(roles=["renamed"])]}
    assert view(**renamed).grant_for(identity(), "").hash == one


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "", True),
        ("a*", "a", True),
        ("*a", "ba", True),
        ("a*c", "abc", True),
        ("a*c", "abcd", False),
        ("a", "A", False),
        ("a**b", "ab", True),
        ("a.c", "abc", False),
        ("a*", "a\nb", True),
    ],
)
def test_only_the_star_is_special(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name) is expected


@pytest.mark.timeout(5)
@pytest.mark.parametrize("length", [48, 60_000])
def test_a_pattern_of_many_stars_is_matched_at_once(length: int) -> None:
    """A pattern that backtracks would stop every session of an agent for hours."""
    assert not matches("*a" * 23 + "*b", "a" * length)
    assert matches("*a" * 24, "b" * length + "a" * 24)


@given(pattern=st.text("ab*", max_size=7), name=st.text("ab", max_size=7))
def test_matching_agrees_with_regular_expressions(pattern: str, name: str) -> None:
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert matches(pattern, name) is (re.fullmatch(expression, name) is not None)


def may_to_keyspace(permission: Permission, keyspace: str, **policy: object) -> bool:
    grant = view(**policy).grant_for(identity(), "Reader")
    return decide(grant, [Access(permission=permission, keyspace=keyspace)]).allowed


def test_a_keyspace_as_a_whole_needs_a_rule_for_all_of_its_tables() -> None:
    whole = role(allow=[rule(tables=["*"], permissions=["Create", "Drop"])])
    parts = role(allow=[rule(tables=["item*"], permissions=["Create", "Drop"])])
    assert may_to_keyspace(Permission.DROP, "shop", roles=[whole])
    assert not may_to_keyspace(Permission.ALTER, "shop", roles=[whole])
    assert not may_to_keyspace(Permission.DROP, "other", roles=[whole])
    assert not may_to_keyspace(Permission.DROP, "shop", roles=[parts])
    assert may(Permission.DROP, "shop.items", roles=[parts])


def test_who_may_not_drop_one_table_may_not_drop_its_keyspace() -> None:
    mixed = role(allow=[rule(tables=["*"], permissions=["*"])], deny=[rule(tables=["audit"], permissions=["Drop"])])
    assert not may_to_keyspace(Permission.DROP, "shop", roles=[mixed])
    assert may_to_keyspace(Permission.CREATE, "shop", roles=[mixed])
    assert may(Permission.DROP, "shop.items", roles=[mixed])
    assert not may(Permission.DROP, "shop.audit", roles=[mixed])


@pytest.mark.parametrize(
    ("keyspaces", "tables", "permissions", "allowed"),
    [
        (["system"], ["local"], ["UpdatePartitioner"], True),
        (["system"], ["local"], ["*"], True),
        (["*"], ["*"], ["*"], False),
        (["system"], ["*"], ["UpdatePartitioner"], False),
        (["system*"], ["local"], ["UpdatePartitioner"], False),
        (["system"], ["local"], ["Modify"], False),
    ],
)
def test_the_partitioner_is_set_by_those_only_whose_rule_names_it(
    keyspaces: list[str], tables: list[str], permissions: list[str], allowed: bool
) -> None:
    named = role(allow=[rule(), rule(keyspaces=keyspaces, tables=tables, permissions=permissions)])
    assert may(Permission.UPDATE_PARTITIONER, "system.local", roles=[named]) is allowed
    assert not may(MODIFY, "system.local", roles=[named])


def test_a_deny_of_everything_reaches_the_partitioner() -> None:
    allow = [rule(keyspaces=["system"], tables=["local"], permissions=["*"])]
    deny = [rule(keyspaces=["*"], tables=["*"], permissions=["*"])]
    assert not may(Permission.UPDATE_PARTITIONER, "system.local", roles=[role(allow=allow, deny=deny)])


def grant_of(**policy: object) -> EffectiveGrant:
    return view(**policy).grant_for(identity(), "Reader")


def test_of_several_roles_options_the_strictest_hold() -> None:
    calm = role("calm") | {"spec": {"allow": [rule()], "options": {"idleTimeoutSeconds": 60, "allowTracing": True}}}
    short = role("short") | {"spec": {"deny": [rule(tables=["x"])], "options": {"maxSessionSeconds": 600}}}
    elsewhere = role("elsewhere") | {
        "spec": {"allow": [rule(databases={"names": ["other"]})], "options": {"maxSessionSeconds": 60}}
    }
    options = grant_of(
        roles=[calm, short, elsewhere], users=[user("a", roles=["calm", "elsewhere"]), user("b", roles=["short"])]
    ).options
    assert (options.idle_timeout_seconds, options.max_session_seconds, options.max_connections) == (60, 600, None)
    assert options.allow_tracing is True
    no = role("no") | {"spec": {"allow": [rule()], "options": {"allowTracing": False}}}
    assert grant_of(roles=[calm, no], users=[user(roles=["calm", "no"])]).options.allow_tracing is False


def test_options_that_cannot_be_read_withhold_the_role() -> None:
    broken = role() | {"spec": {"allow": [rule()], "options": {"maxSessionSeconds": "long"}}}
    with pytest.raises(GrantError, match="has no grant"):
        grant_of(roles=[broken])


@pytest.mark.parametrize(
    ("spec", "narrower"),
    [
        ({"allow": [rule()]}, False),
        ({"allow": [rule(), rule(tables=["more"])]}, False),
        ({"allow": [rule(tables=["more"])]}, True),
        ({"allow": [rule()], "deny": [rule(tables=["x"])]}, True),
        ({"allow": [rule()], "options": {"maxSessionSeconds": 600}}, True),
        ({"allow": [rule(dbUsers=["Reader"], permissions=["Select", "Modify"])]}, True),
    ],
)
def test_on_doubt_another_grant_is_a_narrower_one(spec: dict[str, object], narrower: bool) -> None:
    assert narrows(grant_of(), grant_of(roles=[role() | {"spec": spec}])) is narrower


def test_a_deny_that_went_away_narrows_nothing() -> None:
    before = grant_of(roles=[role(deny=[rule(tables=["x"])])])
    assert not narrows(before, grant_of())
    assert narrows(grant_of(), before)
