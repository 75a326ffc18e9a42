import re

import pytest

from keyward_api import names


def test_children_of_different_databases_never_share_a_name() -> None:
    pairs = [("a-b", "c"), ("a", "b-c"), ("a", "b"), ("ab", "c")]
    assert len({names.child_name(namespace=ns, name=n) for ns, n in pairs}) == len(pairs)
    assert len({names.dotted_child_name(namespace=ns, name=n) for ns, n in pairs}) == len(pairs)


@pytest.mark.parametrize("limit", [30, 63])
def test_a_child_name_is_a_dns_label_however_long_its_owner(limit: int) -> None:
    name = names.child_name(namespace="n" * 63, name="d" * 40, limit=limit)
    assert len(name) <= limit
    assert name.replace("-", "").isalnum()
    assert "--" not in names.child_name(namespace="a-", name="b", limit=13)


def test_the_headless_service_has_a_name_of_its_own_however_long_its_owner() -> None:
    longest = {"namespace": "n" * 63, "name": "d" * 40}
    name = names.replicas_service_name(**longest)
    assert len(name) <= 63
    assert name != names.child_name(**longest)
    assert name != names.replicas_service_name(namespace="n" * 63, name="e" * 40)


def test_a_child_name_begins_with_a_letter_as_a_service_must() -> None:
    assert names.child_name(namespace="1team", name="2nd")[0].isalpha()


def test_a_token_for_one_database_has_an_audience_of_its_own() -> None:
    assert names.token_audience(namespace="payments", database="orders") == "keyward.dev/payments/orders"


def test_the_external_id_names_cluster_namespace_and_database() -> None:
    assert names.external_id(cluster_uid="u", namespace="payments", database="orders") == "u/payments/orders"


def test_clients_connect_to_a_service_in_their_own_namespace() -> None:
    assert names.client_address(namespace="payments", database="orders") == "keyward-orders.payments.svc:9142"


def test_the_agents_role_of_each_database_of_each_cluster_has_a_name_of_its_own() -> None:
    places = [("c1", "a", "b-c"), ("c1", "a-b", "c"), ("c2", "a", "b-c"), ("c1", "n" * 63, "d" * 40)]
    found = [names.agent_role_name(cluster=c, namespace=n, database=d) for c, n, d in places]
    assert len(set(found)) == len(places)
    assert all(re.fullmatch(r"[a-z0-9-]{1,64}", name) for name in found)
    assert found[0].startswith("keyward-agent-a-b-c-")


def test_roles_of_a_namespace_are_below_the_path_of_their_cluster() -> None:
    assert names.iam_path(path="/keyward/", cluster="blue", namespace="payments") == "/keyward/blue/payments/"
