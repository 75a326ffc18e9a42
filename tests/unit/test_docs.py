"""What the documents name is there: links, values, flags, kinds, fields, metrics. Their YAML and JSON is valid."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from keyward_api import iam, names
from keyward_api.crds import KINDS, definition
from keyward_proxy.standalone.schema import USER_KINDS, check
from local.aws.documents import identity_policy, trust_policy
from local.reference import metrics, words

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/keyward"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
FENCE = re.compile(r"^( *)```([\w-]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
FOREIGN = ("monitoring.coreos.com/v1",)
"""Kinds of others, of which no schema is at hand."""


def blocks(page: Path, *languages: str) -> Iterator[str]:
    """The fenced blocks of a page, of these languages or all."""
    for indent, language, text in FENCE.findall(page.read_text()):
        if not languages or language in languages:
            yield re.sub(f"^{indent}", "", text, flags=re.MULTILINE)


def commands(page: Path) -> str:
    """All blocks that people type or read in a terminal."""
    return "\n".join(blocks(page, "sh", "sh-aws", "sh-systemd", "sh-cqlsh", "console"))


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: dict[str, int] = {}
    made = set()
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        count = found[slug] = found.get(slug, -1) + 1
        made.add(f"{slug}-{count}" if count else slug)
    return frozenset(made)


@EVERY_PAGE
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text()))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: there is no {target}"
        assert not anchor or anchor in anchors(target), f"{link}: no such heading"


@EVERY_PAGE
def test_values_of_the_chart_exist(page: Path) -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    named = re.findall(r"--set(?:-string|-json|-file)?[ =]([\w.]+)=", commands(page))
    if page.parent.name != "reference":  # where paths are those of fields and settings
        inline = re.findall(r"`(\w+(?:\.\w+)+)(?:=[^`]*)?`", FENCE.sub("", page.read_text()))
        named += [path for path in inline if path.partition(".")[0] in values and not path.endswith(".py")]
    for path in named:
        found: Any = values
        for key in path.split("."):
            assert key in found, f"the chart has no value {path}"
            found = found[key]


@cache
def flags(module: str, *command: str) -> frozenset[str]:
    told = subprocess.run(
        [sys.executable, "-m", module, *command, "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    return frozenset(re.findall(r"--[a-z][a-z-]+", told.stdout))


@EVERY_PAGE
@pytest.mark.parametrize("program", ["keyward-operator", "keyward-agent"])
def test_flags_of_our_programs_exist(page: Path, program: str) -> None:
    module = {"keyward-operator": "keyward_operator.main", "keyward-agent": "keyward_proxy.main"}[program]
    lines = re.sub(r"\\\n", " ", commands(page))
    for command, rest in re.findall(rf"(?<![\w/-]){program}((?: [a-z][a-z-]*)?)\b([^\n|;&]*)", lines):
        assert set(re.findall(r"(?<!\S)--[a-z][a-z-]+", rest)) <= flags(module, *command.split()), rest


@EVERY_PAGE
def test_targets_of_make_exist(page: Path) -> None:
    known = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"`make ([a-z][a-z0-9-]*)", page.read_text())
    named += re.findall(r"^(?:\$ )?make ([a-z][a-z0-9-]*)", commands(page), re.MULTILINE)
    assert set(named) <= known


@EVERY_PAGE
def test_kinds_and_fields_in_commands_exist(page: Path) -> None:
    crds = [definition(kind)["spec"] for kind in KINDS]
    known = {name for crd in crds for name in (crd["names"]["plural"], crd["names"]["singular"])}
    text = commands(page)
    assert set(re.findall(r"\bkeyspaces[a-z]+\b", text)) <= known
    ours = "\n".join(line for line in text.splitlines() if "keyspaces" in line)
    for path in re.findall(r"jsonpath=[\"'{]+(\.(?:spec|status)[\w.*\[\]]*)", ours):
        schemas = [crd["versions"][0]["schema"]["openAPIV3Schema"] for crd in crds]
        assert any(_has(schema, path.strip(".").split(".")) for schema in schemas), f"no kind has {path}"


def _has(schema: dict[str, Any], path: list[str]) -> bool:
    for part in path:
        if not part:
            continue  # the rest of the path is a variable
        schema = schema.get("properties", {}).get(part.removesuffix("[*]"), {})
        if not schema:
            return False
        schema = schema.get("items", schema)
    return True


@EVERY_PAGE
def test_yaml_is_what_its_kind_or_the_chart_accepts(page: Path) -> None:
    for text in blocks(page, "yaml"):
        for document in yaml.safe_load_all(text):
            assert list(_faults(document, page)) == [], text


def _faults(document: dict[str, Any], page: Path) -> Iterator[str]:
    if "apiVersion" not in document:
        if page.name != "settings.md":  # written by its generator, which reads it as settings
            values = _over(yaml.safe_load((CHART / "values.yaml").read_text()), document)
            jsonschema.validate(values, json.loads((CHART / "values.schema.json").read_text()))
    elif document["apiVersion"] == names.API_VERSION:
        kind = next(kind for kind in KINDS if kind.name == document["kind"])
        if kind.name in USER_KINDS:
            yield from (f"{field}: {message}" for field, message in check(kind, document))
        else:
            kind.model.model_validate(document)
    elif document["apiVersion"] not in FOREIGN:
        kubernetes_validate.validate(document, "1.35", strict=True)


def _over(values: Any, given: Any) -> Any:
    """The chart's values with those of a file over them, as helm merges them."""
    if not (isinstance(values, dict) and isinstance(given, dict)):
        return given
    return values | {key: _over(values.get(key), value) for key, value in given.items()}


