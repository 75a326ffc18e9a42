"""What of a schema is in sight."""

from __future__ import annotations

from typing import Any

import pytest

from keyward_proxy.describe.inquiry import SchemaPage
from keyward_proxy.describe.schema import Schema
from keyward_proxy.wire.errors import ProtocolViolation
from tests.unit.proxy.describe.schemas import SHOP, pages, rows_body
from tests.unit.proxy.session.script import APP, policy, rule

SHOPKEEPER = rule("keeper/allow/0", "shop", "*", "Select")
CLERK = rule("clerk/allow/0", "shop", "Items", "Modify")


def schema(*allow: dict[str, Any], deny: tuple[dict[str, Any], ...] = ()) -> Schema:
    return Schema(pages(SHOP), policy(*allow, deny=deny).grant_for(APP, ""))


def test_names_are_in_order_whatever_their_case() -> None:
    seen = schema(SHOPKEEPER)
    assert seen.keyspaces() == ["shop", "system_schema"]
    assert seen.names("tables", "shop") == ["Items", "orders"]
    assert seen.names("types", "shop") == ["parcel", "sender"]
    assert seen.views_of("shop", "orders") == ["orders_view"]
    assert seen.views_of("shop", "Items") == []
    assert seen.indexed_table("shop", "orders_by_v") == "orders"


def test_another_keyspace_is_not_there() -> None:
    seen = schema(SHOPKEEPER)
    assert not seen.has_keyspace("bank")
    assert seen.names("tables", "bank") == seen.names("types", "bank") == []
    assert seen.rows("columns", "bank", "accounts") == []


def test_another_table_is_not_there_nor_what_hangs_on_it() -> None:
    seen = schema(CLERK)
    assert seen.names("tables", "shop") == ["Items"]
    assert seen.rows("columns", "shop", "orders") == []
    assert seen.indexed_table("shop", "orders_by_v") is None
    assert seen.names("views", "shop") == []
    assert seen.names("types", "shop") == ["parcel", "sender"]


def test_a_view_is_in_sight_where_it_and_its_table_are() -> None:
    hidden = rule("locked/deny/0", "shop", "orders", "Select")
    assert schema(SHOPKEEPER, deny=(hidden,)).names("views", "shop") == []


def test_rows_of_no_schema_are_refused() -> None:
    page = SchemaPage(table="tables", body=rows_body("tables", [{"keyspace_name": "shop"}]))
    with pytest.raises(ProtocolViolation, match="without table_name"):
        Schema([page], policy(SHOPKEEPER).grant_for(APP, ""))
