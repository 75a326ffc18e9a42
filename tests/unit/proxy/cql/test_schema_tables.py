"""CREATE, ALTER, DROP and RESTORE TABLE."""

from __future__ import annotations

import pytest

from tests.unit.proxy.cql.readings import needs, refusal, says

CREATES = [
    "CREATE TABLE ks.t (a int PRIMARY KEY)",
    "create columnfamily if not exists KS.t (a int, b text static, c frozen<list<int>>, PRIMARY KEY (a, c),);",
    'CREATE TABLE "ks"."t" (a int, "B" ks.type, PRIMARY KEY ((a, "B")))',
    "CREATE TABLE ks.t (a int, b int, c int, PRIMARY KEY ((a, b), c)) WITH CLUSTERING ORDER BY (c DESC, b ASC)",
    "CREATE TABLE ks.t (a int PRIMARY KEY) WITH COMPACT STORAGE AND ID = 5a1c395e-b41f-11e5-9f22-ba0be0483c18",
    "CREATE TABLE ks.t (a int PRIMARY KEY) WITH compact = 1 AND clustering = 'x'",
    "CREATE TABLE ks.t (a int PRIMARY KEY) WITH comment = 'FROM x.y' AND gc_grace_seconds = 1.5 AND caching = all",
    "CREATE TABLE ks.t (a text FROZEN STATIC, b map<text, frozen<tuple<int, 'x.Y'>>> FROZEN, PRIMARY KEY (a))",
    "CREATE TABLE ks.t (ttl int, key text, primary_key int, list list<int>, PRIMARY KEY (ttl))",
    """CREATE TABLE ks.t (a int PRIMARY KEY) WITH CUSTOM_PROPERTIES = {
        'capacity_mode': {'throughput_mode': 'PROVISIONED', 'read_capacity_units': 10, 'write_capacity_units': 20},
        'point_in_time_recovery': {'status': 'enabled'}, 'ttl': {'status': 'enabled'},
        'encryption_specification': {'encryption_type': 'AWS_OWNED_KMS_KEY'}
    } AND AUTOSCALING_SETTINGS = {'provisioned_write_capacity_autoscaling_update': {
        'maximum_units': 10, 'minimum_units': 5,
        'scaling_policy': {'target_tracking_scaling_policy_configuration': {'target_value': 50}}
    }, 'replica_updates': {'us-east-1': {}}} AND DEFAULT_TIME_TO_LIVE = 86400 AND TAGS = {'a': 'b'} AND CDC = TRUE""",
]


@pytest.mark.parametrize("text", CREATES)
def test_creating_a_table_names_the_table(text: str) -> None:
    assert says(text) == ("CREATE TABLE", ["Create on ks.t"])


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE ks.t ADD a int",
        "ALTER COLUMNFAMILY ks.t ADD a frozen<ks.y> STATIC",
        "ALTER TABLE ks.t ADD (a int, b text STATIC)",
        "ALTER TABLE IF EXISTS ks.t ADD IF NOT EXISTS a int",
        "ALTER TABLE ks.t ADD tags text",
        "ALTER TABLE ks.t ADD TAGS {'a': 'b'}",
        "ALTER TABLE ks.t DROP TAGS {'a': 'b'}",
        "ALTER TABLE ks.t DROP tags",
        "ALTER TABLE ks.t DROP a USING TIMESTAMP 5",
        "ALTER TABLE ks.t DROP (a, b)",
        "ALTER TABLE ks.t DROP IF EXISTS a",
        "ALTER TABLE ks.t DROP COMPACT STORAGE",
        "ALTER TABLE ks.t DROP compact",
        "ALTER TABLE ks.t ALTER a TYPE text",
        "ALTER TABLE ks.t RENAME a TO b AND c TO d",
        "ALTER TABLE ks.t WITH comment = 'x' AND compression = {'class': 'y'}",
        "ALTER TABLE ks.t WITH CUSTOM_PROPERTIES = {'capacity_mode': {'throughput_mode': 'PAY_PER_REQUEST'}}",
        "ALTER TABLE ks.t WITH CDC = FALSE;",
    ],
)
def test_altering_a_table_names_the_table(text: str) -> None:
    assert says(text) == ("ALTER TABLE", ["Alter on ks.t"])


