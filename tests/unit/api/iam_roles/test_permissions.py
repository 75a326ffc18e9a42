import json
from typing import Any

from keyward_api.iam_roles.permissions import Place, permission_policy, rules_of
from keyward_api.resources.iam_role import IAMPermission

HERE = Place(partition="aws", region="eu-central-1", account_id="111122223333")
THERE = Place(partition="aws-cn", region="cn-north-1", account_id="111122223333")
PREFIX = "arn:aws:cassandra:eu-central-1:111122223333:/keyspace/"
CHINA = "arn:aws-cn:cassandra:cn-north-1:111122223333:/keyspace/"


def policy(*permissions: dict[str, Any], places: tuple[Place, ...] = (HERE,)) -> list[dict[str, Any]]:
    rules = rules_of([IAMPermission.model_validate(permission) for permission in permissions])
    found: list[dict[str, Any]] = json.loads(permission_policy(rules, places))["Statement"]
    return found


def permission(keyspaces: str = "orders", tables: str = "*", *names: str) -> dict[str, Any]:
    return {"keyspaces": [keyspaces], "tables": [tables], "permissions": list(names) or ["Select"]}


def test_a_role_without_permissions_reads_what_every_driver_reads() -> None:
    assert policy() == [{"Effect": "Allow", "Action": "cassandra:Select", "Resource": f"{PREFIX}system*"}]


def test_permissions_become_actions_on_the_tables_alone() -> None:
    assert policy(permission("orders", "items"))[1:] == [
        {
            "Effect": "Allow",
            "Action": ["cassandra:Select", "cassandra:SelectMultiRegionResource"],
            "Resource": f"{PREFIX}orders/table/items",
        }
    ]


def test_every_region_gets_its_resources() -> None:
    read, select = policy(permission(), places=(THERE, HERE, HERE))
    assert read["Resource"] == [f"{PREFIX}system*", f"{CHINA}system*"]
    assert sorted(select["Resource"]) == [f"{CHINA}orders/table/*", f"{PREFIX}orders/table/*"]


def test_the_partitioner_is_set_only_where_it_is_named() -> None:
    named = policy(permission("system", "local", "UpdatePartitioner"))
    assert named[1] == {
        "Effect": "Allow",
        "Action": "cassandra:UpdatePartitioner",
        "Resource": f"{PREFIX}system/table/local",
    }
    everything = json.dumps(policy(permission("*", "*", "*")))
    assert "UpdatePartitioner" not in everything
    assert "cassandra:Drop" in everything


def test_the_text_depends_on_the_meaning_alone() -> None:
    one = [permission("a"), permission("b")]
    assert policy(*one) == policy(*reversed(one))
