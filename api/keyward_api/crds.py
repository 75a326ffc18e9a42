"""CustomResourceDefinitions generated from the models: `make generate` writes what `files` returns.

pydantic's JSON schema is not a structural schema: references are inlined, unions with null become optional
fields, `const` becomes `enum`, titles go. What has no structural form is refused here, when the CRDs are made.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from keyward_api import names
from keyward_api.resources.database import OBJECT_RULES, SPEC_RULES, KeyspacesDatabase
from keyward_api.resources.iam_role import IAM_ROLE_SPEC_RULES, KeyspacesIAMRole
from keyward_api.resources.lock import KeyspacesLock
from keyward_api.resources.models import Model
from keyward_api.resources.policy import KeyspacesPolicy
from keyward_api.resources.role import KeyspacesRole
from keyward_api.resources.user import KeyspacesUser

HEADER = "# Generated from api/ by `make generate`; changes here are lost.\n"
_CHART_OPEN = "{{- if .Values.crds.enabled }}\n"
_CHART_KEEP = "    {{- if .Values.crds.keep }}\n    helm.sh/resource-policy: keep\n    {{- end }}\n"
_CHART_CLOSE = "{{- end }}\n"


class UnstructuralSchemaError(ValueError):
    """A model that Kubernetes' structural schemas cannot say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of `kubectl get`."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What a CRD says beside its schema."""

    model: type[Model]
    plural: str
    short: str
    columns: tuple[Column, ...]
    spec_rules: dict[str, Any]
    object_rules: dict[str, Any] = field(default_factory=dict)
    categories: tuple[str, ...] = (names.CATEGORY,)
    subresources: dict[str, Any] = field(default_factory=dict)
    """Beside `status`."""

    @property
    def name(self) -> str:
        """The kind, such as `KeyspacesDatabase`."""
        return self.model.__name__


_AGE = Column(name="Age", path=".metadata.creationTimestamp", type="date")
_READY = '.status.conditions[?(@.type=="Ready")]'
_READINESS = (Column(name="Ready", path=f"{_READY}.status"), Column(name="Reason", path=f"{_READY}.reason"))
_MESSAGE = Column(name="Message", path=f"{_READY}.message", wide=True)