@pytest.mark.parametrize("text", ["DROP TABLE ks.t", "drop columnfamily if exists KS.T;", 'DROP TABLE ks."t"'])
def test_dropping_a_table_names_the_table(text: str) -> None:
    assert says(text) == ("DROP TABLE", ["Drop on ks.t"])


@pytest.mark.parametrize(
    "tail",
    [
        "",
        ";",
        " WITH restore_timestamp = '2020-06-30T04:05:00+0000'",
        " WITH custom_properties = {'point_in_time_recovery': {'status': 'disabled'}} AND TAGS = {'a': 'b'}",
    ],
)
def test_restoring_a_table_also_reads_what_it_is_made_from(tail: str) -> None:
    text = f'RESTORE TABLE ks.new FROM TABLE "Old".t{tail}'
    assert says(text) == ("RESTORE TABLE", ["Restore on ks.new", "Select on Old.t"])


@pytest.mark.parametrize(
    ("text", "access"),
    [
        ("CREATE TABLE t (a int PRIMARY KEY)", ["Create on used.t"]),
        ("ALTER TABLE t ADD a int", ["Alter on used.t"]),
        ("DROP TABLE t", ["Drop on used.t"]),
        ("RESTORE TABLE t FROM TABLE ks.s", ["Restore on used.t", "Select on ks.s"]),
        ("RESTORE TABLE ks.t FROM TABLE s", ["Restore on ks.t", "Select on used.s"]),
    ],
)
def test_an_unqualified_table_is_in_the_keyspace_in_use(text: str, access: list[str]) -> None:
    assert needs(text) == access
    assert "no keyspace is in use" in refusal(text, None).message


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CREATE TABLE ks.t", "'('"),
        ("CREATE TABLE ks.t ()", "the name of a column"),
        ("CREATE TABLE ks.t (a)", "a type"),
        ("CREATE TABLE ks.t (a int MASKED WITH DEFAULT)", "'MASKED'"),
        ("CREATE TABLE ks.t (a int PRIMARY)", "'KEY'"),
        ("CREATE TABLE ks.t (a int, PRIMARY KEY a)", "'('"),
        ("CREATE TABLE ks.t (a int, PRIMARY KEY ())", "the name of a column"),
        ("CREATE TABLE ks.t (a int, PRIMARY KEY (a b))", "found 'b'"),
        ("CREATE TABLE ks.t (a int) AS SELECT * FROM x.y", "not part of the statement"),
        ("CREATE TABLE ks.t (a int) WITH CLUSTERING ORDER BY (a)", "ASC or DESC"),
        ("CREATE TABLE ks.t (a int) WITH CLUSTERING ORDER (a ASC)", "'BY'"),
        ("CREATE TABLE ks.t (a int) WITH", "the name of a property"),
        ("CREATE TABLE ks.t (a int) WITH x = 'y' 'z'", "not part of the statement"),
        ("CREATE TABLE ks.t (a " + "list<" * 5000, "nested more than 32 deep"),
        ("CREATE TABLE ks.t LIKE ks.s", "'('"),
        ("ALTER TABLE ks.t", "'WITH'"),
        ("ALTER TABLE ks.t ADD a", "a type"),
        ("ALTER TABLE ks.t ADD (a int", "')'"),
        ("ALTER TABLE ks.t ALTER a DROP MASKED", "'TYPE'"),
        ("ALTER TABLE ks.t DROP a USING TTL 1", "'TIMESTAMP'"),
        ("ALTER TABLE ks.t DROP a USING TIMESTAMP ?", "a number"),
        ("ALTER TABLE ks.t RENAME a b", "'TO'"),
        ("DROP TABLE a.b, c.d", "not part of the statement"),
        ("DROP TABLE IF NOT EXISTS a.b", "'EXISTS'"),
        ("RESTORE TABLE a.b", "'FROM'"),
        ("RESTORE TABLE a.b FROM c.d", "'TABLE'"),
    ],
)
def test_what_is_not_wholly_understood_is_refused(text: str, found: str) -> None:
    assert found in refusal(text).message
