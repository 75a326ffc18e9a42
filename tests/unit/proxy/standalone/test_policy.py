"""From a folder to a policy: the operator's compiler, and no condition that nobody reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyward_api.decision import PolicyView
from keyward_api.identities import person
from keyward_proxy.standalone.policy import PolicySettings, derived_uid, load_policy
from keyward_proxy.standalone.problem import ManifestsError
from tests.unit.proxy.standalone.folder import AGENT_ROLE, DATABASE, IAM_ROLE, LOCK, ROLE, USER, write


def refusal(directory: Path, **settings: str) -> str:
    with pytest.raises(ManifestsError) as refused:
        load_policy(PolicySettings(directory=directory, **settings))
    return str(refused.value)


def test_people_and_groups_get_what_the_files_say(tmp_path: Path) -> None:
    policy = load_policy(PolicySettings(directory=write(tmp_path), advertise_address="10.0.0.7"))
    view = PolicyView.of(policy.spec)
    assert view.grant_for(person("alice"), "").db_user == "KeyspacesReader"
    assert view.grant_for(person("bob", groups=frozenset({"dba"})), "").db_user == "KeyspacesReader"
    assert view.grants_of(person("bob")) == {}
    database = policy.spec.database
    assert (database.audience, database.service_address) == ("keyward.dev/payments/orders", "10.0.0.7")
    assert database.endpoint.address == "cassandra.eu-central-1.amazonaws.com"
    assert policy.ignored == ()


def test_the_same_files_give_the_same_policy_everywhere(tmp_path: Path) -> None:
    here, there = write(tmp_path / "a"), write(tmp_path / "b", all=f"{USER}---\n{ROLE}---\n{DATABASE}")
    first, second = (load_policy(PolicySettings(directory=directory)).spec for directory in (here, there))
    assert first == second


def test_the_external_id_is_given_or_follows_from_the_agent_s_role(tmp_path: Path) -> None:
    write(tmp_path)
    derived = load_policy(PolicySettings(directory=tmp_path)).spec.database
    assert derived.external_id == f"{derived_uid(AGENT_ROLE)}/payments/orders"
    assert derived_uid(AGENT_ROLE) == "b960e76b-ebd2-54b8-bc9e-dd328e533480"
    given = load_policy(PolicySettings(directory=tmp_path, cluster_uid="data-platform")).spec.database
    assert given.external_id == "data-platform/payments/orders"


def test_of_several_databases_one_must_be_named(tmp_path: Path) -> None:
    write(tmp_path, one=DATABASE, two=DATABASE.replace("name: orders", "name: invoices"), role=ROLE, user=USER)
    assert "payments/invoices, payments/orders: say which by --database" in refusal(tmp_path)
    assert "there is no KeyspacesDatabase payments/x; there is" in refusal(tmp_path, database="payments/x")
    spec = load_policy(PolicySettings(directory=tmp_path, database="payments/invoices")).spec
    assert (spec.database.name, spec.grants) == ("invoices", ())
    assert "there is none" in refusal(write(tmp_path / "empty", role=ROLE))


def test_other_namespaces_have_no_effect_and_are_named(tmp_path: Path) -> None:
    write(tmp_path, database=DATABASE, role=ROLE.replace("namespace: payments", "namespace: other"), user=USER)
    assert "names KeyspacesRole reader, which does not exist" in refusal(tmp_path)
    write(tmp_path, user=USER.replace("namespace: payments", "namespace: other"))
    policy = load_policy(PolicySettings(directory=tmp_path))
    assert policy.spec.grants == ()
    assert policy.ignored == ("KeyspacesRole other/reader", "KeyspacesUser other/people")


def test_locks_count_and_those_of_other_namespaces_do_not(tmp_path: Path) -> None:
    write(tmp_path, all=f"{DATABASE}---\n{ROLE}---\n{USER}", lock=LOCK)
    policy = load_policy(PolicySettings(directory=tmp_path))
    assert [(lock.name, lock.message) for lock in policy.spec.locks] == [("incident", "call 112")]
    write(tmp_path, lock=LOCK.replace("namespace: payments", "namespace: other"))
    policy = load_policy(PolicySettings(directory=tmp_path))
    assert (policy.spec.locks, policy.ignored) == ((), ("KeyspacesLock other/incident",))


def test_a_star_is_every_iam_role_of_the_folder_and_of_the_namespace(tmp_path: Path) -> None:
    role = ROLE.replace("[KeyspacesReader]", "['*']")
    write(tmp_path, database=DATABASE, user=USER, role=role, iam=IAM_ROLE)
    policy = load_policy(PolicySettings(directory=tmp_path))
    assert [grant.db_user for grant in policy.spec.grants] == ["KeyspacesReader"]
    write(tmp_path, iam=IAM_ROLE.replace("namespace: payments", "namespace: other"))
    assert "this namespace has no KeyspacesIAMRole of account 111122223333" in refusal(tmp_path)


def test_what_the_operator_would_leave_out_is_refused(tmp_path: Path) -> None:
    arn = "arn:aws:iam::999999999999:role/KeyspacesReader"
    write(tmp_path, database=DATABASE, user=USER, role=ROLE.replace("[KeyspacesReader]", f"['{arn}']"))
    assert "is not of account 111122223333" in refusal(tmp_path)
