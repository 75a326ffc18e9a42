"""The Deployment of a database's agents.

Nothing of a tenant's choice reaches the pod but numbers and names: never an image, a command or a volume. Agents roll
when this template changes, so it holds only what should make them roll.
"""

from keyward_api import names
from keyward_api.canonical import content_hash
from keyward_api.resources.database import Agent
from keyward_api.resources.scheduling import Resources, TopologySpreadConstraint
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests import aws_roots, ca_secret
from keyward_operator.manifests.context import ManifestContext, recommended_labels, selector_labels
from keyward_operator.manifests.network_policy import HEALTH_PORT

CONTAINER = "agent"
CA_DIRECTORY = "/etc/keyward/ca"
GRACE_SECONDS = 65
"""An agent's end takes 57 s at most (see `AgentSettings`), and some requests to the API server."""

MINIMUM_READY_SECONDS = 10
"""Until the next agent may go: drivers wait at most so long after an event until they look for new nodes (Python's 10 s
after NEW_NODE and 2 s after UP, Java's and gocql's 1 s), and must have found this one by then."""

_UID = 65532


_REQUESTS = {"cpu": "50m", "memory": "128Mi"}
_LIMITS = {"memory": "512Mi"}
_SPREAD = tuple(
    TopologySpreadConstraint(topology_key=label) for label in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
)


def deployment(context: ManifestContext, *, agent: Agent, role_arn: str, replicas: int, account_uid: str) -> Json:
    """The agents, whose own IAM role is `role_arn`.

    What they cannot follow while they run is hashed into the template, so that they are made anew:
    IRSA is injected when a pod is made, and a pod's tokens end with the ServiceAccount that they were issued for.
    """
    return context.base(Child.DEPLOYMENT) | {
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 2,
            "minReadySeconds": MINIMUM_READY_SECONDS,
            "selector": {"matchLabels": selector_labels(context.owner)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {
                "metadata": {
                    "labels": {**recommended_labels(context.owner), **context.owner.labels},
                    "annotations": _annotations(context, role_arn, account_uid),
                },
                "spec": _pod(context, agent),
            },
        }
    }


def _annotations(context: ManifestContext, role_arn: str, account_uid: str) -> dict[str, str]:
    annotations = {names.ANNOTATION_IDENTITY_HASH: content_hash([role_arn, account_uid], length=16)}
    if context.settings.agents.ca_bundle:
        annotations[names.ANNOTATION_AWS_ROOTS_HASH] = content_hash(context.settings.agents.ca_bundle, length=16)
    return annotations


def _pod(context: ManifestContext, agent: Agent) -> Json:
    pod: Json = {
        "serviceAccountName": context.reference(Child.SERVICE_ACCOUNT).name,
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _UID,
            "runAsGroup": _UID,
            "fsGroup": _UID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **_scheduling(context, agent),
        "containers": [_container(context, agent)],
        "volumes": _volumes(context),
    }
    if context.settings.agents.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": secret.name} for secret in context.settings.agents.image_pull_secrets]
    return pod


def _scheduling(context: ManifestContext, agent: Agent) -> Json:
    selector = {"labelSelector": {"matchLabels": selector_labels(context.owner)}}
    spread = agent.topology_spread_constraints or _SPREAD
    scheduling: Json = {"topologySpreadConstraints": [each.to_json_dict() | selector for each in spread]}
    if agent.node_selector:
        scheduling["nodeSelector"] = dict(agent.node_selector)
    if agent.tolerations:
        scheduling["tolerations"] = [each.to_json_dict() for each in agent.tolerations]
    if agent.priority_class_name:
        scheduling["priorityClassName"] = agent.priority_class_name
    return scheduling