KINDS: tuple[Kind, ...] = (
    Kind(
        model=KeyspacesDatabase,
        plural="keyspacesdatabases",
        short="ksdb",
        spec_rules=SPEC_RULES,
        object_rules=OBJECT_RULES,
        subresources={
            "scale": {
                "specReplicasPath": ".spec.agent.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            }
        },
        columns=(
            *_READINESS,
            Column(name="Address", path=".status.address"),
            Column(name="Account", path=".spec.aws.accountID", wide=True),
            Column(name="Region", path=".spec.aws.region", wide=True),
            Column(name="Agents", path=".status.readyReplicas", type="integer", wide=True),
            Column(name="Grants", path=".status.grants", type="integer", wide=True),
            _MESSAGE,
            _AGE,
        ),
    ),
    Kind(
        model=KeyspacesRole,
        plural="keyspacesroles",
        short="ksrole",
        spec_rules={},
        columns=(
            *_READINESS,
            Column(name="Databases", path=".status.databases"),
            Column(name="Users", path=".status.users", wide=True),
            _MESSAGE,
            _AGE,
        ),
    ),
    Kind(
        model=KeyspacesUser,
        plural="keyspacesusers",
        short="ksuser",
        spec_rules={},
        columns=(
            *_READINESS,
            Column(name="Roles", path=".spec.roles"),
            Column(name="Expires", path=".spec.expireTime"),
            Column(name="Databases", path=".status.databases", wide=True),
            Column(name="Grants", path=".status.grants", type="integer", wide=True),
            _MESSAGE,
            _AGE,
        ),
    ),
    Kind(
        model=KeyspacesLock,
        plural="keyspaceslocks",
        short="kslock",
        spec_rules={},
        columns=(
            Column(name="Target", path=".spec.target"),
            Column(name="Ready", path=f"{_READY}.status"),
            Column(name="Databases", path=".status.databases"),
            Column(name="Expires", path=".spec.expireTime"),
            Column(name="Message", path=".spec.message", wide=True),
            _AGE,
        ),
    ),
    Kind(
        model=KeyspacesIAMRole,
        plural="keyspacesiamroles",
        short="ksiam",
        spec_rules=IAM_ROLE_SPEC_RULES,
        columns=(
            Column(name="Ready", path=f"{_READY}.status"),
            Column(name="Reason", path=f"{_READY}.reason"),
            Column(name="Role", path=".spec.roleName"),
            Column(name="Management", path=".spec.management"),
            Column(name="Account", path=".spec.accountID", wide=True),
            Column(name="Databases", path=".status.databases", wide=True),
            Column(name="ARN", path=".status.arn", wide=True),
            Column(name="Message", path=f"{_READY}.message", wide=True),
            _AGE,
        ),
    ),
    Kind(
        model=KeyspacesPolicy,
        plural="keyspacespolicies",
        short="kspolicy",
        spec_rules={},
        categories=(),
        columns=(Column(name="Revision", path=".spec.revision"), _AGE),
    ),
)


def definition(kind: Kind) -> dict[str, Any]:
    """The CustomResourceDefinition of a kind."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{kind.plural}.{names.GROUP}",
            "annotations": {},
            "labels": {"app.kubernetes.io/part-of": "keyward"},
        },
        "spec": {
            "group": names.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                "shortNames": [kind.short],
                **({"categories": list(kind.categories)} if kind.categories else {}),
            },
            "versions": [_version(kind)],
        },
    }


def _version(kind: Kind) -> dict[str, Any]:
    fields = kind.model.model_fields
    properties: dict[str, Any] = {
        "apiVersion": {"type": "string", "description": f"Always `{names.API_VERSION}`."},
        "kind": {"type": "string", "description": f"Always `{kind.name}`."},
        "metadata": {"type": "object"},
        "spec": _part(kind, "spec") | kind.spec_rules,
    }
    version: dict[str, Any] = {"name": names.VERSION, "served": True, "storage": True}
    if "status" in fields:
        properties["status"] = _part(kind, "status")
        version["subresources"] = {"status": {}, **kind.subresources}
    version["additionalPrinterColumns"] = [_column(column) for column in kind.columns]
    version["schema"] = {
        "openAPIV3Schema": {
            "type": "object",
            "description": (kind.model.__doc__ or "").strip(),
            "required": ["spec"],
            "properties": properties,
        }
        | kind.object_rules
    }
    return version


def _column(column: Column) -> dict[str, Any]:
    return {"name": column.name, "type": column.type, "jsonPath": column.path} | (
        {"priority": 1} if column.wide else {}
    )


def _part(kind: Kind, name: str) -> dict[str, Any]:
    annotation = kind.model.model_fields[name].annotation
    if not (isinstance(annotation, type) and issubclass(annotation, Model)):
        raise UnstructuralSchemaError(f"{kind.name}.{name} is not a model")
    schema = annotation.model_json_schema(by_alias=True, mode="validation")
    return structural(schema, schema.get("$defs", {}))


def structural(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A structural schema that means the same as pydantic's `schema`.

    Raises UnstructuralSchemaError for a union of several types or a tuple of fixed places.
    """
    schema = _inlined(_without_null(_inlined(schema, definitions)), definitions)
    if "anyOf" in schema or "prefixItems" in schema:
        raise UnstructuralSchemaError(f"no structural form for {schema}")
    result = {key: value for key, value in schema.items() if key not in ("$defs", "title", "const")}
    if "const" in schema:
        result["enum"] = [schema["const"]]
    if result.get("default", 0) is None:
        del result["default"]
    if "properties" in result:
        result["properties"] = {k: structural(v, definitions) for k, v in result["properties"].items()}
    for nested in ("items", "additionalProperties"):
        if isinstance(result.get(nested), dict):
            result[nested] = structural(result[nested], definitions)
    return result


def _inlined(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    target = definitions[schema["$ref"].rsplit("/", 1)[1]]
    # What stands beside the reference (the field's own description, default) wins over the model's.
    return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """`X | None` as an optional X: whether a field is required says its parent."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) != 1:
        return schema
    return {**choices[0], **{key: value for key, value in schema.items() if key not in ("anyOf", "default")}}


def plain_yaml(kind: Kind) -> str:
    """The CRD as kubectl takes it."""
    document = definition(kind)
    del document["metadata"]["annotations"]
    return HEADER + _dump(document)


def chart_yaml(kind: Kind) -> str:
    """The CRD as a template of the chart, which upgrades it and keeps it on uninstall if told so."""
    text = _dump(definition(kind)).replace("{{", "{{ `{{` }}")
    text = text.replace("  annotations: {}\n", "  annotations:\n    keyward.dev/generated: 'true'\n" + _CHART_KEEP)
    return HEADER + _CHART_OPEN + text + _CHART_CLOSE


def _dump(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def files(kinds: Iterable[Kind] = KINDS) -> dict[str, str]:
    """All generated files: path below the project's folder, and text."""
    result = {}
    for kind in kinds:
        result[f"crds/{names.GROUP}_{kind.plural}.yaml"] = plain_yaml(kind)
        result[f"charts/keyward/templates/crds/{kind.plural}.yaml"] = chart_yaml(kind)
    return result