@EVERY_PAGE
def test_metrics_exist(page: Path) -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", metrics.page(), re.MULTILINE))
    known = told | {f"{name}_{suffix}" for name in told for suffix in ("bucket", "sum", "count")}
    packages = {"keyward_api", "keyward_operator", "keyward_proxy", "keyward_cli", "keyward_cqlsh"}
    labels = {re.sub(r"\W", "_", label) for label in (names.LABEL_OWNER_NAMESPACE, names.LABEL_OWNER_NAME)}
    assert set(re.findall(r"\bkeyward_[a-z_]+\b", page.read_text())) <= known | packages | labels


OPERATIONS = ROOT / "docs/operations.md"
CONDITIONS = [found for found in words.condition_types() if found != names.Condition.READY]
ROLE = "arn:aws:iam::111122223333:role/keyward-orders-agent"


def test_policies_of_the_operations_are_those_that_the_code_makes() -> None:
    agents, targets, reader = [json.loads(text) for text in blocks(OPERATIONS, "json")]
    issuer = "https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE"
    place = {"namespace": names.AGENTS_NAMESPACE, "service_account": "payments.orders"}
    assert agents == json.loads(iam.agent_trust_policy(issuer=issuer, agent_role_arn=ROLE, **place))
    cluster = "00000000-0000-0000-0000-000000000000"
    external_id = names.external_id(cluster_uid=cluster, namespace="payments", database="orders")
    assert targets == json.loads(iam.trust_policy(agent_role_arn=ROLE, external_id=external_id))
    trust_policy(json.dumps(targets))
    identity_policy(json.dumps(reader))


def test_the_agents_policy_of_the_operations_is_the_code_s() -> None:
    (made,) = re.findall(r"-o json \| jq '(.*?)'\)", commands(OPERATIONS), re.DOTALL)
    for action in json.loads(iam.agent_policy(role_arns=[ROLE]))["Statement"][0]["Action"]:
        assert f'"{action}"' in made


@pytest.mark.parametrize("condition", CONDITIONS)
def test_there_is_a_way_from_trouble_to_each_condition(condition: str) -> None:
    table = OPERATIONS.read_text().partition("## Troubleshooting")[2]
    assert f"[{condition}](reference/conditions.md#condition-{condition.lower()})" in table
