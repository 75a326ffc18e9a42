import time

import pytest

from keyward_api.affordability import HOLDER_BYTES, RULE_BYTES, Cost, affordable, cost
from keyward_api.canonical import canonical_json
from keyward_api.names import Reason
from keyward_api.permissions import Permission
from keyward_api.resources.policy import PolicyRule
from tests.unit.api.builders import compiled, role, rule, service_account, user


def costs(**allows: int) -> dict[str, Cost]:
    return {name: Cost(allows=bytes_, denies=0) for name, bytes_ in allows.items()}


def test_what_may_fit_is_all_compiled() -> None:
    assert affordable(costs(a=4, b=6), limit=10) == {"a", "b"}
    assert affordable({}, limit=10) == frozenset()


def test_the_most_expensive_are_left_out_first_and_no_order_matters() -> None:
    assert affordable(costs(a=9, b=1, c=2), limit=10) == {"b", "c"}
    assert affordable(costs(c=2, b=1, a=9), limit=10) == {"b", "c"}
    assert affordable(costs(b=6, a=6), limit=10) == {"a"}


def test_denies_count_for_all_and_are_never_left_out() -> None:
    found = {"a": Cost(allows=1, denies=8), "b": Cost(allows=3, denies=1)}
    assert affordable(found, limit=10) == {"a"}
    assert affordable(found, limit=8) is None


@pytest.mark.parametrize("permission", list(Permission))
def test_no_rule_and_no_holder_takes_less_than_is_counted(permission: Permission) -> None:
    smallest = PolicyRule(source="r/deny/0", keyspaces=("k",), tables=("t",), permissions=(permission,))
    assert len(canonical_json(smallest.to_json_dict())) >= RULE_BYTES
    compilation = compiled()
    (holder,) = compilation.spec.identities
    assert len(f'"{holder.grants[0]}",') == HOLDER_BYTES
    counted = cost(allows=[1], denies=[], subjects=1)
    assert counted.allows < len(canonical_json(compilation.spec.to_json_dict()))


def test_a_namespace_that_asks_for_a_thousand_times_too_much_is_compiled_in_little_time() -> None:
    """Rules times IAM roles times users: some megabytes of objects would make gigabytes of policy."""
    wide = rule(dbUsers=[f"Role{i}" for i in range(32)], keyspaces=[f"k{i}" for i in range(64)])
    roles = [role(f"r{i}", allow=[wide] * 64) for i in range(16)]
    users = [
        user(f"u{i}", subjects=[service_account(f"{i}")], roles=[r["metadata"]["name"] for r in roles])
        for i in range(500)
    ]
    begin = time.process_time()
    result = compiled(roles=roles, users=[*users, user("modest", roles=["small"])])
    took = time.process_time() - begin
    assert {problem.reason for problem in result.problems} == {Reason.POLICY_TOO_LARGE, Reason.ROLE_NOT_FOUND}
    assert took < 5, "the users alone would take minutes"


def test_a_modest_user_keeps_its_grant_beside_those_that_cannot_fit() -> None:
    wide = rule(dbUsers=[f"Role{i}" for i in range(32)])
    greedy = [role(f"r{i}", allow=[wide] * 64) for i in range(16)]
    names = [document["metadata"]["name"] for document in greedy]
    result = compiled(roles=[role(), *greedy], users=[user("modest"), user("greedy", roles=names)])
    assert {grant.user for grant in result.spec.grants} == {"modest"}
    (problem,) = result.problems
    assert (problem.reason, problem.users) == (Reason.POLICY_TOO_LARGE, ("greedy",))


def test_a_user_whose_allows_cannot_fit_keeps_its_denies() -> None:
    """Another user may give the same identity what this one denies."""
    wide = rule(dbUsers=[f"Role{i}" for i in range(32)])
    greedy = [role(f"r{i}", allow=[wide] * 64) for i in range(16)]
    names = [document["metadata"]["name"] for document in greedy]
    strict = role("strict", deny=[rule(tables=["secret"])], allow=[])
    result = compiled(roles=[role(), strict, *greedy], users=[user("modest"), user("greedy", roles=[*names, "strict"])])
    (kept,) = (grant for grant in result.spec.grants if grant.user == "greedy")
    assert (kept.allow, [each.tables for each in kept.deny]) == ((), [("secret",)])


def test_denies_of_everything_are_counted_before_they_are_written_out() -> None:
    """`*` in a deny stands for each IAM role that any role names: thousands of them, in each of thousands of rules."""
    namers = [
        role(f"n{i}", allow=[rule(dbUsers=[f"Role{i}-{j}-{k}" for k in range(32)]) for j in range(64)])
        for i in range(8)
    ]
    deniers = [role(f"d{i}", allow=[], deny=[rule(dbUsers=["*"])] * 64) for i in range(16)]
    names = [document["metadata"]["name"] for document in deniers]
    begin = time.process_time()
    result = compiled(roles=[*namers, *deniers, role()], users=[user("greedy", roles=names), user("modest")])
    took = time.process_time() - begin
    assert result.spec.grants == (), "none may lose a deny"
    assert {problem.users for problem in result.problems} == {("greedy",), ("modest",)}
    assert took < 5, "a million rules would take longer"