def _container(context: ManifestContext, agent: Agent) -> Json:
    agents = context.settings.agents
    return {
        "name": CONTAINER,
        "image": agents.image,
        "imagePullPolicy": agents.image_pull_policy,
        "args": _arguments(context, agent),
        "env": _environment(context),
        "ports": [
            {"name": "cql", "containerPort": names.CQL_PORT, "protocol": "TCP"},
            {"name": "cql-external", "containerPort": names.EXTERNAL_CQL_PORT, "protocol": "TCP"},
            {"name": "cql-service", "containerPort": names.SERVICE_CQL_PORT, "protocol": "TCP"},
            {"name": "health", "containerPort": HEALTH_PORT, "protocol": "TCP"},
        ],
        "startupProbe": _probe("/healthz", period=1, failures=60),
        "readinessProbe": _probe("/readyz", period=2, failures=1),
        "livenessProbe": _probe("/healthz", period=10, failures=3),
        "resources": _resources(agent.resources),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": _mounts(context),
    }


def _resources(wanted: Resources) -> Json:
    """A request or a limit that is chosen is never contradicted by the other's default."""
    requests, limits = wanted.requests.to_json_dict(), wanted.limits.to_json_dict()
    unlimited = {name: amount for name, amount in _REQUESTS.items() if name not in limits}
    return {
        "requests": unlimited | requests,
        "limits": {name: requests.get(name, amount) for name, amount in _LIMITS.items()} | limits,
    }


def _arguments(context: ManifestContext, agent: Agent) -> list[str]:
    policy = context.reference(Child.POLICY)
    return [
        f"--policy-namespace={policy.namespace}",
        f"--policy-name={policy.name}",
        f"--operator-lease={context.operator_namespace}/{names.LEASE_NAME}",
        f"--ca-directory={CA_DIRECTORY}",
        f"--listen=0.0.0.0:{names.CQL_PORT}",
        f"--external-listen=0.0.0.0:{names.EXTERNAL_CQL_PORT}",
        f"--service-listen=0.0.0.0:{names.SERVICE_CQL_PORT}",
        f"--health-address=0.0.0.0:{HEALTH_PORT}",
        f"--log-level={agent.log_level}",
        *(f"--server-name={name}" for name in (*_server_names(context), *agent.service.hostnames)),
    ]


def _server_names(context: ManifestContext) -> list[str]:
    """Every name by which a client in the cluster may reach the agents."""
    domain = context.settings.cluster_domain
    children = (Child.CLIENT_SERVICE, Child.SERVICE, Child.REPLICAS_SERVICE)
    services = (context.reference(child) for child in children)
    return [
        f"{service.name}.{service.namespace}.{suffix}" for service in services for suffix in ("svc", f"svc.{domain}")
    ]


def _environment(context: ManifestContext) -> list[Json]:
    fields = {"POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace", "POD_IP": "status.podIP"}
    downward: list[Json] = [
        {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
        for name, path in fields.items()
    ]
    # Of a name that is given twice the last counts, and the API server's merge wants each once.
    values = {variable.name: variable.value for variable in context.settings.agents.env if variable.name not in fields}
    if context.settings.agents.ca_bundle:
        values["AWS_CA_BUNDLE"] = aws_roots.FILE
    return downward + [{"name": name, "value": value} for name, value in values.items()]


def _probe(path: str, *, period: int, failures: int) -> Json:
    return {
        "httpGet": {"path": path, "port": "health", "scheme": "HTTP"},
        "periodSeconds": period,
        "failureThreshold": failures,
        "timeoutSeconds": 2,
    }


def _mounts(context: ManifestContext) -> list[Json]:
    mounts: list[Json] = [{"name": "ca", "mountPath": CA_DIRECTORY, "readOnly": True}]
    if context.settings.agents.ca_bundle:
        mounts.append({"name": "aws-roots", "mountPath": aws_roots.DIRECTORY, "readOnly": True})
    return mounts


def _volumes(context: ManifestContext) -> list[Json]:
    signing = [{"key": key, "path": key} for key in (ca_secret.CERTIFICATE, ca_secret.PRIVATE_KEY)]
    secret = {"secretName": context.reference(Child.CA_SECRET).name, "defaultMode": 0o440, "items": signing}
    volumes: list[Json] = [{"name": "ca", "secret": secret}]
    if context.settings.agents.ca_bundle:
        volumes.append({"name": "aws-roots", "configMap": {"name": context.reference(Child.AWS_ROOTS).name}})
    return volumes
