"""What the chart takes, the operator takes too: no upgrade leaves settings that it would not start with.

A case that the chart refuses holds as well: what it must refuse test_refusals.py says.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from keyward_api.tenants import PlatformSettings
from keyward_operator import settings

from .conftest import Template, Values
from .objects import one

pytestmark = pytest.mark.timeout(1800)  # the first run on a machine may have to compile helm

BOUNDARY = "arn:aws:iam::111122223333:policy/bound"
DAY = 86400
Taken = Callable[[Values], PlatformSettings | None]
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

FREE = [
    *("a", "a b", "*", "-", "a: b", "a #b", "- a", "{a", "[a", "&a", "!a", "|", "%a", "@a", "`a", "'a", '"a', "a\n- b"),
    *("{{ a }}", "\\", "\t", "ä", "😀", "\u2028", "<&>"),
    # What YAML takes for something else where it is not quoted.
    *("=", "<<", "~", "null", "on", "no", "1_000", "12:30", "0x1f", ".inf", "2020-01-01", "111122223333"),
]
BOUNDED = ["a b", "a" * 600]
MODES: list[Values] = [
    {"mode": "Manage"},
    {"mode": "Manage", "permissionsBoundary": None},
    {"mode": "Manage", "permissionsBoundary": ""},
    {"mode": "Manage", "permissionsBoundary": "bound"},
    {"mode": "Manage", "permissionsBoundary": BOUNDARY},
    {"mode": "Verify"},
    {"mode": "manage", "permissionsBoundary": BOUNDARY},
    {"path": "keyward"},
    {"path": "/" + 255 * "a" + "/"},
    {"managedPolicies": None},
    {},
]
TIMES: list[Values] = [
    {"lifetimeSeconds": 600},
    {"lifetimeSeconds": 120 * DAY},
    {"lifetimeSeconds": 120 * DAY + 1},
    {"renewBeforeSeconds": 30 * DAY},
    {"renewBeforeSeconds": 365 * DAY},
    {"overlapSeconds": 120 * DAY},
    {"overlapSeconds": 120 * DAY - 1},
    {"lifetimeSeconds": None},
    {"lifetimeSeconds": 600, "renewBeforeSeconds": None, "overlapSeconds": None},
    {"lifetimeSeconds": 600, "renewBeforeSeconds": 120, "overlapSeconds": 60},
    {"lifetimeSeconds": 600.0, "renewBeforeSeconds": 60, "overlapSeconds": 0},
    {"lifetimeSeconds": 599, "renewBeforeSeconds": 60, "overlapSeconds": 0},
    {"lifetimeSeconds": 600.5, "renewBeforeSeconds": 60, "overlapSeconds": 0},
    {"lifetimeSeconds": 3650 * DAY + 1},
    {"issuerRef": {}},
    {"issuerRef": {"name": ""}},
    {"issuerRef": {"name": "a", "kind": None}},
]
REST: list[Values] = [
    *({"agents": {"networkPolicy": changed}} for changed in ({"enabled": None}, {"egressPorts": [443] * 33})),
    {"agents": {"networkPolicy": {"monitoringNamespaces": {"matchLabels": {"a": "b"}}}}},
    {"agents": {"image": {"repository": "a" * 255, "tag": "b" * 128}}},
    {"agents": {"image": {"repository": "a" * 400, "tag": "b" * 128}}},
    {"agents": {"caBundle": f"# Roots\r\n{PEM}\n{PEM}"}},
    {"agents": {"env": [{"name": "A", "value": "a" * 4097}]}},
    {"agents": {"env": [{"name": "A", "value": "a\x7fb"}]}},
    {"tenants": None},
    {"clusterName": None},
]


def tenants(**entry: Any) -> Values:
    return {"tenants": [{"namespaceSelector": {}, **entry}]}


def places(text: str) -> Iterator[Values]:
    """Values with this text in each place of the settings where a text can be."""
    patterns = ("accounts", "regions", "endpointTypes", "agentRoleARNs", "serviceTypes", "serviceAnnotations")
    for name in (*patterns, "priorityClasses", "keyspaces"):
        yield tenants(**{name: [text]})
    for selector in (
        {"matchExpressions": [{"key": text, "operator": "Exists"}]},
        {"matchExpressions": [{"key": "a", "operator": "In", "values": [text]}]},
        {"matchLabels": {text: "a"}},
        {"matchLabels": {"a": text}},
    ):
        yield tenants(namespaceSelector=selector)
    yield tenants(iam={"mode": "Manage", "permissionsBoundary": text})
    yield tenants(iam={"path": text})
    yield tenants(iam={"managedPolicies": [text]})
    for agents in (
        {"image": {"repository": text}},
        {"image": {"tag": text}},
        {"image": {"digest": text}},
        {"env": [{"name": text, "value": text}]},
        {"imagePullSecrets": [{"name": text}]},
        {"caBundle": text},
    ):
        yield {"agents": agents}
    for issuer in ({"name": text}, {"name": "a", "kind": text}, {"name": "a", "group": text}):
        yield {"certificateAuthorities": {"issuerRef": issuer}}
    yield from ({"clusterDomain": text}, {"clusterName": text})


@pytest.fixture
def taken(template: Template, tmp_path: Path) -> Taken:
    """The settings as the operator reads them; None where the chart refuses the values."""

    def read(values: Values) -> PlatformSettings | None:
        result = template(values)
        if result.returncode != 0:
            return None
        rendered = [document for document in yaml.safe_load_all(result.stdout) if document]
        file = tmp_path / "settings.yaml"
        file.write_text(one(rendered, "ConfigMap", "keyward-operator", "keyward-system")["data"]["settings.yaml"])
        return settings.read(file)

    return read


@pytest.mark.parametrize("text", BOUNDED)
def test_a_text_that_the_chart_takes_the_operator_takes(taken: Taken, text: str) -> None:
    assert any([taken(values) is None for values in places(text)])


@pytest.mark.parametrize("iam", MODES, ids=str)
def test_a_mode_that_the_chart_takes_the_operator_takes(taken: Taken, iam: Values) -> None:
    taken(tenants(iam=iam))


@pytest.mark.parametrize("times", TIMES, ids=str)
def test_times_that_the_chart_takes_the_operator_takes(taken: Taken, times: Values) -> None:
    taken({"certificateAuthorities": times})


@pytest.mark.parametrize("values", REST, ids=lambda values: str(values)[:60])
def test_whatever_else_the_chart_takes_the_operator_takes(taken: Taken, values: Values) -> None:
    taken(values)


def test_what_is_valid_is_taken(taken: Taken) -> None:
    for values in (
        {},
        tenants(iam={"mode": "Manage", "permissionsBoundary": BOUNDARY}),
        {"certificateAuthorities": {"lifetimeSeconds": 600, "renewBeforeSeconds": 120, "overlapSeconds": 60}},
        {"agents": {"caBundle": f"# Roots\r\n{PEM}\n{PEM}"}},
        {"agents": {"image": {"repository": "localhost:5000/a/b.c-d", "tag": "1.2_3-rc.1"}}},
        {"agents": {"image": {"repository": "[::1]:5000/a"}}},
        tenants(namespaceSelector={"matchExpressions": [{"key": "a.example/b", "operator": "NotIn", "values": [""]}]}),
    ):
        assert taken(values), values


def test_free_texts_arrive_as_they_are(taken: Taken) -> None:
    entry = {"agentRoleARNs": FREE, "serviceAnnotations": FREE, "priorityClasses": FREE}
    env = [{"name": f"V{number}", "value": text} for number, text in enumerate(FREE)]
    read = taken(tenants(**entry) | {"agents": {"env": env}})
    assert read is not None
    (tenant,) = read.tenants
    assert [*tenant.agent_role_arns] == [*tenant.service_annotations] == [*tenant.priority_classes] == FREE
    assert [variable.value for variable in read.agents.env] == FREE
