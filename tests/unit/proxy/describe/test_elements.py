"""What is found, in which order, and what is said of what is not."""

from __future__ import annotations

import pytest

from keyward_proxy.cql.description import Description, Subject
from keyward_proxy.describe.elements import Elements
from keyward_proxy.describe.inquiry import DescriptionError
from keyward_proxy.describe.schema import Schema
from tests.unit.proxy.describe.schemas import SHOP, pages, table
from tests.unit.proxy.session.script import APP, policy, rule

SHOPKEEPER = rule("keeper/allow/0", "shop", "*", "Select")


def found(
    subject: Subject, keyspace: str | None = None, name: str | None = None, *, qualified: bool = False
) -> list[str]:
    """`type keyspace.name` of each element, with its statement's first words checked."""
    description = Description(subject=subject, keyspace=keyspace, name=name, qualified=qualified)
    parts = (*SHOP, table("shop", "shop"))
    elements = list(Elements(description, Schema(pages(parts), policy(SHOPKEEPER).grant_for(APP, ""))).found())
    for element in elements:
        if element.statement:
            assert element.statement.startswith(f"CREATE {element.type.upper().replace('_', ' ')} ")
            assert element.statement.endswith(";")
    return [f"{element.type} {element.keyspace}.{element.name}" for element in elements]


ORDERS = ["table shop.orders", "index shop.orders_by_v"]
WHOLE_SHOP = [
    "keyspace shop.shop",
    "type shop.sender",
    "type shop.parcel",
    "function shop.plus(int,int)",
    "aggregate shop.total(int)",
    'table shop."Items"',
    *ORDERS,
    "materialized_view shop.orders_view",
    "table shop.shop",
]


def test_a_keyspace_holds_everything_in_cassandras_order() -> None:
    assert found(Subject.KEYSPACE, "shop") == WHOLE_SHOP
    assert found(Subject.ONLY_KEYSPACE, "shop") == WHOLE_SHOP[:1]
    assert found(Subject.SCHEMA) == WHOLE_SHOP
    assert found(Subject.FULL_SCHEMA) == [
        *WHOLE_SHOP,
        "keyspace system_schema.system_schema",
        "table system_schema.tables",
    ]


def test_lists_are_of_one_keyspace_or_of_all() -> None:
    assert found(Subject.KEYSPACES) == ["keyspace shop.shop", "keyspace system_schema.system_schema"]
    tables = ['table shop."Items"', "table shop.orders", "table shop.shop"]
    assert found(Subject.TABLES, "shop") == tables
    assert found(Subject.TABLES) == [*tables, "table system_schema.tables"]
    assert found(Subject.TYPES) == ["type shop.parcel", "type shop.sender"]
    assert found(Subject.FUNCTIONS) == ["function shop.plus(int,int)"]
    assert found(Subject.AGGREGATES) == ["aggregate shop.total(int)"]


def test_one_thing_is_found_by_its_kind_and_name() -> None:
    assert found(Subject.TABLE, "shop", "orders") == ORDERS
    assert found(Subject.TABLE, "shop", "orders_view") == ["materialized_view shop.orders_view"]
    assert found(Subject.INDEX, "shop", "orders_by_v") == ORDERS[1:]
    assert found(Subject.VIEW, "shop", "orders_view") == ["materialized_view shop.orders_view"]
    assert found(Subject.TYPE, "shop", "parcel") == ["type shop.parcel"]
    assert found(Subject.FUNCTION, "shop", "plus") == ["function shop.plus(int,int)"]
    assert found(Subject.AGGREGATE, "shop", "total") == ["aggregate shop.total(int)"]


def test_a_bare_name_is_a_keyspace_first_then_a_table_an_index_a_view() -> None:
    assert found(Subject.ANYTHING, "shop", "shop") == WHOLE_SHOP
    assert found(Subject.ANYTHING, None, "shop") == WHOLE_SHOP
    assert found(Subject.ANYTHING, "shop", "shop", qualified=True) == ["table shop.shop"]
    assert found(Subject.ANYTHING, "shop", "orders") == ORDERS
    assert found(Subject.ANYTHING, "shop", "orders_by_v") == ORDERS[1:]
    assert found(Subject.ANYTHING, "shop", "orders_view") == ["materialized_view shop.orders_view"]


@pytest.mark.parametrize("keyspace", ["bank", "nowhere"])
def test_what_is_out_of_sight_and_what_is_not_there_are_the_same(keyspace: str) -> None:
    asked = [(subject, keyspace, "accounts", False) for subject in Subject if subject in _IN_A_KEYSPACE]
    asked += [(Subject.ANYTHING, "shop", keyspace, False), (Subject.ANYTHING, None, keyspace, False)]
    asked += [(Subject.ANYTHING, keyspace, "accounts", True)]
    for subject, place, name, qualified in asked:
        with pytest.raises(DescriptionError) as refused:
            found(subject, place, name, qualified=qualified)
        assert refused.value.code == 0x2200
        says = "'{}' not found in keyspace 'shop'" if place == "shop" else "'{}' not found in keyspaces"
        assert str(refused.value) == says.format(keyspace)


_IN_A_KEYSPACE = {
    Subject.KEYSPACE,
    Subject.ONLY_KEYSPACE,
    Subject.TABLES,
    Subject.TYPES,
    Subject.TABLE,
    Subject.INDEX,
    Subject.VIEW,
    Subject.TYPE,
    Subject.FUNCTION,
    Subject.AGGREGATE,
}


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        (Subject.TABLE, "Table 'x' not found in keyspace 'shop'"),
        (Subject.INDEX, "Table for existing index 'x' not found in 'shop'"),
        (Subject.VIEW, "Materialized view 'x' not found in 'shop'"),
        (Subject.TYPE, "User defined type 'x' not found in 'shop'"),
        (Subject.FUNCTION, "User defined function 'x' not found in 'shop'"),
        (Subject.AGGREGATE, "User defined aggregate 'x' not found in 'shop'"),
        (Subject.ANYTHING, "'x' not found in keyspace 'shop'"),
    ],
)
def test_what_a_keyspace_lacks_is_told_in_cassandras_words(subject: Subject, says: str) -> None:
    with pytest.raises(DescriptionError) as refused:
        found(subject, "shop", "x")
    assert (str(refused.value), refused.value.code) == (says, 0x2200)


@pytest.mark.parametrize("subject", [Subject.KEYSPACE, Subject.ONLY_KEYSPACE, Subject.TABLE, Subject.TYPE])
def test_a_keyspace_must_be_named_or_in_use(subject: Subject) -> None:
    with pytest.raises(DescriptionError, match="No keyspace specified and no current keyspace"):
        found(subject, None, "x")
