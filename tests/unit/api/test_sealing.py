import pytest

from keyward_api import sealing
from keyward_api.canonical import canonical_json
from keyward_api.compiler import Compilation
from keyward_api.names import Reason
from keyward_api.resources.policy import KeyspacesPolicySpec
from tests.unit.api.builders import compiled, role, rule, service_account, user


def group(name: str) -> dict[str, str]:
    return {"kind": "Group", "name": name}


def size(compilation: Compilation) -> int:
    return len(canonical_json(compilation.spec.to_json_dict()).encode())


def withheld(compilation: Compilation) -> int:
    assert {problem.reason for problem in compilation.problems} <= {Reason.POLICY_TOO_LARGE}
    KeyspacesPolicySpec.model_validate(compilation.spec.to_json_dict())  # within every bound of the CRD
    return len(compilation.problems)


def test_what_fits_is_whole() -> None:
    assert withheld(compiled()) == 0


def test_over_the_size_limit_allows_go_and_denies_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    roles = [role(f"r{i}", deny=[rule(tables=["secret"])]) for i in range(8)]
    users = [user(f"u{i}", roles=[f"r{i}"], subjects=[service_account(f"s{i}")]) for i in range(8)]
    whole = compiled(roles=roles, users=users)
    monkeypatch.setattr(sealing, "POLICY_SIZE_LIMIT", size(whole) - 200)
    cut = compiled(roles=roles, users=users)
    assert withheld(cut) == sum(not grant.allow for grant in cut.spec.grants) > 0
    assert [grant.deny for grant in cut.spec.grants] == [grant.deny for grant in whole.spec.grants]
    assert any(grant.allow for grant in cut.spec.grants)


def test_subjects_count_toward_the_size_too() -> None:
    """Were they not counted, etcd would refuse the policy, and a removed user would stay in force."""
    tables = [f"table_{i}" for i in range(18)]
    hogs = [user(f"hog{i}", subjects=[group(f"{i:02}-{j:02}-{'g' * 240}") for j in range(64)]) for i in range(63)]
    result = compiled(roles=[role(allow=[rule(tables=tables)])], users=[*hogs, *(user(f"u{i}") for i in range(960))])
    assert withheld(result) > 0
    assert size(result) <= sealing.POLICY_SIZE_LIMIT
    assert any(grant.allow for grant in result.spec.grants)


def test_more_identities_than_a_policy_holds_cost_the_users_that_name_the_most() -> None:
    hogs = [user(f"hog{i:02}", subjects=[group(f"{i}-{j}") for j in range(64)]) for i in range(65)]
    result = compiled(users=[*hogs, user("modest")])
    assert withheld(result) == 2
    assert "modest" in {grant.user for grant in result.spec.grants}


def test_more_grants_than_an_identity_holds_are_withheld() -> None:
    assert withheld(compiled(users=[user(f"u{i:04}", subjects=[group("all")]) for i in range(1030)])) == 6


def test_where_denies_alone_are_too_much_nobody_gets_in() -> None:
    strict = role(deny=[rule(tables=["secret"])])
    result = compiled(roles=[strict], users=[user(f"u{i:04}", subjects=[group("all")]) for i in range(1030)])
    assert withheld(result) == 1030
    assert (result.spec.grants, result.spec.identities) == ((), ())


def test_the_revision_is_of_the_content() -> None:
    assert compiled().spec.revision == compiled().spec.revision
    assert compiled().spec.revision != compiled(users=[]).spec.revision
